"""Retention: which events are destroyed, when, which are kept, and that nothing of them is left."""

import time
from contextlib import suppress
from threading import Thread

import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.commands.options import named_event
from estate.commands.own_keys import beside
from estate.errors import BooksRefused, HoldRefused, NoEvent
from estate.retention import destruction as retention
from estate.retention.destruction import (
    DAY_S,
    LEAP_S,
    Due,
    destroy,
    due_events,
    store_end,
    trusted_now,
)
from estate.retention.holds import hold_event, release_event
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from estate.tests.books import STRANGER, Office, jpeg
from estate.tests.needles import CANARY, needles
from formats.act import Kind
from formats.destruction import Ground, read_destruction
from formats.envelope import Kind as EnvelopeKind
from formats.envelope import open_sealed, read, sender_id, verify
from formats.errors import FormatError
from formats.ledger import Happening
from formats.verdict import Judgement

MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL


def now_s(office: Office) -> int:
    return int(office.now.timestamp())


def stored_s(office: Office) -> int:
    """Return when the one event arrived, by the ledger."""
    with office.store.reading() as connection:
        records = ledger_records(connection)
    (arrival,) = [each.utc_ms for each in records if each.event is Happening.STORED]
    return arrival // 1000


def due(office: Office, at_s: int, days: int = 30) -> Due:
    with office.store.reading() as connection:
        return due_events(connection, office.site(), ledger_records(connection), at_s, days)


def grounds(office: Office, at_s: int, days: int = 30) -> list[tuple[bytes, Ground]]:
    found = due(office, at_s, days)
    assert found.refused == []
    return [(each.event, each.ground) for each in found.doomed]


