"""Each test runs in exactly one of the commands of `make test-all`, with any marks."""

import re
import subprocess
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def recipe(target: str) -> list[str]:
    """Return the lines of a target's recipe."""
    found = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", MAKEFILE, re.MULTILINE)
    assert found is not None, target
    return found[1].splitlines()


SELECTIONS = [
    found[1]
    for line in recipe("test") + recipe("test-long")
    if (found := re.search(r'-m "(.+)"$', line)) is not None
]


def test_all_is_both() -> None:
    assert re.search(r"^test-all: test test-long ", MAKEFILE, re.MULTILINE)
    assert len(SELECTIONS) == len(recipe("test") + recipe("test-long"))


@pytest.mark.parametrize("marks", [(), ("alone",), ("long",), ("alone", "long")])
def test_exactly_one_command_takes_a_test(marks: tuple[str, ...]) -> None:
    def carries(name: str, /, **_: object) -> bool:
        assert name in {"alone", "long"}
        return name in marks

    assert [Expression.compile(each).evaluate(carries) for each in SELECTIONS].count(True) == 1


def test_every_file_of_tests_is_below_a_folder_that_is_searched(
    pytestconfig: pytest.Config,
) -> None:
    files = subprocess.run(
        ["git", "ls-files", "*test_*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {file.split("/")[0] for file in files} <= set(pytestconfig.getini("testpaths"))


def test_the_gate_runs_all() -> None:
    assert "make test-all" in (ROOT / ".ci" / "run").read_text().splitlines()
