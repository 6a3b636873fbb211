"""Time everything that releases are compared by: one table, `build/bench.json`, and the difference.

Each benchmark runs in a process of its own, one after the other, and has a limit of time. A figure
that could not be measured is null in the JSON, and the table says why. The difference is to the
newest release in docs/performance.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.figures import KEYS, Key
from benchmarks.history import PAGE, Release, newest, with_release
from benchmarks.machine import conditions

ROOT: Final = Path(__file__).resolve().parents[1]
OUT: Final = ROOT / "build" / "bench.json"
PACKAGES: Final = (
    *("numpy", "ai-edge-litert", "pillow", "pynacl", "paho-mqtt", "sqlalchemy", "psycopg"),
    *("opencv-python-headless", "onnxruntime", "dlib-bin"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """One benchmark, its limit in seconds, and the figures that it gives."""

    name: str
    limit_s: float
    keys: Sequence[str]
    arguments: Sequence[str] = ()
    takes: Sequence[str] = ()
    """Options of `make bench` that are handed on to it."""


PROGRAMS: Final = (
    Program(
        "frames",
        130,
        [f"frame_ratio_{faces}" for faces in (0, 1, 5, 20)],
        takes=("peers", "faces"),
    ),
    Program("crowd", 80, ["crowd_found_8", "crowd_found_20"], takes=("faces",)),
    Program(
        "idle",
        70,
        ["quiet_watch_core_share", "quiet_lampguard_core_share", "start_s", "watch_pss_mib"],
    ),
    Program("growth", 40, ["room_growth", "due_growth"]),
    Program("latency", 140, ["first_sight_ms_p50", "first_sight_ms_p95"]),
    Program(
        "receiver",
        100,
        ["receiver_ratio_sqlite", "receiver_ratio_postgresql"],
        ("--rounds", "2"),
    ),
    Program("search", 20, ["search_ratio_100k"], ("--seconds", "1")),
    Program("envelopes", 20, ["seal_ms"], ("--seconds", "1")),
)
"""The limits add up to less than ten minutes."""
STOP_S: Final = 10.0
"""Until a benchmark that was told to stop is killed."""


@dataclass(slots=True)
class Results:
    """What the benchmarks gave, by key."""

    spreads: dict[str, Sequence[float]] = field(default_factory=dict)
    """Median, first and third quartile."""
    missing: dict[str, str] = field(default_factory=dict)
    """Why a figure is not there."""
    details: dict[str, Any] = field(default_factory=dict)
    """The whole answer of each benchmark, with accuracy and notes, by its name."""

    @property
    def values(self) -> dict[str, float]:
        """The median of each figure that was measured."""
        return {key: spread[0] for key, spread in self.spreads.items()}


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=OUT, help="default: %(default)s")
    parser.add_argument("--peers", help="folder of the peers' nets")
    parser.add_argument("--faces", help="ZIP of Person_Name/picture.jpg, who walk")
    parser.add_argument("--only", nargs="*", help="names of benchmarks; others are left out")
    parser.add_argument(
        "--keep", metavar="RELEASE", help="write the figures into the page as of it"
    )
    chosen = parser.parse_args()
    results = Results()
    for program in PROGRAMS:
        if chosen.only and program.name not in chosen.only:
            results.missing.update(dict.fromkeys(program.keys, "it was left out (--only)"))
            continue
        given = {name: vars(chosen)[name] for name in program.takes if vars(chosen)[name]}
        gather(program, [word for name in given for word in (f"--{name}", given[name])], results)
    machine = conditions(PACKAGES)
    page = PAGE.read_text("utf-8")
    print("\n".join(lines(results, newest(page))))
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(as_json(results, machine), indent=1) + "\n", "utf-8")
    print(f"written: {chosen.json}")
    if chosen.keep:
        PAGE.write_text(with_release(page, Release(chosen.keep, results.values)), "utf-8")


def gather(program: Program, own: Sequence[str], results: Results) -> None:
    """Run one benchmark and add its figures, or why there are none."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{program.name}", "--json", str(path)]
        why = _run([*command, *program.arguments, *own], program.limit_s)
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    results.details[program.name] = found
    for key in program.keys:
        if key in found.get("figures", {}):
            results.spreads[key] = found["figures"][key]
        else:
            results.missing[key] = found.get("missing", {}).get(key, why)


def _run(command: Sequence[str], limit_s: float) -> str:
    """Run a program to its end or its limit; return how it ended."""
    with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: S603  # The project's own.
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.terminate()  # It stops what it started.
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            return f"it was not ready after {limit_s:.0f} s"
    return f"it ended with exit code {code}, see above" if code else "it gave no such figure"


def as_json(results: Results, machine: Mapping[str, str | int | float]) -> dict[str, Any]:
    """Return the content of `build/bench.json`: a ratio or null under each key."""
    return {
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(machine),
        **{key: results.values.get(key) for key in KEYS},
        "quartiles": {key: list(spread[1:]) for key, spread in results.spreads.items()},
        "missing": results.missing,
        "benchmarks": results.details,
    }


def lines(results: Results, before: Release | None) -> Iterator[str]:
    """Yield the lines of the table, with the difference to an earlier release."""
    then = before.name if before else ""
    yield ""
    yield f"{'figure':28}{'median':>10}  {'quartiles':20}{'goal':>10}  {then:22}what"
    for key in KEYS.values():
        if key.name not in results.spreads:
            yield f"{key.name:28}{'null':>10}  {results.missing.get(key.name, 'not measured')}"
            continue
        value, low, high = results.spreads[key.name]
        spread = f"{low:.3g} to {high:.3g}"
        yield (
            f"{key.name:28}{value:>10.3g}  {spread:20}{_goal(key, value):>10}  "
            f"{_difference(key, value, before):22}{key.about}{key.unit and ', ' + key.unit}"
        )


def _goal(key: Key, value: float) -> str:
    if key.goal is None:
        return ""
    return f"{'' if key.is_met(value) else 'not '}{'>=' if key.more else '<='} {key.goal:g}"


def _difference(key: Key, value: float, before: Release | None) -> str:
    then = before.figures.get(key.name) if before else None
    if not then:
        return ""
    word = "better" if key.is_better(value, then) else "worse"
    return f"{then:.3g}, {100 * (value / then - 1):+.0f} % {'' if value == then else word}".strip()


if __name__ == "__main__":
    main()
