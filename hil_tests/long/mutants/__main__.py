"""`make mutants`: break guarded lines one by one in a scratch copy; each must fail its test.

Prints one row per mutation: whether it was caught, seconds, the line, the promise, and the test.
Fails if one survives, if an entry no longer fits the code, or if a test fails without a mutation.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hil_tests.long.mutants.listed import LISTS, EntryRefused, Mutant, misfits, read_mutants
from hil_tests.long.mutants.scratch import FAILED, Result, Scratch, scratch_copy

BASELINE_LIMIT_S: Final = 1800.0
"""Longest run of all tests on the code as it is."""
ROOT: Final = Path(__file__).parents[3]
CAUGHT: Final = "caught"
NEXT: Final = {
    "SURVIVED": "write a test that fails without this line",
    "SKIPPED": "install what its test needs",
    "TIME UP": "name a test that ends sooner",
    "UNTESTED": "its test cannot run, see above: write another mutation",
}
"""What became of a mutation that was not caught, and what to do."""


def main() -> int:
    """Run the chosen mutants and print the table; return 0 if every one was caught."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose file or promise holds this text")
    parser.add_argument("--tree", type=Path, default=ROOT, help="default: this repository")
    parser.add_argument("--lists", type=Path, default=LISTS, help="a folder of lists")
    chosen = parser.parse_args()
    try:
        mutants = _chosen(chosen.tree, chosen.lists, chosen.only)
        with scratch_copy(chosen.tree) as scratch:
            _check_tests(scratch, mutants)
            words = [(mutant, _try(scratch, mutant)) for mutant in mutants]
    except EntryRefused as error:
        print(error, file=sys.stderr)
        return 1
    missed = [(mutant, word) for mutant, word in words if word != CAUGHT]
    print(f"{len(mutants) - len(missed)} of {len(mutants)} mutations were caught.")
    for mutant, word in missed:
        print(f"{word}: {mutant.file}: {mutant.old}: {NEXT[word]}.")
    return 1 if missed else 0


def _chosen(tree: Path, lists: Path, only: str) -> list[Mutant]:
    """Return the chosen mutants, each compared with the tree."""
    mutants = [each for each in read_mutants(lists) if only in f"{each.file} {each.guards}"]
    if not mutants:
        raise EntryRefused(f"No mutation's file or promise holds {only!r}: see {lists}.")
    if faults := misfits(tree, mutants):
        raise EntryRefused("\n".join(faults))
    return mutants


def _check_tests(scratch: Scratch, mutants: Sequence[Mutant]) -> None:
    """Run every test on the code as it is: one that fails anyway catches nothing.

    Raises:
        EntryRefused: a test fails.
    """
    tests = sorted({mutant.by for mutant in mutants})
    print(
        f"{len(mutants)} mutations. Their {len(tests)} tests on the code as it is ...", flush=True
    )
    result = scratch.run(tests, BASELINE_LIMIT_S)
    if result.status != 0:
        raise EntryRefused(f"{result.said}\nA test fails without any mutation: mend it first.")


def _try(scratch: Scratch, mutant: Mutant) -> str:
    """Run the mutant's test, print the row, and return `CAUGHT` or a word of `NEXT`."""
    text = (scratch.root / mutant.file).read_text("utf-8")
    line = text[: text.index(mutant.old)].count("\n") + 1
    began_s = time.monotonic()
    with scratch.mutant(mutant):
        result = scratch.run([mutant.by])
    seconds, word = time.monotonic() - began_s, _word(result)
    print(f"{word:9} {seconds:5.1f} s  {mutant.file}:{line}")
    print(f"{'':19}{mutant.guards}\n{'':19}{mutant.old}  ->  {mutant.new or 'nothing'}")
    print(f"{'':19}{mutant.by.partition('::')[2]}", flush=True)
    if word == "UNTESTED":
        print(result.said)
    return word


def _word(result: Result) -> str:
    if result.status == FAILED:
        return CAUGHT
    if result.status is None:
        return "TIME UP"
    if result.status != 0:
        return "UNTESTED"
    return "SURVIVED" if " passed" in result.said else "SKIPPED"


if __name__ == "__main__":
    sys.exit(main())
