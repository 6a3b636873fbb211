"""A signed row that was copied or moved counts once, for what was signed, and under today's site.

Each test writes rows as a person could who can write the database.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update
from typer.testing import CliRunner

from estate.__main__ import app
from estate.errors import NotConfirmed, VerdictRefused
from estate.monitoring.health import read_health
from estate.retention.holds import Signature, _agreed, _body, called_held, hold_event
from estate.store.acts import ACTS, proven_acts
from estate.store.ledger import LEDGER, append_record, ledger_records
from estate.tests.books import Office
from estate.verdicts.decisions import VERDICTS, outcome_of, prove_confirmed
from formats.act import Act, Kind, sign_act
from formats.envelope import sender_id
from formats.ledger import Happening
from formats.verdict import Basis, Judgement, Verdict, sign_verdict


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


@pytest.fixture
def event(office: Office) -> bytes:
    return office.arrive().digest


def test_one_verdict_in_two_rows_decides_nothing(office: Office, event: bytes) -> None:
    office.desk(1).judge(event, Judgement.MATCH)
    with office.store.writing() as connection:
        row = dict(connection.execute(select(VERDICTS)).mappings().one())
        other = {"reviewer": sender_id(office.verdict_key(2).verify_key), "name": "r2"}
        connection.execute(insert(VERDICTS).values(row | other))
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), event) is None
        with pytest.raises(NotConfirmed, match="Two different people"):
            prove_confirmed(connection, office.site(), event)


def test_a_verdict_under_another_name_is_still_its_authors_one_verdict(
    office: Office, event: bytes
) -> None:
    desk = office.desk(1)
    desk.judge(event, Judgement.MATCH)
    with office.store.writing() as connection:
        connection.execute(update(VERDICTS).values(reviewer=bytes(16), name="another"))
    with pytest.raises(VerdictRefused, match="given your verdict on this event already"):
        desk.judge(event, Judgement.NOT_A_MATCH)


def test_a_verdict_whose_words_were_changed_counts_for_nothing(
    office: Office, event: bytes
) -> None:
    for number in (1, 2):
        office.desk(number).judge(event, Judgement.MATCH)
    with office.store.writing() as connection:
        (first, *_) = connection.execute(select(VERDICTS.c.signed)).scalars()
        changed = bytes(first).replace(b'"match"', b'"not_a_match"')
        connection.execute(
            update(VERDICTS).where(VERDICTS.c.signed == first).values(signed=changed)
        )
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), event) is None
        with pytest.raises(NotConfirmed, match="does not hold"):
            prove_confirmed(connection, office.site(), event)


def test_a_row_that_says_another_word_than_its_verdict_is_named(
    office: Office, event: bytes
) -> None:
    office.desk(1).judge(event, Judgement.MATCH)
    with office.store.writing() as connection:
        connection.execute(update(VERDICTS).values(judgement="not_a_match"))
    (sentence,) = read_health(office.store, office.site(), [], office.now).refused
    assert "a verdict's row is not what its reviewer signed" in sentence


def test_a_third_persons_doubt_keeps_a_match_from_leaving(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "council"))
    event = office.arrive().digest
    for number in (1, 2):
        office.desk(number).judge(event, Judgement.MATCH)
    key = office.verdict_key(3)
    me, basis = sender_id(key.verify_key), Basis.of(office.candidate())
    doubt = sign_verdict(Verdict(event, Judgement.NOT_A_MATCH, me, 1, basis), key)
    with office.store.writing() as connection:
        row = dict(connection.execute(select(VERDICTS)).mappings().first() or {})
        third = {"reviewer": me, "name": "r3", "signed": doubt}
        connection.execute(insert(VERDICTS).values(row | third))
        with pytest.raises(NotConfirmed, match="Two different people"):
            prove_confirmed(connection, office.site(), event)


def test_verdicts_of_one_organisation_decide_nothing_where_two_must(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "police", "estate"))
    event = office.arrive().digest
    for number in (1, 2):
        office.desk(number).judge(event, Judgement.MATCH)
    office.two_organisations = True
    office.publish(version=2)
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), event) is None
        with pytest.raises(NotConfirmed, match="two different organisations"):
            prove_confirmed(connection, office.site(), event)


def test_a_hold_on_another_event_is_no_half_of_this_one(office: Office, event: bytes) -> None:
    other = office.arrive(2).digest
    hold_event(office.store, office.site(), other, office.verdict_key(1), "A court.", 1)
    with office.store.writing() as connection:
        connection.execute(update(ACTS).values(event=event))
        reviewers = office.site().reviewers
        assert proven_acts(connection, reviewers, Kind.HOLD, event=event) == []
    second = office.verdict_key(2)
    assert not hold_event(office.store, office.site(), event, second, "A court.", 2)


def test_two_halves_by_one_person_hold_nothing(office: Office, event: bytes) -> None:
    me = office.site().recipients.reviewers[0]
    acts = [Act(Kind.HOLD, event, bytes(16), at_ms, "A court.") for at_ms in (1, 2)]
    assert _agreed([Signature(act, me, b"") for act in acts]) is None


def test_a_release_that_one_person_signed_twice_releases_nothing(
    office: Office, event: bytes
) -> None:
    for number in (1, 2):
        key = office.verdict_key(number)
        hold_event(office.store, office.site(), event, key, "A court.", number)
    key = office.verdict_key(1)
    me = office.site().recipients.reviewers[0]
    release = Act(Kind.RELEASE, event, sender_id(key.verify_key), 3, "Done.")
    half = Signature(release, me, sign_act(release, key))
    with office.store.writing() as connection:
        append_record(connection, Happening.RELEASED, _body((half, half)))
        connection.execute(delete(ACTS))
        records = ledger_records(connection)
        assert called_held(connection, office.site(), records) == {event}


def test_a_record_that_no_checkpoint_covers_yet_is_verified_too(
    office: Office, event: bytes
) -> None:
    with office.store.writing() as connection:
        body: dict[str, int | str] = {"envelope": event.hex(), "outcome": "not_a_match"}
        record = append_record(connection, Happening.DECISION, body)
        unchained = replace(record, previous=bytes(32)).to_line()
        connection.execute(update(LEDGER).where(LEDGER.c.seq == record.seq).values(line=unchained))
    words = ["retain", "--config", str(office.settings), *office.passphrase]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "The ledger has been changed" in result.output) == (1, True)
