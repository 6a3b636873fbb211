"""The false-alarm budget: verdicts are counted and tested, and a statement stops a camera."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.
from typer.testing import CliRunner

from estate.__main__ import app
from estate.budget.false_alarms import FalseAlarmCount, count_false_alarms
from estate.store.ledger import LEDGER, append_record, ledger_records
from estate.tests.books import Office
from estate.tests.command_line import refusal, run
from firmware.tests import desk as authority
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ListRefused, Refusal, ThisCamera
from formats.budget import BudgetState, Unit, read_statement
from formats.ledger import Happening, Program, Record
from formats.verdict import Judgement

MATCH, NOT = Judgement.MATCH, Judgement.NOT_A_MATCH


def budget(office: Office, *words: str) -> str:
    usual = ("--config", str(office.settings), *office.passphrase, "--yes")
    result = CliRunner().invoke(app, ["budget", *usual, *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def judge(office: Office, false_alarms: int) -> None:
    for number in range(1, false_alarms + 1):
        event = office.arrive(number).digest
        office.desk(1).judge(event, MATCH)
        office.desk(2).judge(event, NOT)


def compared(office: Office, passers_by: int) -> None:
    stick = office.camera_book()
    looks = 30 * passers_by
    counts = {"frames": looks, "faces": looks, "searched": looks, "passers_by": passers_by}
    stick.append(Happening.PERIOD_END, counts)
    stick.sign()
    done = office.take_in()
    assert done.exit_code == 0, done.output


def test_only_what_two_people_refused_counts_against_a_camera(office: Office) -> None:
    confirmed, open_ = office.arrive(101).digest, office.arrive(102).digest
    for number in (1, 2):
        office.desk(number).judge(confirmed, MATCH)
    office.desk(1).judge(open_, NOT)
    judge(office, 2)
    compared(office, 5000)
    (camera,) = json.loads(budget(office, "--json"))["cameras"]
    assert (camera["false_alarms"], camera["passers_by"]) == (2, 5000)
    assert camera["state"] == "within"


def test_a_broken_budget_is_signed_published_and_stops_the_camera(
    office: Office, tmp_path: Path
) -> None:
    judge(office, 7)
    budget(office, "--sign", str(tmp_path / "estate"))
    statement = read_statement((tmp_path / "estate" / "budget-mill.json").read_bytes())
    assert [each.state for each in statement.cameras] == [BudgetState.BROKEN]
    desk = authority.Desk(recipients=office.recipients, statement=statement)
    desk.estate = office.ledger_key
    inbox, camera = desk.publish(tmp_path / "inbox"), authority.CAMERA.camera_id
    this = ThisCamera(camera, authority.LIST_KEY, authority.MODEL)
    begin_trust(tmp_path / "site")
    with pytest.raises(ListRefused) as refusal:
        verify_site(inbox, tmp_path / "site", desk.root, camera=this, now=authority.NOW)
    assert refusal.value.code is Refusal.BUDGET


def test_every_judgement_of_a_camera_is_in_the_ledger(office: Office, tmp_path: Path) -> None:
    judge(office, 7)
    budget(office, "--sign", str(tmp_path / "estate"))
    with office.store.reading() as connection:
        (told,) = [
            each.body for each in ledger_records(connection) if each.event is Happening.BUDGET
        ]
    assert (told["state"], told["false_alarms"], told["fpir_ppm"]) == ("broken", 7, 1000)


def test_each_statement_is_newer_than_the_last(office: Office, tmp_path: Path) -> None:
    office.arrive()
    for version in (1, 2):
        budget(office, "--sign", str(tmp_path / "estate"))
        role = Metadata[Targets].from_file(str(tmp_path / "estate" / "estate-mill.json"))
        assert role.signed.version == version


def test_what_was_before_the_day_that_is_named_does_not_count(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns, today = time.time_ns(), f"{datetime.now(UTC):%Y-%m-%d}"
    with monkeypatch.context() as three_days_ago:
        three_days_ago.setattr(time, "time_ns", lambda: now_ns - 3 * 86_400 * 10**9)
        judge(office, 1)
    assert len(json.loads(budget(office, "--json"))["cameras"]) == 1
    assert json.loads(budget(office, "--json", "--since", today)) == {"cameras": []}


@pytest.mark.parametrize(
    ("false_alarms", "passers_by", "state"),
    [
        (0, 0, BudgetState.UNDECIDED),
        (0, 10_000, BudgetState.WITHIN),
        (14, 10_000, BudgetState.UNDECIDED),
        (30, 10_000, BudgetState.BROKEN),
        (7, 7, BudgetState.BROKEN),
    ],
)
def test_the_budget_is_judged_by_walds_test(
    false_alarms: int, passers_by: int, state: BudgetState
) -> None:
    assert FalseAlarmCount(bytes(16), false_alarms, passers_by, fpir_ppm=1000).state is state


CAMERA = bytes([1]) * 16


def book(camera: bytes, false_alarms: Sequence[int]) -> list[Record]:
    """Return the estate's records of false alarms that arrived and were decided at these times."""
    records = []
    for number, utc_ms in enumerate(false_alarms):
        name = f"{number:064x}"
        stored: dict[str, int | str] = {"camera": camera.hex(), "envelope": name}
        decided: dict[str, int | str] = {"envelope": name, "outcome": "not_a_match"}
        records += [
            record(Program.ESTATE, Happening.STORED, stored, utc_ms),
            record(Program.ESTATE, Happening.DECISION, decided, utc_ms),
        ]
    return records


def period(utc_ms: int, **counts: int | str) -> tuple[bytes, Record]:
    return CAMERA, record(Program.WATCH, Happening.PERIOD_END, dict(counts), utc_ms)