def sign(office: Office, kind: Kind, event: bytes, number: int, reason: str = "A court.") -> bool:
    """Let one reviewer sign a hold or a release; return whether it counts now."""
    act = {Kind.HOLD: hold_event, Kind.RELEASE: release_event}[kind]
    key = office.verdict_key(number)
    return act(office.store, office.site(), event, key, reason, time.time_ns() // 1_000_000)


def judge(office: Office, event: bytes, *judgements: Judgement) -> None:
    for number, judgement in enumerate(judgements, 1):
        office.desk(number).judge(event, judgement)


def retain(office: Office, *more: str) -> str:
    words = ["retain", "--config", str(office.settings), *office.passphrase, *more]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_unopened_event_ends_with_the_policy_after_it_was_stored(office: Office) -> None:
    event = office.arrive().digest
    assert grounds(office, stored_s(office) + 30 * DAY_S - 1) == []
    assert grounds(office, stored_s(office) + 30 * DAY_S) == [(event, Ground.RETENTION)]


def test_a_policy_can_say_less_than_thirty_days_and_never_more(office: Office) -> None:
    event = office.arrive().digest
    assert grounds(office, stored_s(office) + 2 * DAY_S, days=2) == [(event, Ground.RETENTION)]
    assert grounds(office, stored_s(office) + 30 * DAY_S, days=99) == [(event, Ground.RETENTION)]


def test_an_opened_event_ends_when_it_says_itself(office: Office) -> None:
    event = office.arrive(retain_until_utc_s=now_s(office) + DAY_S).digest
    office.desk(1)
    assert grounds(office, now_s(office) + DAY_S - 1) == []
    assert grounds(office, now_s(office) + DAY_S) == [(event, Ground.RETENTION)]


@pytest.mark.parametrize("in_s", [(5, 3), (3, 5)])
def test_the_earliest_word_about_the_end_counts(office: Office, in_s: tuple[int, int]) -> None:
    event = office.arrive().digest
    with office.store.writing() as connection:
        for number, seconds in enumerate(in_s, 1):
            said = office.candidate(retain_until_utc_s=now_s(office) + seconds)
            store_end(connection, said, event, office.verdict_key(number))
    assert grounds(office, now_s(office) + 2) == []
    assert grounds(office, now_s(office) + 3) == [(event, Ground.RETENTION)]


@pytest.mark.parametrize("said", [(MATCH, NOT), (NOT, NOT), (UNSURE, UNSURE)])
def test_what_is_not_confirmed_ends_at_once(
    office: Office, said: tuple[Judgement, Judgement]
) -> None:
    event = office.arrive().digest
    judge(office, event, *said)
    assert grounds(office, now_s(office)) == [(event, Ground.NOT_A_MATCH)]


def test_one_verdict_ends_nothing_and_a_confirmed_match_is_kept(office: Office) -> None:
    open_, confirmed = office.arrive(1).digest, office.arrive(2).digest
    judge(office, open_, NOT)
    judge(office, confirmed, MATCH, MATCH)
    assert grounds(office, now_s(office)) == []


def test_what_two_people_hold_stays_until_two_people_release_it(office: Office) -> None:
    event = office.arrive().digest
    assert [sign(office, Kind.HOLD, event, number) for number in (1, 2)] == [False, True]
    assert grounds(office, now_s(office) + 99 * DAY_S) == []
    assert not sign(office, Kind.RELEASE, event, 2, "The court has it.")
    assert grounds(office, now_s(office) + 99 * DAY_S) == []
    assert sign(office, Kind.RELEASE, event, 1, "The court has it.")
    assert grounds(office, now_s(office) + 99 * DAY_S) == [(event, Ground.RETENTION)]


def test_one_person_holds_nothing(office: Office) -> None:
    event = office.arrive().digest
    assert [sign(office, Kind.HOLD, event, 1) for _ in range(3)] == [False] * 3
    stranger = SigningKey(bytes(32))
    with pytest.raises(HoldRefused, match="no reviewer"):
        hold_event(office.store, office.site(), event, stranger, "A court.", 1)
    assert grounds(office, now_s(office) + 99 * DAY_S) == [(event, Ground.RETENTION)]


def test_two_people_sign_the_same_reason(office: Office) -> None:
    event = office.arrive().digest
    sign(office, Kind.HOLD, event, 1, "A court.")
    with pytest.raises(HoldRefused, match="r1 has signed another reason"):
        sign(office, Kind.HOLD, event, 2, "The police.")


def test_what_is_held_is_not_held_twice_and_what_is_not_is_not_released(office: Office) -> None:
    event = office.arrive().digest
    with pytest.raises(HoldRefused, match="not held"):
        sign(office, Kind.RELEASE, event, 1)
    for number in (1, 2):
        sign(office, Kind.HOLD, event, number)
    with pytest.raises(HoldRefused, match="held already"):
        sign(office, Kind.HOLD, event, 1)


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
def test_a_hold_without_a_reason_is_none(office: Office, reason: str) -> None:
    event = office.arrive().digest
    with pytest.raises(HoldRefused, match="reason"):
        sign(office, Kind.HOLD, event, 1, reason)


def run_hold(office: Office, event: bytes, number: int, *more: str, said: str = "") -> Result:
    key = str(office.folder / f"r{number}.key")
    words = ["hold", event.hex()[:16], "--config", str(office.settings), "--key", key]
    return CliRunner().invoke(app, [*words, *office.passphrase, *more], input=said)


def test_two_people_hold_each_with_their_own_key(office: Office) -> None:
    event = office.arrive().digest
    first = run_hold(office, event, 1, "--reason", "A court.")
    assert (first.exit_code, "A second person" in first.output) == (0, True), first.output
    second = run_hold(office, event, 2, said="y\n")
    assert second.exit_code == 0, second.output
    assert "r1 (police) asks to hold" in second.output
    assert "Reason: A court." in second.output
    with office.store.reading() as connection:
        (held,) = [each for each in ledger_records(connection) if each.event is Happening.HELD]
    people = [sender_id(office.verdict_key(number).verify_key).hex() for number in (1, 2)]
    assert [held.body["first"], held.body["second"]] == people
    assert held.body["reason"] == "A court."


def test_the_second_person_who_does_not_agree_changes_nothing(office: Office) -> None:
    event = office.arrive().digest
    run_hold(office, event, 1, "--reason", "A court.")
    refused = run_hold(office, event, 2, said="n\n")
    assert (refused.exit_code, "nothing was changed" in refused.output) == (1, True)
    assert grounds(office, now_s(office) + 99 * DAY_S) == [(event, Ground.RETENTION)]


def test_a_person_who_asked_is_not_asked_to_sign_the_same_again(office: Office) -> None:
    event = office.arrive().digest
    run_hold(office, event, 1, "--reason", "A court.")
    refused = run_hold(office, event, 1, "--yes")
    assert (refused.exit_code, "You have signed this already" in refused.stderr) == (1, True)


@pytest.mark.parametrize("digits", ["", "0123456", "00" * 32])
def test_digits_that_name_no_single_event_are_refused(office: Office, digits: str) -> None:
    event = office.arrive().digest
    with pytest.raises(NoEvent, match="No single event here begins with"):
        named_event([event, bytes.fromhex("0123456789") + bytes(27)], digits)


def test_the_digits_that_a_console_shows_name_an_event(office: Office) -> None:
    event = office.arrive().digest
    assert named_event([event, bytes(32)], event.hex()[:16].upper()) == event


def test_the_verdict_key_itself_may_be_named(office: Office) -> None:
    lone = office.folder / "r1.verdict.key"
    assert beside(lone) == lone
    assert beside(office.folder / "r1.key") == lone


def test_a_hold_that_nobody_asked_for_needs_a_reason(office: Office) -> None:
    refused = run_hold(office, office.arrive().digest, 1)
    assert (refused.exit_code, "--reason" in refused.output) == (1, True)


def test_a_clock_that_was_set_back_destroys_nothing(office: Office) -> None:
    office.arrive()
    with office.store.writing() as connection:
        trusted_now(connection, now_s(office) + DAY_S, office.ledger_key)
    with (
        office.store.writing() as connection,
        pytest.raises(BooksRefused, match="stands before"),
    ):
        trusted_now(connection, now_s(office), office.ledger_key)


def test_a_clock_that_leaps_ahead_is_believed_only_when_a_person_says_so(office: Office) -> None:
    office.arrive()
    leapt = now_s(office) + LEAP_S + 60
    with office.store.writing() as connection, pytest.raises(BooksRefused, match="past"):
        trusted_now(connection, leapt, office.ledger_key)
    with office.store.writing() as connection:
        assert trusted_now(connection, leapt, office.ledger_key, clock_is_right=True) == leapt


def test_a_destroyed_event_has_a_certificate_and_a_record(office: Office) -> None:
    event = office.arrive().digest
    judge(office, event, NOT, NOT)
    assert event.hex() in retain(office, "--json")
    file = office.folder / "books" / "certificates" / f"{event.hex()}.json"
    certified = read_destruction(file.read_bytes(), office.ledger_key.verify_key)
    assert (certified.event, certified.ground) == (event, Ground.NOT_A_MATCH)
    with office.store.reading() as connection:
        told = [
            each.body for each in ledger_records(connection) if each.event is Happening.DESTROYED
        ]
    assert [each["envelope"] for each in told] == [event.hex()]


def test_a_power_cut_before_the_certificate_is_made_good_by_the_next_run(office: Office) -> None:
    event = office.arrive().digest
    judge(office, event, NOT, NOT)
    with office.store.writing() as connection:
        retention._overwrite(connection, event)
    assert event.hex() in retain(office, "--json")
    file = office.folder / "books" / "certificates" / f"{event.hex()}.json"
    certified = read_destruction(file.read_bytes(), office.ledger_key.verify_key)
    assert certified.ground is Ground.NOT_A_MATCH
    assert "0 events" in retain(office)


def test_retaining_twice_destroys_once(office: Office) -> None:
    event = office.arrive().digest
    judge(office, event, NOT, NOT)
    retain(office)
    assert "0 events" in retain(office)


def test_a_destroyed_event_that_comes_again_is_receipted_and_not_kept(office: Office) -> None:
    sealed = office.arrive()
    judge(office, sealed.digest, NOT, NOT)
    retain(office)
    assert office.store.add_envelopes([sealed], 1) == [False]
    assert office.store.digests() == []


def test_an_open_console_forgets_what_was_destroyed(office: Office) -> None:
    event, desk = office.arrive().digest, office.desk(1)
    judge(office, event, NOT, NOT)
    retain(office)
    desk.refresh()
    assert desk.standings() == []


def disk(office: Office) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(office.folder.glob("store.db*")))


