"""The outsiders' verifier wants two reviewers' signatures for each hold, release and export."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from estate.accounts import verify
from estate.accounts.books import export_books, write_checkpoint
from estate.retention.holds import hold_event, release_event
from estate.tests.books import Office
from estate.tests.handed_over import act_body, appended, bodies, books
from formats.act import Kind
from formats.ledger import Happening
from formats.tests.act_vectors import EXPORT
from formats.verdict import Judgement

EVENT = "ab" * 32
COURT = {"reason": "A court asks for it."}
TO = {"to": "The county court", "recipient": str(EXPORT["recipient"])}
STRANGER = SigningKey(bytes([201]) * 32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Path]]:
    """Return an office whose third reviewer was removed, and its exported books."""
    folder = tmp_path_factory.mktemp("made") / "office"
    office = Office(folder, ("police", "estate", "oversight"))
    books(office)
    event = office.arrive(2).digest
    for at_ms, act in enumerate((hold_event, release_event, hold_event)):
        for number in (1, 3):
            act(office.store, office.site(), event, office.verdict_key(number), "A court.", at_ms)
    office.site_version, office.removed = 2, (3,)
    office.publish(version=2)
    write_checkpoint(office.store, office.ledger_key, office.folder / "books")
    export_books(office.store, office.site(), office.folder / "books", folder / "again")
    yield office, folder / "again"
    office.store.close()


@pytest.fixture
def office(made: tuple[Office, Path]) -> Office:
    return made[0]


@pytest.fixture
def ledger(made: tuple[Office, Path], tmp_path: Path) -> Path:
    """Return the estate's ledger in a copy of the books, for one test to forge."""
    return Path(shutil.copytree(made[1], tmp_path / "handed")) / "estate.jsonl"


def keys(office: Office, *numbers: int) -> tuple[SigningKey, SigningKey]:
    first, second = (office.verdict_key(number) if number else STRANGER for number in numbers)
    return first, second


def held(office: Office, ledger: Path, *numbers: int) -> int:
    """Append a hold by these reviewers; return the number of the record."""
    body = act_body(Kind.HOLD, EVENT, keys(office, *numbers), COURT)
    return appended(ledger, Happening.HELD, body)


def destroyed(ledger: Path, ground: str = "retention") -> int:
    body = {"envelope": EVENT, "camera": "0f" * 16, "ground": ground}
    return appended(ledger, Happening.DESTROYED, body)


def refusal(ledger: Path) -> str:
    """Return the sentence with which the books are refused; empty if they hold."""
    try:
        verify.verify_books(ledger.parent, None)
    except verify.NotAsExported as error:
        return str(error)
    return ""


def test_what_two_reviewers_held_released_and_held_again_is_good(ledger: Path) -> None:
    assert [len(bodies(ledger, each)) for each in (Happening.HELD, Happening.RELEASED)] == [2, 1]
    assert refusal(ledger) == ""


def test_one_person_who_signs_twice_is_one(office: Office, ledger: Path) -> None:
    number = held(office, ledger, 1, 1)
    assert f"record {number}: one person signed twice" in refusal(ledger)


@pytest.mark.parametrize(("numbers", "who"), [((0, 1), "first"), ((1, 0), "second")])
def test_a_signature_by_an_unknown_key_is_named(
    office: Office, ledger: Path, numbers: tuple[int, int], who: str
) -> None:
    number = held(office, ledger, *numbers)
    expected = f"record {number}: the site names no reviewer then who is its {who}"
    assert expected in refusal(ledger)


def test_a_reviewer_who_was_removed_holds_nothing(office: Office, ledger: Path) -> None:
    number = held(office, ledger, 1, 3)
    expected = f"record {number}: the site names no reviewer then who is its second"
    assert expected in refusal(ledger)


def test_two_reasons_are_no_hold(office: Office, ledger: Path) -> None:
    body = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT, {"reason": "Another reason."})
    number = appended(ledger, Happening.HELD, body)
    assert f"record {number}: the signature of its second does not hold" in refusal(ledger)


@pytest.mark.parametrize("change", ["envelope", "first_utc_ms", "reason", "first"])
def test_what_was_not_signed_is_named(office: Office, ledger: Path, change: str) -> None:
    body = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT)
    other = {"envelope": "cd" * 32, "first_utc_ms": 7, "reason": "None.", "first": body["second"]}
    number = appended(ledger, Happening.HELD, body | {change: other[change]})
    assert f"record {number}: the signature of its first does not hold" in refusal(ledger)


def test_a_hold_is_no_release(office: Office, ledger: Path) -> None:
    held(office, ledger, 1, 2)
    body = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT)
    number = appended(ledger, Happening.RELEASED, body)
    assert f"record {number}: the signature of its first does not hold" in refusal(ledger)


def test_a_release_without_a_hold_is_named(office: Office, ledger: Path) -> None:
    body = act_body(Kind.RELEASE, EVENT, keys(office, 1, 2), COURT)
    number = appended(ledger, Happening.RELEASED, body)
    assert f"record {number}: two people did not hold what it releases" in refusal(ledger)


def test_a_second_release_of_one_hold_is_named(office: Office, ledger: Path) -> None:
    held(office, ledger, 1, 2)
    first, second = (act_body(Kind.RELEASE, EVENT, keys(office, 2, 1), COURT) for _ in range(2))
    appended(ledger, Happening.RELEASED, first)
    number = appended(ledger, Happening.RELEASED, second)
    assert f"record {number}: two people did not hold what it releases" in refusal(ledger)


def test_what_two_people_hold_is_not_destroyed(office: Office, ledger: Path) -> None:
    held(office, ledger, 1, 2)
    number = destroyed(ledger)
    assert f"record {number}: two people held what it destroys" in refusal(ledger)


