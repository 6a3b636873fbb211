"""The hand-over of a confirmed match: two people sign it, and the ledger names them."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pyrage
import pytest
from nacl.signing import SigningKey
from sqlalchemy import delete, insert, select, update

from estate.console.desk import Desk
from estate.errors import BooksRefused, NotConfirmed, VerdictRefused
from estate.store.acts import ACTS
from estate.store.envelopes import ENVELOPES
from estate.store.ledger import LEDGER, append_record, ledger_records
from estate.tests.books import Office
from estate.verdicts.export import Agreed, export_match, record_export, sign_export, take_back
from estate.verdicts.hand_overs import REPEATED, UNNAMED, UNPROVEN, UNSIGNED
from formats.act import Act, Kind, verify_act
from formats.ledger import Happening
from formats.verdict import Judgement

MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL
READER = pyrage.x25519.Identity.generate()
KEY = str(READER.to_public())
OTHER_KEY = str(pyrage.x25519.Identity.generate().to_public())
TO = "Inspector on duty"


@pytest.fixture
def either(tmp_path: Path, url: str) -> Iterator[Office]:
    """Return an office over SQLite, then one over PostgreSQL."""
    office = Office(tmp_path / "office", database=url)
    yield office
    office.store.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Office]:
    """Return an office of three reviewers, two of them of one organisation."""
    office = Office(tmp_path / "three", organisations=("police", "police", "estate"))
    yield office
    office.store.close()


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def confirmed(office: Office, *numbers: int) -> bytes:
    event = office.arrive().digest
    for number in numbers or (1, 2):
        office.desk(number).judge(event, MATCH)
    return event


def packed(agreed: Agreed) -> bytes:
    return agreed.first.event


def sign(desk: Desk, event: bytes, recipient: str = KEY, to: str = TO) -> bytes | None:
    """Sign one half; return the encrypted match if it was the second half."""
    made: list[bytes] = []
    assert export_match(desk, event, recipient, to, packed, made.append) is bool(made)
    return made[0] if made else None


def handed(office: Office) -> list[dict[str, int | str]]:
    """Return the bodies of the hand-overs in the ledger."""
    with office.store.reading() as connection:
        records = ledger_records(connection)
    return [dict(each.body) for each in records if each.event is Happening.EXPORTED]


def requested(office: Office) -> list[object]:
    with office.store.reading() as connection:
        rows = connection.execute(select(ACTS).where(ACTS.c.kind == "export"))
        return [row.signed for row in rows]


def test_only_the_second_signature_makes_the_file_and_the_record(either: Office) -> None:
    event = confirmed(either)
    assert sign(either.desk(1), event) is None
    assert handed(either) == []
    sealed = sign(either.desk(2), event)
    assert sealed is not None
    assert pyrage.decrypt(sealed, [READER]) == event
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])
    (body,) = handed(either)
    assert (body["to"], body["recipient"]) == (TO, KEY)
    assert (body["file"], body["archive"]) == (digest(sealed), digest(event))
    assert requested(either) == []


def test_the_record_carries_both_signatures_over_what_was_shown(office: Office) -> None:
    event = confirmed(office)
    desks = [office.desk(1), office.desk(2)]
    for desk in desks:
        sign(desk, event)
    (body,) = handed(office)
    for which, desk in zip(("first", "second"), desks, strict=True):
        at_ms = int(body[f"{which}_utc_ms"])
        act = Act(Kind.EXPORT, event, desk.identity, at_ms, to=TO, recipient=KEY)
        signature = bytes.fromhex(str(body[f"{which}_signature"]))
        verify_act(act, signature, desk.verdict_key.verify_key)


def test_the_second_person_is_shown_who_asks_for_whom_and_the_whole_key(office: Office) -> None:
    event = confirmed(office)
    one, two = office.desk(1), office.desk(2)
    before = two.changes
    sign(one, event)
    two.refresh()
    standing = two.standing(event)
    assert standing
    assert standing.asked
    assert (standing.asked.name, standing.asked.organisation) == ("r1", "police")
    assert (standing.asked.to, standing.asked.recipient) == (TO, KEY)
    assert two.changes > before


@pytest.mark.parametrize(
    ("recipient", "to"),
    [(OTHER_KEY, TO), (KEY, "Another inspector"), (KEY, TO + "\u0301")],
    ids=["key", "name", "accent"],
)
def test_another_recipient_than_the_first_person_signed_is_refused(
    office: Office, recipient: str, to: str
) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    with pytest.raises(NotConfirmed, match="r1 asks to hand this match to another"):
        sign(office.desk(2), event, recipient, to)
    assert handed(office) == []


def test_one_person_who_signs_twice_is_one_person(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    for desk in (office.desk(1), office.desk(1)):
        with pytest.raises(NotConfirmed, match="another reviewer must sign it"):
            sign(desk, event)
    assert handed(office) == []


def test_a_person_corrects_what_they_asked_before_another_has_signed(either: Office) -> None:
    event = confirmed(either)
    sign(either.desk(1), event, OTHER_KEY)
    sign(either.desk(1), event, KEY)
    assert sign(either.desk(2), event, KEY) is not None


def test_what_was_taken_back_counts_no_more(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    take_back(office.desk(1), event)
    assert sign(office.desk(2), event) is None
    assert handed(office) == []


def test_no_other_person_takes_back_what_one_has_asked(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    with pytest.raises(NotConfirmed, match="You asked for nothing"):
        take_back(office.desk(2), event)
    assert sign(office.desk(2), event) is not None


def test_a_removed_reviewers_request_does_not_count(three: Office) -> None:
    event = confirmed(three, 1, 2)
    desk = three.desk(3)
    sign(desk, event)
    three.removed, three.site_version = (3,), 2
    three.publish(version=2)
    assert sign(three.desk(1), event) is None
    assert handed(three) == []
    with pytest.raises(VerdictRefused, match="do not name this reviewer"):
        desk.take_site()


def test_a_reviewer_removed_between_the_signatures_hands_nothing_over(three: Office) -> None:
    event, desk = confirmed(three, 1, 2), three.desk(3)
    three.removed, three.site_version = (3,), 2
    three.publish(version=2)
    desk.site = three.site()  # As `take_site` leaves it: it has refused this reviewer.
    with pytest.raises(NotConfirmed, match="names no reviewer with this key"):
        sign(desk, event)


def test_two_of_one_organisation_hand_nothing_over_where_two_must_decide(tmp_path: Path) -> None:
    organisations = ("police", "police", "estate")
    office = Office(tmp_path / "office", organisations=organisations, two_organisations=True)
    event = confirmed(office, 1, 3)
    sign(office.desk(1), event)
    with pytest.raises(NotConfirmed, match="must be of another organisation"):
        sign(office.desk(2), event)
    assert sign(office.desk(3), event) is not None


@pytest.mark.parametrize("second", [NOT, UNSURE, None])
def test_what_two_people_did_not_confirm_is_not_asked_for(
    office: Office, second: Judgement | None
) -> None:
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    if second is not None:
        office.desk(2).judge(event, second)
    with pytest.raises(NotConfirmed, match="Two different people"):
        sign(office.desk(1), event)
    assert requested(office) == []


@pytest.mark.parametrize(
    ("recipient", "to"),
    [
        *(("age1nonsense", "x"), ("", "x"), (KEY, " "), (KEY, "two\nlines"), (KEY, "x" * 129)),
        (KEY[:-1] + ("p" if KEY[-1] == "q" else "q"), "x"),
    ],
    ids=["no key", "empty", "no name", "two lines", "too long", "mistyped"],
)
def test_a_recipient_must_be_named(office: Office, recipient: str, to: str) -> None:
    event = confirmed(office)
    with pytest.raises(NotConfirmed, match=r"age public key|in one line"):
        sign(office.desk(1), event, recipient, to)
    assert requested(office) == []


def test_a_second_hand_over_needs_two_signatures_of_its_own(either: Office) -> None:
    event = confirmed(either)
    sign(either.desk(1), event)
    sign(either.desk(2), event)
    assert sign(either.desk(2), event) is None
    assert sign(either.desk(1), event) is not None
    assert [body["to"] for body in handed(either)] == [TO, TO]


def test_signatures_that_made_a_hand_over_make_no_other(either: Office) -> None:
    event = confirmed(either)
    sign(either.desk(1), event)
    with either.store.reading() as connection:
        row = connection.execute(select(ACTS).where(ACTS.c.kind == "export")).mappings().one()
        copied = dict(row)
    sign(either.desk(2), event)
    with either.store.writing() as connection:
        connection.execute(insert(ACTS).values(copied))
    assert sign(either.desk(2), event) is None
    assert len(handed(either)) == 1


def asked_and_taken_back(
    office: Office, event: bytes, number: int, recipient: str
) -> dict[str, object]:
    """Let a person ask, and take it back; return the row, which an attacker has copied."""
    sign(office.desk(number), event, recipient)
    with office.store.reading() as connection:
        row = connection.execute(select(ACTS).where(ACTS.c.kind == "export")).mappings().one()
        copied = dict(row)
    take_back(office.desk(number), event)
    return copied


def insert_row(office: Office, row: dict[str, object]) -> None:
    with office.store.writing() as connection:
        connection.execute(insert(ACTS).values(row))


def test_requests_for_two_recipients_make_no_hand_over(three: Office) -> None:
    event = confirmed(three, 1, 2)
    copied = asked_and_taken_back(three, event, 3, OTHER_KEY)
    sign(three.desk(1), event, KEY)
    insert_row(three, copied)
    for recipient in (KEY, OTHER_KEY):
        with pytest.raises(NotConfirmed, match="to another recipient or key"):
            sign(three.desk(2), event, recipient)
    assert handed(three) == []


def test_a_request_that_was_put_back_does_not_stand_for_a_second_organisation(
    tmp_path: Path,
) -> None:
    organisations = ("police", "police", "estate")
    office = Office(tmp_path / "office", organisations=organisations, two_organisations=True)
    event = confirmed(office, 1, 3)
    copied = asked_and_taken_back(office, event, 2, KEY)
    sign(office.desk(1), event)
    insert_row(office, copied)
    assert sign(office.desk(3), event) is not None
    (body,) = handed(office)
    assert office.desk(3).identity.hex() in {body["first"], body["second"]}
    office.store.close()


def test_what_was_agreed_before_is_not_recorded_after_it_was_changed(office: Office) -> None:
    event = confirmed(office)
    desks = [office.desk(1), office.desk(2)]
    before = [sign_export(desk, event, KEY, TO) for desk in desks][1]
    assert before is not None
    for desk in desks:
        take_back(desk, event)
    with pytest.raises(NotConfirmed, match="look at it again"):
        record_export(desks[1], before, b"", print)
    for desk in desks:
        sign_export(desk, event, OTHER_KEY, TO)
    with pytest.raises(NotConfirmed, match="look at it again"):
        record_export(desks[1], before, b"", print)
    assert handed(office) == []


def test_a_row_without_its_signature_asks_for_nothing(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    with office.store.writing() as connection:
        connection.execute(
            update(ACTS).where(ACTS.c.kind == "export").values(reviewer=office.desk(2).identity)
        )
    standing = office.desk(2).standing(event)
    assert standing
    assert standing.asked is None


def test_an_event_that_was_removed_from_the_store_is_not_handed_over(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(blob=b""))
    with pytest.raises(NotConfirmed, match="destroyed, or never arrived"):
        sign(desk, event)


def test_a_file_that_cannot_be_written_is_not_recorded(either: Office) -> None:
    event = confirmed(either)
    sign(either.desk(1), event)

    def full(_content: bytes) -> None:
        raise OSError(28, "No space left on device", "match.age")

    with pytest.raises(OSError, match="No space"):
        export_match(either.desk(2), event, KEY, TO, packed, full)
    assert handed(either) == []
    assert sign(either.desk(2), event) is not None


def test_both_people_see_every_hand_over(either: Office) -> None:
    event = confirmed(either)
    for recipient, to in ((KEY, TO), (OTHER_KEY, "A court")):
        sign(either.desk(1), event, recipient, to)
        sign(either.desk(2), event, recipient, to)
    for number in (1, 2):
        shown = either.desk(number).handed_over(event)
        assert [(each.to, each.recipient, each.note) for each in shown] == [
            (TO, KEY, ""),
            ("A court", OTHER_KEY, ""),
        ]
        assert {each.by for each in shown} == {("r1 (police)", "r2 (estate)")}


def test_a_record_of_an_earlier_version_is_shown_as_unsigned(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    body = {"envelope": event.hex(), "recipient": KEY, "to": TO, "file": "0" * 64}
    with office.store.writing() as connection:
        append_record(connection, Happening.EXPORTED, body | {"reviewer": desk.identity.hex()})
    (shown,) = desk.handed_over(event)
    assert (shown.by, shown.note) == (("r1 (police)",), UNSIGNED)


@pytest.mark.parametrize("change", [{"to": "Another"}, {"recipient": "x"}, {"first_utc_ms": 1}])
def test_a_record_that_two_people_did_not_sign_is_shown_as_unproven(
    office: Office, change: dict[str, int | str]
) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    sign(office.desk(2), event)
    with office.store.writing() as connection:
        append_record(connection, Happening.EXPORTED, handed(office)[0] | change)
    assert [each.note for each in office.desk(1).handed_over(event)] == ["", UNPROVEN]


def test_a_copied_record_is_no_second_hand_over(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    sign(office.desk(2), event)
    with office.store.writing() as connection:
        append_record(connection, Happening.EXPORTED, handed(office)[0])
    assert [each.note for each in office.desk(1).handed_over(event)] == ["", REPEATED]


def test_a_hand_over_by_a_reviewer_who_has_left_is_not_called_forged(three: Office) -> None:
    event = confirmed(three, 1, 2)
    for number in (1, 3):
        sign(three.desk(number), event)
    three.removed, three.site_version = (3,), 2
    three.publish(version=2)
    (shown,) = three.desk(1).handed_over(event)
    assert (shown.note, shown.by[0]) == (UNNAMED, "r1 (police)")
    assert "not named now" in shown.by[1]


def test_one_persons_signature_twice_in_a_record_is_unproven(office: Office) -> None:
    event = confirmed(office)
    sign(office.desk(1), event)
    sign(office.desk(2), event)
    (body,) = handed(office)
    twice = {
        name.replace("first", "second"): value
        for name, value in body.items()
        if name.startswith("first")
    }
    with office.store.writing() as connection:
        append_record(connection, Happening.EXPORTED, body | twice)
    assert office.desk(1).handed_over(event)[1].note == UNPROVEN


def test_a_desk_that_has_read_the_ledger_reads_on(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    assert desk.handed_over(event) == []
    sign(desk, event)
    sign(office.desk(2), event)
    assert len(desk.handed_over(event)) == 1
    assert len(desk.handed_over(event)) == 1


def test_a_desk_shows_what_an_older_copy_of_the_ledger_has(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    with office.store.reading() as connection:
        size = len(ledger_records(connection))
    sign(desk, event)
    sign(office.desk(2), event)
    assert len(desk.handed_over(event)) == 1
    with office.store.writing() as connection:  # As after a restore.
        connection.execute(delete(LEDGER).where(LEDGER.c.seq >= size))
    assert desk.handed_over(event) == []


def test_a_ledger_that_was_changed_shows_and_makes_no_hand_over(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    sign(office.desk(2), event)
    with office.store.writing() as connection:
        (line,) = connection.execute(select(LEDGER.c.line).where(LEDGER.c.seq == 1)).scalars()
        changed = bytes(line).replace(b'"utc_ms":1', b'"utc_ms":2')
        connection.execute(update(LEDGER).where(LEDGER.c.seq == 1).values(line=changed))
    with pytest.raises(BooksRefused, match="The ledger has been changed"):
        desk.handed_over(event)
    with pytest.raises(BooksRefused, match="The ledger has been changed"):
        sign(desk, event)


def test_a_stranger_signs_no_hand_over(office: Office) -> None:
    event, desk = confirmed(office), office.desk(1)
    desk.verdict_key = SigningKey(bytes([9]) * 32)
    with pytest.raises(NotConfirmed, match="names no reviewer with this key"):
        sign(desk, event)