def test_nothing_of_a_destroyed_event_is_left_in_any_file_of_the_database(office: Office) -> None:
    picture = jpeg() + CANARY
    for number in range(2, 12):
        office.arrive(number)
    sealed = office.arrive(1, crop_jpeg=picture)
    doomed, kept = needles(sealed), office.arrive(20)
    assert sum(needle in disk(office) for needle in doomed) >= len(doomed) - 2  # All but canaries.
    judge(office, sealed.digest, NOT, NOT)
    retain(office)
    found = disk(office)
    assert [needle for needle in doomed if needle in found] == []
    assert [needle for needle in needles(kept)[2:] if needle not in found] == []


def test_no_key_that_ever_existed_opens_what_is_left(office: Office) -> None:
    sealed = office.arrive(crop_jpeg=jpeg() + CANARY)
    judge(office, sealed.digest, NOT, NOT)
    retain(office)
    left = [row for row in _blobs(office) if row]
    keys = [office.opening(1), office.opening(2), STRANGER]
    opened = []
    for blob in [*left, disk(office)[: len(sealed.blob)]]:
        for key in keys:
            with suppress(FormatError):
                camera = office.site().policy.places[0].camera
                opened.append(
                    open_sealed(verify(read(EnvelopeKind.EVENT, blob), camera.sign_key), key)
                )
    assert (left, opened) == ([], [])


def test_the_search_finds_what_a_careless_deletion_leaves(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = office.arrive(crop_jpeg=jpeg() + CANARY)
    judge(office, sealed.digest, NOT, NOT)
    monkeypatch.setattr(type(office.store), "scrub", lambda _: None)
    doomed = due(office, now_s(office)).doomed
    destroy(office.store, doomed, office.ledger_key, office.folder / "certificates")
    assert any(needle in disk(office) for needle in needles(sealed))


def _blobs(office: Office) -> list[bytes]:
    with office.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT blob FROM envelopes")
        return [bytes(blob) for (blob,) in rows]


def test_cleaning_does_not_disturb_a_receiver_that_is_writing(office: Office) -> None:
    count, other = 40, Store(office.url)

    def receive() -> None:
        for number in range(1, count + 1):
            office.arrive(number)

    receiving = Thread(target=receive)
    receiving.start()
    while receiving.is_alive():
        other.scrub()
    receiving.join()
    other.close()
    assert len(set(office.store.digests())) == count
    with office.store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_cleaning_does_not_make_the_store_grow_for_ever(office: Office) -> None:
    office.arrive()
    office.store.scrub()
    office.store.scrub()
    size = (office.folder / "store.db").stat().st_size
    for _ in range(5):
        office.store.scrub()
    assert (office.folder / "store.db").stat().st_size == size