def test_what_two_people_released_may_be_destroyed(office: Office, ledger: Path) -> None:
    held(office, ledger, 1, 2)
    body = act_body(Kind.RELEASE, EVENT, keys(office, 2, 1), COURT)
    appended(ledger, Happening.RELEASED, body)
    destroyed(ledger)
    assert refusal(ledger) == ""


def test_what_a_restored_copy_calls_held_may_be_destroyed_again_and_is_told(
    office: Office, ledger: Path
) -> None:
    held(office, ledger, 1, 2)
    destroyed(ledger, "restored")
    _, _, notes = verify.verify_books(ledger.parent, None)
    assert [each for each in notes if "destroyed again, and that were held: 1." in each]


def test_what_is_destroyed_is_not_held(office: Office, ledger: Path) -> None:
    destroyed(ledger)
    number = held(office, ledger, 1, 2)
    assert f"record {number}: its event was destroyed already" in refusal(ledger)


@pytest.mark.parametrize("kind", [Happening.DECISION, Happening.EXPORTED, Happening.VERDICT])
def test_what_is_destroyed_is_not_judged_or_exported(ledger: Path, kind: Happening) -> None:
    destroyed(ledger)
    number = appended(ledger, kind, {"envelope": EVENT})
    assert f"record {number}: its event was destroyed already" in refusal(ledger)


def test_the_signatures_of_a_hold_that_ended_make_no_other(office: Office, ledger: Path) -> None:
    hold = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT)
    appended(ledger, Happening.HELD, hold)
    release = act_body(Kind.RELEASE, EVENT, keys(office, 2, 1), COURT)
    appended(ledger, Happening.RELEASED, release)
    number = appended(ledger, Happening.HELD, hold)
    assert f"record {number}: a signature in it counted before" in refusal(ledger)


def export(office: Office, ledger: Path, *numbers: int, **second: str) -> dict[str, object]:
    """Return a hand-over of the confirmed event that these reviewers signed."""
    (decided,) = bodies(ledger, Happening.DECISION)
    other = [TO | second] if second else []
    event, both = str(decided["envelope"]), keys(office, *numbers)
    files = dict.fromkeys(("file", "archive"), "cd" * 32)
    return act_body(Kind.EXPORT, event, both, TO, *other) | files


def test_an_export_that_two_reviewers_signed_is_good(office: Office, ledger: Path) -> None:
    for _ in range(2):
        appended(ledger, Happening.EXPORTED, export(office, ledger, 1, 2))
    assert refusal(ledger) == ""


@pytest.mark.parametrize(
    ("numbers", "second", "why"),
    [
        ((1, 1), {}, "one person signed twice"),
        ((1, 3), {}, "the site names no reviewer then who is its second"),
        ((0, 2), {}, "the site names no reviewer then who is its first"),
        ((1, 2), {"to": "Another office"}, "the signature of its second does not hold"),
        ((1, 2), {"recipient": "age1" + 58 * "q"}, "the signature of its second does not hold"),
    ],
)
def test_an_export_that_two_reviewers_did_not_sign_is_named(
    office: Office, ledger: Path, numbers: tuple[int, int], second: dict[str, str], why: str
) -> None:
    body = export(office, ledger, *numbers, **second)
    number = appended(ledger, Happening.EXPORTED, body)
    assert f"record {number}: {why}" in refusal(ledger)


def test_one_organisation_exports_nothing_alone_where_the_site_wants_two(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path / "office", ("police", "police", "estate"), two_organisations=True)
    event = office.arrive().digest
    for number in (1, 3):
        office.desk(number).judge(event, Judgement.MATCH)
    write_checkpoint(office.store, office.ledger_key, office.folder / "books")
    export_books(office.store, office.site(), office.folder / "books", tmp_path / "handed")
    office.store.close()
    ledger = tmp_path / "handed" / "estate.jsonl"
    appended(ledger, Happening.EXPORTED, export(office, ledger, 1, 3))
    assert refusal(ledger) == ""
    number = appended(ledger, Happening.EXPORTED, export(office, ledger, 1, 2))
    assert f"record {number}: one organisation exported it alone" in refusal(ledger)


def test_a_record_without_signatures_is_refused_where_the_ledger_names_reviewers(
    office: Office, ledger: Path
) -> None:
    body = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT)
    plain = {name: body[name] for name in ("envelope", "first", "second", "reason")}
    number = appended(ledger, Happening.HELD, plain)
    assert f"record {number}: it is no hold that two people signed" in refusal(ledger)


@pytest.mark.parametrize("name", ["first", "second", "reason", "second_signature", "first_utc_ms"])
def test_a_hold_that_lacks_a_member_is_refused(office: Office, ledger: Path, name: str) -> None:
    body = act_body(Kind.HOLD, EVENT, keys(office, 1, 2), COURT)
    del body[name]
    number = appended(ledger, Happening.HELD, body)
    assert f"record {number}: " in refusal(ledger)


@pytest.mark.parametrize("kind", [Happening.HELD, Happening.RELEASED, Happening.EXPORTED])
def test_records_of_an_earlier_version_are_read_and_counted(kind: Happening) -> None:
    body = {"envelope": EVENT, "first": "00" * 16, "second": "01" * 16, "reason": "A court."}
    events = verify.Events(None, found={EVENT: confirmed()})
    events.take({"seq": 7, "event": kind, "body": body})
    assert events.unsigned == 1


def confirmed() -> dict[str, object]:
    decision = {"body": {"outcome": "confirmed"}}
    return {"verdicts": [], "signatures": set(), "on_hold": False, "decision": decision}
