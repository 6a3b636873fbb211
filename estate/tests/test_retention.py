"""Retention: which events are destroyed, when, which are kept, and that nothing of them is left."""

from contextlib import suppress
from threading import Thread

import pytest
from typer.testing import CliRunner

from estate.__main__ import app
from estate.errors import BooksRefused, HoldRefused
from estate.retention import destruction as retention
from estate.retention.destruction import (
    DAY_S,
    LEAP_S,
    destroy,
    due_events,
    store_deadline,
    trusted_now,
)
from estate.retention.holds import hold_event, release_event
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from estate.tests.books import STRANGER, Office, jpeg
from estate.tests.needles import CANARY, needles
from formats.destruction import Ground, read_destruction
from formats.envelope import Kind, open_sealed, read, sender_id, verify
from formats.errors import FormatError
from formats.ledger import Happening
from formats.verdict import Judgement

MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL


def now_s(office: Office) -> int:
    return int(office.now.timestamp())


def grounds(office: Office, at_s: int, days: int = 30) -> list[tuple[bytes, Ground]]:
    with office.store.reading() as connection:
        return [(each.event, each.ground) for each in due_events(connection, at_s, days)]


def people(office: Office) -> list[bytes]:
    return [sender_id(office.verdict_key(number).verify_key) for number in (1, 2)]


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
    assert grounds(office, now_s(office) + 30 * DAY_S - 1) == []
    assert grounds(office, now_s(office) + 30 * DAY_S) == [(event, Ground.RETENTION)]


def test_a_policy_can_say_less_than_thirty_days_and_never_more(office: Office) -> None:
    event = office.arrive().digest
    assert grounds(office, now_s(office) + 2 * DAY_S, days=2) == [(event, Ground.RETENTION)]
    assert grounds(office, now_s(office) + 30 * DAY_S, days=99) == [(event, Ground.RETENTION)]


def test_an_opened_event_ends_when_it_says_itself(office: Office) -> None:
    event = office.arrive(retain_until_utc_s=now_s(office) + DAY_S).digest
    office.desk(1)
    assert grounds(office, now_s(office) + DAY_S - 1) == []
    assert grounds(office, now_s(office) + DAY_S) == [(event, Ground.RETENTION)]


def test_the_earliest_word_about_the_end_counts(office: Office) -> None:
    event = office.arrive().digest
    with office.store.writing() as connection:
        for until_s in (now_s(office) + 5, now_s(office) + 3, now_s(office) + 9):
            store_deadline(connection, event, until_s)
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
    hold_event(office.store, office.site(), event, people(office), "Asked for by a court.")
    assert grounds(office, now_s(office) + 99 * DAY_S) == []
    release_event(office.store, office.site(), event, people(office), "The court has it.")
    assert grounds(office, now_s(office) + 99 * DAY_S) == [(event, Ground.RETENTION)]


def test_one_person_holds_nothing(office: Office) -> None:
    event, (one, two) = office.arrive().digest, people(office)
    for who in ([one], [one, one], [one, bytes(16)], [one, two, one]):
        with pytest.raises(HoldRefused, match="Two different"):
            hold_event(office.store, office.site(), event, who, "Because.")
    assert grounds(office, now_s(office) + 99 * DAY_S) == [(event, Ground.RETENTION)]


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
def test_a_hold_without_a_reason_is_none(office: Office, reason: str) -> None:
    event = office.arrive().digest
    with pytest.raises(HoldRefused, match="reason"):
        hold_event(office.store, office.site(), event, people(office), reason)


def test_the_command_holds_with_two_keys(office: Office) -> None:
    event = office.arrive().digest
    keys = [word for n in (1, 2) for word in ("--key", str(office.folder / f"r{n}.verdict.key"))]
    words = ["hold", event.hex(), "--config", str(office.settings), *keys, "--reason", "A court."]
    done = CliRunner().invoke(app, [*words, *office.passphrase, *office.passphrase])
    assert done.exit_code == 0, done.output
    with office.store.reading() as connection:
        (held,) = [each for each in ledger_records(connection) if each.event is Happening.HELD]
    assert [held.body["first"], held.body["second"]] == [each.hex() for each in people(office)]


def test_a_clock_that_was_set_back_destroys_nothing(office: Office) -> None:
    office.arrive()
    with office.store.writing() as connection:
        trusted_now(connection, now_s(office) + DAY_S)
    with (
        office.store.writing() as connection,
        pytest.raises(BooksRefused, match="stands before"),
    ):
        trusted_now(connection, now_s(office))


def test_a_clock_that_leaps_ahead_is_believed_only_when_a_person_says_so(office: Office) -> None:
    office.arrive()
    leapt = now_s(office) + LEAP_S + 60
    with office.store.writing() as connection, pytest.raises(BooksRefused, match="past"):
        trusted_now(connection, leapt)
    with office.store.writing() as connection:
        assert trusted_now(connection, leapt, clock_is_right=True) == leapt


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
    assert not office.store.add_envelope(sealed, 1)
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
                opened.append(open_sealed(verify(read(Kind.EVENT, blob), camera.sign_key), key))
    assert (left, opened) == ([], [])


def test_the_search_finds_what_a_careless_deletion_leaves(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = office.arrive(crop_jpeg=jpeg() + CANARY)
    judge(office, sealed.digest, NOT, NOT)
    monkeypatch.setattr(type(office.store), "scrub", lambda _: None)
    with office.store.reading() as connection:
        doomed = due_events(connection, now_s(office), 30)
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
