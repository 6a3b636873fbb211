"""Hours, faces and faults of the report are those of the cameras' own ledgers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from estate.__main__ import app
from estate.report.groups import compare_groups
from estate.report.intervals import Share
from estate.report.light import hours_in_light, lit_spans, looking_spans
from estate.tests.books import LEDGER_KEYS, Office
from firmware.tests import desk as authority
from formats.ledger import (
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    sign_checkpoint,
)

Said = tuple[float, Happening, Mapping[str, int | str]]
MORNING = datetime(2026, 5, 4, 10, tzinfo=UTC)
LATE = datetime(2026, 5, 4, 23, tzinfo=UTC)
CAMERA = authority.CAMERA.camera_id.hex()
pytestmark = pytest.mark.timeout(120)


def chain(program: Program, began: datetime, said: Sequence[Said]) -> list[bytes]:
    """Return a ledger with each record at its number of seconds after the beginning."""
    lines: list[bytes] = []
    for at_s, event, body in said:
        record = next_record(
            lines[-1] if lines else None,
            program=program,
            mono_ns=int((1000 + at_s) * 1e9),
            utc_ms=int((began.timestamp() + at_s) * 1000),
            event=event,
            body=body,
        )
        lines.append(record.to_line())
    return lines


def spoken(program: Program, said: Sequence[Said], began: datetime = MORNING) -> list[Record]:
    return [Record.from_line(line) for line in chain(program, began, said)]


def hand_over(office: Office, program: Program, lines: list[bytes]) -> None:
    folder = office.folder / "stick" / program
    folder.mkdir(parents=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    head = Head(len(lines), sha256(lines[-1]).digest())
    signed = sign_checkpoint(Checkpoint(f"{CAMERA}/{program}", head), LEDGER_KEYS[program])
    (folder / "checkpoint.json").write_bytes(signed)
    taken = office.take_in(program)
    assert taken.exit_code == 0, taken.output


def lamp(at_s: float, to: str, lease: str = "") -> Said:
    body = {"from": "off", "to": to, "reason": "so"}
    return at_s, Happening.LAMP, body | ({"lease_id": lease} if lease else {})


def begin(at_s: float, lease: str = "aa") -> Said:
    return at_s, Happening.PERIOD_BEGIN, {"lease_id": lease}


def end(at_s: float, **counts: int) -> Said:
    return at_s, Happening.PERIOD_END, counts


LIGHT = (
    *(lamp(-1, "off"), lamp(0, "arming"), lamp(0.1, "on", "aa"), lamp(3601, "hold")),
    *(lamp(3603.2, "off"), lamp(7200, "arming"), lamp(7200.1, "on", "bb"), lamp(7300, "fault")),
)
LOOKING = (
    *(begin(0.2), end(3600.9, frames=36_000, faces=70, put_off=5, passers_by=60)),
    *(begin(7200.2, "bb"), end(7300.2, frames=1000, faces=3, passers_by=2)),
    (7300.3, Happening.FAULT, {"code": "LampDark"}),
)


def report(
    office: Office, since: str = "2026-05-04", until: str = "2026-05-05"
) -> dict[str, object]:
    page = office.folder / "report.html"
    words = ["--config", str(office.settings), "--since", since, "--until", until, "--to"]
    done = CliRunner().invoke(app, ["report", *words, str(page)])
    assert done.exit_code == 0, done.output
    figures: dict[str, object] = json.loads(page.with_suffix(".json").read_text())
    return figures


def test_hours_and_lamp_faults_are_what_the_two_programs_wrote_down(office: Office) -> None:
    hand_over(office, Program.LAMPGUARD, chain(Program.LAMPGUARD, MORNING, LIGHT))
    hand_over(office, Program.WATCH, chain(Program.WATCH, MORNING, LOOKING))
    figures = report(office)
    assert figures["lit_h"] == pytest.approx((3603.2 + 100) / 3600)
    assert figures["armed_h"] == pytest.approx((3600.7 + 100) / 3600)
    assert (figures["lamp_faults"], figures["other_faults"]) == (1, 1)
    assert (figures["frames"], figures["faces"], figures["passers_by"]) == (37_000, 73, 62)
    assert figures["put_off"] == 5
    assert (figures["periods"], figures["unended"], figures["unproven_h"]) == (2, 0, 0)
    assert figures["dark_s"] == pytest.approx(0.2)


def test_the_reports_camera_figures_can_be_counted_again_in_what_outsiders_get(
    office: Office,
) -> None:
    hand_over(office, Program.LAMPGUARD, chain(Program.LAMPGUARD, MORNING, LIGHT))
    hand_over(office, Program.WATCH, chain(Program.WATCH, MORNING, LOOKING))
    sent: list[Said] = [(5.0, Happening.EVENT_RECEIPTED, {"sequence": 1, "envelope": "ab" * 32})]
    hand_over(office, Program.COURIER, chain(Program.COURIER, MORNING, sent))
    books = office.folder / "handed"
    words = ["ledger", "export", str(books), "--config", str(office.settings)]
    assert CliRunner().invoke(app, words).exit_code == 0
    told = [
        json.loads(line)
        for path in books.glob(f"{CAMERA}_*.jsonl")
        for line in path.read_text().splitlines()
    ]
    figures = report(office)
    ends = [each["body"] for each in told if each["event"] == "period_end"]
    for name in ("frames", "faces", "passers_by"):
        assert figures[name] == sum(each[name] for each in ends)
    assert figures["receipted"] == sum(each["event"] == "event_receipted" for each in told) == 1
    assert figures["lamp_faults"] == sum(each["body"].get("to") == "fault" for each in told) == 1
    assert sum(each["records"] for each in figures["handed"]) == len(told)  # type: ignore[attr-defined]


def test_a_receipt_that_courier_and_watch_record_is_counted_once(office: Office) -> None:
    told: list[Said] = [(5.0, Happening.EVENT_RECEIPTED, {"sequence": 1, "envelope": "ab" * 32})]
    for program in (Program.COURIER, Program.WATCH):
        hand_over(office, program, chain(program, MORNING, told))
    assert report(office)["receipted"] == 1


def test_without_the_guards_ledger_nothing_is_said_to_have_been_lit(office: Office) -> None:
    hand_over(office, Program.WATCH, chain(Program.WATCH, MORNING, LOOKING))
    figures = report(office)
    assert (figures["lit_h"], figures["dark_s"]) == (0, 0)
    assert figures["unproven_h"] == pytest.approx(figures["armed_h"])
    page = (office.folder / "report.html").read_text()
    assert "ledger is not stored" in page


def test_a_night_is_divided_between_its_days(office: Office) -> None:
    hand_over(office, Program.LAMPGUARD, chain(Program.LAMPGUARD, LATE, LIGHT))
    hand_over(office, Program.WATCH, chain(Program.WATCH, LATE, LOOKING))
    first, second = report(office), report(office, "2026-05-05", "2026-05-06")
    both = report(office, until="2026-05-06")
    for name in ("lit_h", "armed_h"):
        assert both[name] == pytest.approx(first[name] + second[name])  # type: ignore[operator]
    assert first["lit_h"] == pytest.approx(1.0)
    assert first["faces"] == 0
    assert both["faces"] == second["faces"] == 73


def test_light_without_a_record_of_its_end_adds_no_hours() -> None:
    told = spoken(
        Program.LAMPGUARD,
        [lamp(0, "arming"), lamp(1, "on", "aa"), (50, Happening.START, {}), lamp(51, "off")],
    )
    (light,) = lit_spans(told)
    (period,) = looking_spans(spoken(Program.WATCH, [begin(2), end(9)]))
    assert (light.hours, hours_in_light(period, [light])) == (0, None)


def test_a_period_cut_off_by_a_crash_is_not_joined_to_the_next() -> None:
    told = spoken(
        Program.WATCH, [begin(0), (5, Happening.START, {}), begin(6, "bb"), end(8), end(9)]
    )
    assert [(each.hours * 3600, each.leases) for each in looking_spans(told)] == [
        (0, {"aa"}),
        (pytest.approx(2), {"bb"}),
    ]


def test_looking_under_a_lease_that_no_guard_granted_is_not_proven() -> None:
    light = lit_spans(spoken(Program.LAMPGUARD, LIGHT))
    (period,) = looking_spans(spoken(Program.WATCH, [begin(1, "cc"), end(9)]))
    assert hours_in_light(period, light) is None


def test_looking_before_the_light_shows() -> None:
    light = lit_spans(
        spoken(Program.LAMPGUARD, [lamp(5, "arming"), lamp(5.1, "on", "aa"), lamp(9, "off")])
    )
    (period,) = looking_spans(spoken(Program.WATCH, [begin(3), end(9)]))
    assert hours_in_light(period, light) == pytest.approx(4 / 3600)


@given(st.floats(0, 5 * 86_400, allow_nan=False))
def test_the_days_of_a_span_add_up_to_it(length_s: float) -> None:
    (period,) = looking_spans(spoken(Program.WATCH, [begin(0), end(length_s)], LATE))
    days = list(period.by_day())
    assert sum(hours for _, hours in days) == pytest.approx(period.hours)
    assert all(0 < hours <= 24 for _, hours in days)
    assert [day for day, _ in days] == [LATE.date() + timedelta(n) for n in range(len(days))]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": (60, 1000), "b": (20, 1000)}, "differ"),
        ({"a": (2, 20), "b": (1, 20)}, "Insufficient"),
        ({"a": (0, 20), "b": (0, 3000)}, "Insufficient"),
        ({"a": (20_300, 100_000), "b": (20_000, 100_000)}, "differ by less than"),
    ],
)
def test_groups_are_compared_no_more_firmly_than_their_counts_allow(
    groups: dict[str, tuple[int, int]], said: str
) -> None:
    assert said in compare_groups({name: Share.make(*each) for name, each in groups.items()})


def test_one_group_is_compared_with_nothing() -> None:
    assert compare_groups({"a": Share.make(1, 10), "b": Share.make(0, 0)}) == ""
