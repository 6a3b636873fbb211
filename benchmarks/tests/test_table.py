"""A benchmark's table and timing: rows are printed when they are measured, and kept as JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.table import Column, Table
from benchmarks.timing import least_ms, spread_ms

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(
    path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main(" in path.read_text()
)
COLUMNS = (Column("median ms", ",.3f"), Column("unit"))


def test_a_row_is_printed_when_it_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("nets", COLUMNS)
    capsys.readouterr()
    table.add("embedder", 1234.5678, "ms")
    assert capsys.readouterr().out.split() == ["embedder", "1,234.568", "ms"]


def test_headings_stand_over_their_figures(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("nets", COLUMNS)
    table.add("embedder", 1.5, "ms")
    head, row = capsys.readouterr().out.splitlines()[1:]
    assert head.index("median ms") + len("median ms") == row.index("1.500") + len("1.500")


def test_the_json_holds_every_row_and_note_and_the_machine(tmp_path: Path) -> None:
    table = Table("nets", COLUMNS, ["numpy", "no-such-package"])
    table.add("embedder", 1.23456, "ms")
    table.note("PostgreSQL was not measured.")
    table.finish(tmp_path / "nets.json")
    content = json.loads((tmp_path / "nets.json").read_text())
    assert content["rows"] == [{"name": "embedder", "median_ms": 1.23456, "unit": "ms"}]
    assert content["notes"] == ["PostgreSQL was not measured."]
    assert {"cores", "load", "python", "numpy"} <= content["machine"].keys()
    assert "no-such-package" not in content["machine"]
    assert content["peak_mib"] > 1


def test_a_row_with_a_figure_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Table("nets", COLUMNS).add("embedder", 1.0)


def test_a_spread_is_in_order() -> None:
    least, median, p95 = spread_ms(lambda: sum(range(1000)), seconds=0.01)
    assert 0 < least <= median <= p95


def test_the_least_of_some_rounds_is_of_so_many_rounds() -> None:
    turns: list[int] = []
    assert least_ms(lambda: turns.append(1), rounds=3) > 0
    assert len(turns) == 3


@pytest.mark.parametrize("name", ["search", "envelopes"])
def test_a_benchmark_runs_from_the_command_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--seconds", "0", "--json", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    rows = json.loads(path.read_text())["rows"]
    assert rows
    assert all(row["name"] in said.stdout for row in rows)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_benchmark_says_what_it_times(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert "Time " in said.stdout
    assert "--json" in said.stdout