def sealed(number: int) -> tuple[bytes, Record]:
    """Return the camera's record of the false alarm of this number in `book`."""
    body: dict[str, int | str] = {"sequence": number + 1, "envelope": f"{number:064x}"}
    return CAMERA, record(Program.WATCH, Happening.EVENT_SEALED, body, 0)


def record(program: Program, event: Happening, body: dict[str, int | str], utc_ms: int) -> Record:
    return Record(0, bytes(32), program, 0, utc_ms, event, body)


def test_a_camera_that_is_thirty_times_over_its_budget_is_not_within_it() -> None:
    """Each passer-by is about thirty looks: counted in looks, this camera kept its budget."""
    estate = book(CAMERA, [1] * 300)
    (count,) = count_false_alarms(
        estate, [period(1, searched=300_000, passers_by=10_000)], fpir_ppm=1000
    )
    assert (count.false_alarms, count.compared, count.unit) == (300, 10_000, Unit.PASSERS_BY)
    assert count.state is BudgetState.BROKEN


def test_a_camera_that_counts_looks_is_never_within_and_can_be_broken() -> None:
    for false_alarms, state in ((0, BudgetState.UNDECIDED), (300, BudgetState.BROKEN)):
        estate = book(CAMERA, [1] * false_alarms)
        (count,) = count_false_alarms(estate, [period(1, searched=100_000)], fpir_ppm=1000)
        assert (count.unit, count.state) == (Unit.LOOKS, state)


def test_an_updated_camera_counts_from_its_first_period_in_passers_by() -> None:
    estate = book(CAMERA, [5, 5, 25])
    periods = [
        *(sealed(0), period(10, searched=9000)),
        *(sealed(1), period(20, searched=9000)),
        *(sealed(2), period(30, searched=900, passers_by=30)),
    ]
    (count,) = count_false_alarms(estate, periods, fpir_ppm=1000)
    assert (count.false_alarms, count.compared, count.unit) == (1, 30, Unit.PASSERS_BY)


def test_a_clock_that_was_ahead_before_the_update_hides_no_false_alarm() -> None:
    estate = book(CAMERA, [25] * 100)
    periods = [period(10**12, searched=9000), period(30, searched=900, passers_by=30)]
    (count,) = count_false_alarms(estate, periods, fpir_ppm=1000)
    assert (count.false_alarms, count.state) == (100, BudgetState.BROKEN)


@pytest.mark.parametrize("said", [-100_000, "many"])
def test_what_is_no_count_counts_nothing_and_stops_no_other_camera(said: int | str) -> None:
    periods = [period(10, passers_by=said), period(20, passers_by=300)]
    (count,) = count_false_alarms([], periods, fpir_ppm=1000)
    assert count.compared == 300


def test_an_earlier_version_that_is_put_back_begins_the_count_anew() -> None:
    estate = book(CAMERA, [5, 15, 25])
    periods = [
        *(sealed(0), period(10, searched=9000, passers_by=300)),
        *(sealed(1), period(20, searched=9000)),
        *(sealed(2), period(30, searched=900, passers_by=30)),
    ]
    (count,) = count_false_alarms(estate, periods, fpir_ppm=1000)
    assert (count.false_alarms, count.compared) == (1, 30)


def test_the_budgets_stated_errors_hold_in_simulation() -> None:
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(7)

    def ever_broken(rate: float) -> bool:
        hits = np.cumsum(random.random(40_000) < rate)
        for passers_by in range(200, 40_001, 200):
            state = FalseAlarmCount(bytes(16), int(hits[passers_by - 1]), passers_by, 1000).state
            if state is not BudgetState.UNDECIDED:
                return state is BudgetState.BROKEN
        return False

    kept = sum(ever_broken(0.001) for _ in range(400))
    over = sum(ever_broken(0.002) for _ in range(400))
    assert kept <= 0.01 * 400 + 8  # Four standard deviations above the stated bound.
    assert over >= 0.95 * 400 - 18


def test_a_decision_since_a_day_counts_for_an_event_that_came_before_it(office: Office) -> None:
    judge(office, 1)
    with office.store.reading() as connection:
        records = ledger_records(connection)
    decided = next(each for each in records if each.event is Happening.DECISION)
    (count,) = count_false_alarms(records, [], 1, decided.utc_ms)
    assert count.false_alarms == 1
    assert count_false_alarms(records, [], 1, decided.utc_ms + 1) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"envelope": "00" * 32, "outcome": "not_a_match"}],
    ids=["nothing", "an event that never came"],
)
def test_a_record_that_lacks_what_is_counted_is_refused_in_one_sentence(
    office: Office, body: dict[str, int | str]
) -> None:
    office.arrive()
    with office.store.writing() as connection:
        append_record(connection, Happening.DECISION, body)
    today = datetime.now(UTC).date()
    period = ("--since", str(today), "--until", str(today + timedelta(days=1)))
    page = str(office.folder / "report.html")
    for words in (("report", *period, "--to", page), ("budget",)):
        assert "evidence" in refusal(run(*words, "--config", str(office.settings)))


def test_a_record_from_after_the_calendar_is_refused_in_one_sentence(office: Office) -> None:
    with office.store.writing() as connection:
        last = append_record(connection, Happening.START, {}).to_line()
        far = json.dumps(
            json.loads(last) | {"utc_ms": 2**62}, sort_keys=True, separators=(",", ":")
        )
        connection.execute(update(LEDGER).values(line=far.encode()))
    page = str(office.folder / "report.html")
    words = ("report", "--since", "2026-01-01", "--until", "2026-02-01", "--to", page)
    assert "after 2099" in refusal(run(*words, "--config", str(office.settings)))
