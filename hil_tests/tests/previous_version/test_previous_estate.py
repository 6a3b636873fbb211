"""An estate's office of the previous version is opened, and its books go on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from estate.accounts import verify
from estate.accounts.books import add_camera_ledger, export_books
from estate.errors import BooksRefused
from estate.intake.statuses import newest_statuses
from estate.opening.portraits import find_portrait
from estate.retention.destruction import due_events, trusted_now
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from estate.verdicts.decisions import Outcome, outcome_of, prove_confirmed
from formats.destruction import read_destruction
from formats.ledger import Program
from hil_tests.rig.site_maker import REVIEWERS
from hil_tests.tests.previous_version.unpacked import Previous


@pytest.fixture
def store(previous: Previous) -> Iterator[Store]:
    store = previous.store
    yield store
    store.close()


def event_of(previous: Previous) -> bytes:
    return bytes.fromhex(previous.facts["confirmed"])


def judged_by_an_outsider(books: Path) -> list[dict[str, Any]]:
    """What tallylight-verify says of the books, event by event."""
    command = [sys.executable, "-I", str(verify.__file__), str(books), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


def test_the_store_holds_the_event_and_no_longer_the_status(
    previous: Previous, store: Store
) -> None:
    assert store.digests() == [event_of(previous)]
    assert store.count() == 1 + len(previous.facts["destroyed"])


def test_the_event_opens_with_a_reviewers_key(previous: Previous, tmp_path: Path) -> None:
    key = previous.desk.estate / f"{REVIEWERS[1]}.key"
    crops = ("--crops", str(tmp_path / "crops"))
    words = ("--open-with", str(key), *previous.passphrase, *crops)
    event = previous.estate("open", *words, config="receiver")
    assert event["entry"] == previous.facts["entry"]
    assert event["camera"] == previous.facts["camera"]
    assert Path(event["crop"]).exists()


def test_the_cameras_chain_has_no_gap(previous: Previous) -> None:
    chain = previous.estate("cameras", config="receiver")
    assert chain["camera"] == previous.facts["camera"]
    assert chain["gaps"] == chain["forks"] == []


def test_two_verdicts_still_confirm_the_event(previous: Previous, store: Store) -> None:
    event = event_of(previous)
    with store.reading() as connection:
        assert outcome_of(connection, previous.site_now, event) is Outcome.CONFIRMED
        assert len(prove_confirmed(connection, previous.site_now, event).signed) == 2


def test_what_two_people_held_is_kept_and_named_until_they_sign_it(
    previous: Previous, store: Store
) -> None:
    later_s = int(previous.now.timestamp()) + 40 * 86400
    key, site = previous.ledger_key, previous.site_now
    with store.writing() as connection:
        with pytest.raises(BooksRefused, match="more than a week"):
            trusted_now(connection, later_s, key)
        now_s = trusted_now(connection, later_s, key, clock_is_right=True)
        found = due_events(connection, site, ledger_records(connection), now_s, 30)
    assert found.doomed == []
    assert [each.event for each in found.refused] == [event_of(previous)]
    assert "held without two signatures" in str(found.refused[0])


def test_a_clock_before_the_newest_record_decides_nothing(previous: Previous, store: Store) -> None:
    before_s = previous.facts["made_utc_s"] - 3600
    with store.writing() as connection, pytest.raises(BooksRefused, match="clock stands before"):
        trusted_now(connection, before_s, previous.ledger_key)


def test_a_status_that_no_reviewer_signed_is_not_believed(previous: Previous, store: Store) -> None:
    with store.reading() as connection:
        assert newest_statuses(connection, previous.site_now.reviewers) == {}


def test_the_books_hold_from_their_first_record(previous: Previous) -> None:
    shown = previous.estate("ledger show")
    assert shown["records"] == previous.facts["records"]
    assert shown["head"] == previous.facts["head"]
    assert len(shown["cameras"]) == 3


def test_the_next_checkpoint_continues_the_last(previous: Previous) -> None:
    file = previous.desk.estate / "books" / "estate.checkpoint"
    before = file.read_bytes()
    signed = previous.estate("ledger checkpoint", *previous.passphrase, "--yes")
    assert signed["size"] == previous.facts["records"]
    assert file.read_bytes().startswith(before)


def test_an_outsider_verifies_what_was_handed_over(previous: Previous) -> None:
    told = judged_by_an_outsider(previous.desk.estate / "handed-over")
    events = {each["event"]: each for each in told}
    assert set(events) == {previous.facts["confirmed"], *previous.facts["destroyed"]}
    event = events[previous.facts["confirmed"]]
    assert (event["outcome"], event["list_is_the_periods"]) == ("confirmed", True)
    assert len(event["verified_by"]) == 2


def test_an_outsider_is_told_what_books_of_then_do_not_show(previous: Previous) -> None:
    command = [sys.executable, "-I", str(verify.__file__)]
    books = str(previous.desk.estate / "handed-over")
    done = subprocess.run([*command, books], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("NOT VERIFIED: who the reviewers are.")


def test_what_is_handed_over_today_continues_what_was_handed_over_then(
    previous: Previous, store: Store, tmp_path: Path
) -> None:
    then, again = previous.desk.estate / "handed-over", tmp_path / "again"
    export_books(store, previous.site_now, previous.desk.estate / "books", again)
    names = {path.name for path in then.iterdir()}
    assert {path.name for path in again.iterdir()} == names | {"site", "certificates"}
    for name in names:
        assert (again / name).read_bytes().startswith((then / name).read_bytes())


def test_today_an_outsider_finds_the_reviewers_of_then_in_what_the_site_signed(
    previous: Previous, store: Store, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    export_books(store, previous.site_now, previous.desk.estate / "books", again)
    told = {each["event"]: each for each in judged_by_an_outsider(again)}
    known = [each["named_by_site"] for each in told[previous.facts["confirmed"]]["verified_by"]]
    assert known == [True, True]
    _, _, notes = verify.verify_books(again, None)
    assert "NOT VERIFIED: when the reviewers of" in notes[-1]
    assert "NOT VERIFIED: who held, released or exported in" in notes[-2]


@pytest.mark.parametrize("program", [Program.WATCH, Program.LAMPGUARD, Program.COURIER])
def test_a_cameras_ledger_brings_nothing_new_the_second_time(
    previous: Previous, store: Store, program: Program
) -> None:
    ledger = previous.desk.camera / program / "ledger.jsonl"
    signed = ledger.with_name("checkpoint.json")
    origin, new = add_camera_ledger(store, previous.site_now, ledger, signed)
    assert (origin, new) == (f"{previous.facts['camera']}/{program}", 0)


def test_a_copy_of_the_store_comes_back_without_what_was_destroyed(previous: Previous) -> None:
    (previous.desk.estate / "events.sqlite").rename(previous.folder / "lost.sqlite")
    copy = previous.desk.estate / "copy.sqlite"
    back = previous.estate("restore", "--from", str(copy), *previous.passphrase)
    assert back["destroyed_again"] == len(previous.facts["destroyed"])
    store = previous.store
    assert store.digests() == [event_of(previous)]
    store.close()


def test_a_certificate_of_destruction_is_signed_by_the_books_key(previous: Previous) -> None:
    (path,) = (previous.desk.estate / "books" / "certificates").iterdir()
    gone = read_destruction(path.read_bytes(), previous.ledger_key.verify_key)
    assert [gone.event.hex()] == previous.facts["destroyed"]


def test_the_enrolment_picture_opens_for_a_reviewer(previous: Previous) -> None:
    folder, handle = previous.desk.estate / "books" / "portraits", previous.facts["entry"]
    key = previous.reviewer_key
    jpeg = find_portrait(folder, bytes.fromhex(handle), previous.site_now, key)
    assert jpeg is not None
    assert jpeg.startswith(b"\xff\xd8")


def test_the_public_report_of_the_day_counts_the_match(previous: Previous, tmp_path: Path) -> None:
    day = previous.now.date()
    days = ("--since", str(day), "--until", str(day + timedelta(days=1)))
    written = previous.estate("report", *days, "--to", str(tmp_path / "report.html"))
    assert json.loads(Path(written["figures"]).read_text("utf-8"))["confirmed"] == 1


def test_who_was_on_the_list_is_told_from_the_case_reference(previous: Previous) -> None:
    (entry,) = previous.estate("ask", "demo-1")["entries"]
    assert entry["source"] == "public-domain portrait"
