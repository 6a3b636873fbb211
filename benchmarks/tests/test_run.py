"""The harness of the benchmarks: keys, null figures, limits of time, the page of releases."""

import json
import time

import pytest

from benchmarks import run
from benchmarks.cpu_time import Spread, by_turns, cpu_ms
from benchmarks.figures import KEYS
from benchmarks.history import NOTHING, PAGE, Release, newest, with_release
from benchmarks.run import PROGRAMS, Program, Results, as_json, gather, lines
from benchmarks.table import Table

TABLE = """# Performance

| figure | 1.0 |
| --- | --- |
| `frame_ratio_5` | 0.64 |
| `start_s` | 1.2 |
| `due_growth` | not measured |

After it.
"""


def test_each_key_is_measured_by_one_benchmark() -> None:
    measured = [key for program in PROGRAMS for key in program.keys]
    assert sorted(measured) == sorted(KEYS)


def test_the_limits_add_up_to_ten_minutes_at_most() -> None:
    assert sum(program.limit_s for program in PROGRAMS) <= 600


def test_the_json_has_every_key_and_null_for_what_was_not_measured() -> None:
    results = Results(spreads={"start_s": (0.5, 0.4, 0.6)}, missing={"seal_ms": "no reason"})
    content = json.loads(json.dumps(as_json(results, {"cores": 2})))
    assert content["start_s"] == 0.5
    assert content["quartiles"] == {"start_s": [0.4, 0.6]}
    assert content["seal_ms"] is None
    assert content["missing"] == {"seal_ms": "no reason"}
    assert content.keys() >= KEYS.keys()


def test_the_table_says_why_a_figure_is_null() -> None:
    told = list(lines(Results(missing={"seal_ms": "there is no clock"}), None))
    (row,) = [line for line in told if line.startswith("seal_ms")]
    assert row.split() == ["seal_ms", "null", "there", "is", "no", "clock"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("frame_ratio_5", 0.96, "0.64, +50 % better"),
        ("frame_ratio_5", 0.32, "0.64, -50 % worse"),
        ("start_s", 0.6, "1.2, -50 % better"),
        ("start_s", 1.8, "1.2, +50 % worse"),
        ("due_growth", 1.0, ""),
    ],
)
def test_the_table_prints_the_difference_to_the_newest_release(
    key: str, value: float, said: str
) -> None:
    results = Results(spreads={key: (value, value, value)})
    told = list(lines(results, newest(TABLE)))
    (row,) = [line for line in told if line.startswith(key)]
    assert said in row
    assert ("better" in row or "worse" in row) == bool(said)


@pytest.mark.parametrize(("value", "said"), [(2.5, "    >= 2 "), (1.5, "not >= 2 ")])
def test_the_table_says_whether_a_goal_is_met(value: float, said: str) -> None:
    results = Results(spreads={"frame_ratio_5": (value, value, value)})
    assert any(said in line for line in lines(results, None) if line.startswith("frame_ratio_5"))


def test_a_release_becomes_the_last_column_of_the_page() -> None:
    page = with_release(TABLE, Release("1.1", {"frame_ratio_5": 2.25, "due_growth": 1.0}))
    assert newest(page) == Release("1.1", {"frame_ratio_5": 2.25, "due_growth": 1.0})
    assert "| `frame_ratio_5` | 0.64 | 2.25 |" in page
    assert f"| `start_s` | 1.2 | {NOTHING} |" in page
    assert page.endswith("\nAfter it.\n")


def test_figures_of_the_same_release_replace_its_column() -> None:
    twice = with_release(TABLE, Release("1.0", {"start_s": 0.7}))
    assert newest(twice) == Release("1.0", {"start_s": 0.7})
    assert "1.2" not in twice


def test_a_page_without_the_table_is_refused() -> None:
    assert newest("# Performance\n") is None
    with pytest.raises(ValueError, match="no table"):
        with_release("# Performance\n", Release("1.1", {}))


def test_the_page_has_a_row_for_each_key() -> None:
    page = PAGE.read_text("utf-8")
    release = newest(page)
    assert release is not None
    assert [key for key in KEYS if f"| `{key}` |" not in page] == []


def test_a_figure_without_a_key_is_refused() -> None:
    with pytest.raises(KeyError):
        Table("frames", []).figure("frame_ratio_7", Spread.of([1.0]))


def test_a_benchmark_that_gives_no_figure_leaves_the_reason() -> None:
    results = Results()
    gather(Program("none", 60, ["seal_ms"]), [], results)
    assert results.missing["seal_ms"] == "it ended with exit code 1, see above"


def test_a_benchmark_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    results, begun_s = Results(), time.monotonic()
    monkeypatch.setattr(run, "STOP_S", 0.5)
    gather(Program("envelopes", 0.1, ["seal_ms"], ("--seconds", "90")), [], results)
    assert results.missing["seal_ms"] == "it was not ready after 0 s"
    assert time.monotonic() - begun_s < 60


def test_cpu_time_counts_no_waiting() -> None:
    assert cpu_ms(lambda: time.sleep(0.2)) < 100 < 1000 * 0.2


def test_steps_take_turns() -> None:
    turns: list[str] = []
    spent = by_turns({"one": lambda: turns.append("one"), "two": lambda: turns.append("two")}, 2)
    assert turns == ["one", "two"] * 3
    assert [len(each) for each in spent.values()] == [2, 2]


def test_a_spread_is_the_median_between_its_quartiles() -> None:
    assert Spread.of([4.0, 1.0, 2.0, 3.0, 5.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)
