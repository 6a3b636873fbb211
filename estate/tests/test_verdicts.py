"""The two-person rule: what makes a decision, and what does not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from sqlalchemy import insert, update

from estate.console.desk import Desk
from estate.errors import NotConfirmed, VerdictRefused
from estate.store.ledger import ledger_records
from estate.tests.books import STRANGER, Office
from estate.verdicts.decisions import (
    DECISIONS,
    VERDICTS,
    Outcome,
    accept_verdict,
    outcome_of,
    prove_confirmed,
)
from formats.envelope import key_id, sender_id
from formats.ledger import Happening
from formats.verdict import Basis, Judgement, Verdict, sign_verdict

MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL


def told(office: Office, happening: Happening) -> list[dict[str, int | str]]:
    with office.store.reading() as connection:
        return [dict(each.body) for each in ledger_records(connection) if each.event is happening]


def signed(office: Office, number: int, event: bytes, key: SigningKey | None = None) -> bytes:
    key = key or office.verdict_key(number)
    basis = Basis.of(office.candidate())
    return sign_verdict(Verdict(event, MATCH, sender_id(key.verify_key), 1, basis), key)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (MATCH, MATCH, Outcome.CONFIRMED),
        (MATCH, NOT, Outcome.NOT_A_MATCH),
        (NOT, MATCH, Outcome.NOT_A_MATCH),
        (NOT, NOT, Outcome.NOT_A_MATCH),
        (MATCH, UNSURE, Outcome.NOT_A_MATCH),
        (UNSURE, NOT, Outcome.NOT_A_MATCH),
        (UNSURE, UNSURE, Outcome.CANNOT_TELL),
    ],
)
def test_two_people_decide(
    office: Office, first: Judgement, second: Judgement, outcome: Outcome
) -> None:
    event = office.arrive().digest
    assert office.desk(1).judge(event, first) is None
    assert office.desk(2).judge(event, second) is outcome
    decided = [{"envelope": event.hex(), "outcome": str(outcome)}]
    assert told(office, Happening.DECISION) == decided


def test_one_person_does_not_decide_by_speaking_twice(office: Office) -> None:
    event, desk = office.arrive().digest, office.desk(1)
    desk.judge(event, MATCH)
    with pytest.raises(VerdictRefused, match="already"):
        desk.judge(event, MATCH)
    with pytest.raises(VerdictRefused, match="already"):
        office.desk(1).judge(event, NOT)
    assert len(told(office, Happening.VERDICT)) == 1


def test_a_verdict_is_worth_nothing_for_another_event(office: Office) -> None:
    first, second = office.arrive(1).digest, office.arrive(2).digest
    replayed = signed(office, 1, first)
    accept_verdict(office.store, office.site(), replayed)
    with pytest.raises(VerdictRefused, match="already"):
        accept_verdict(office.store, office.site(), replayed)
    forged = replayed.replace(first.hex().encode(), second.hex().encode())
    with pytest.raises(VerdictRefused, match="signature"):
        accept_verdict(office.store, office.site(), forged)


def test_a_stranger_has_no_verdict(office: Office) -> None:
    event = office.arrive().digest
    with pytest.raises(VerdictRefused, match="names no reviewer"):
        accept_verdict(
            office.store, office.site(), signed(office, 1, event, SigningKey(bytes([9]) * 32))
        )
    assert told(office, Happening.VERDICT) == []


def test_a_verdict_on_an_event_that_did_not_come_is_refused(office: Office) -> None:
    with pytest.raises(VerdictRefused, match="no such event"):
        accept_verdict(office.store, office.site(), signed(office, 1, bytes(32)))
    assert told(office, Happening.VERDICT) == []


def test_no_third_person_speaks_after_the_decision(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "estate"))
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    office.desk(2).judge(event, MATCH)
    with pytest.raises(VerdictRefused, match="decided this event already"):
        office.desk(3).judge(event, NOT)


def test_a_site_can_demand_two_organisations(tmp_path: Path) -> None:
    organisations = ("police", "police", "estate")
    office = Office(tmp_path / "office", organisations=organisations, two_organisations=True)
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    with pytest.raises(VerdictRefused, match="another organisation"):
        office.desk(2).judge(event, MATCH)
    standing = office.desk(2).standing(event)
    assert standing
    assert standing.others_turn
    assert office.desk(3).judge(event, MATCH) is Outcome.CONFIRMED


@pytest.mark.parametrize("name", ["Police", "police ", "p0lice"])
def test_an_organisation_that_is_spelt_anew_is_not_a_second_one(tmp_path: Path, name: str) -> None:
    organisations = ("police", "police", "estate")
    office = Office(tmp_path / "office", organisations=organisations, two_organisations=True)
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    office.organisations = (name, name, "estate")  # In a later version of the recipients.
    office.publish(version=2)
    with pytest.raises(VerdictRefused, match="another organisation"):
        office.desk(2).judge(event, MATCH)
    standing = office.desk(2).standing(event)
    assert standing
    assert standing.others_turn


def test_a_desk_shows_no_other_verdict_before_its_own(office: Office) -> None:
    event = office.arrive().digest
    untouched = office.desk(2).standing(event)
    office.desk(1).judge(event, MATCH)
    assert office.desk(2).standing(event) == untouched


def test_a_key_that_the_site_does_not_name_has_no_desk(office: Office) -> None:
    with pytest.raises(VerdictRefused, match="do not name this reviewer"):
        Desk(office.store, office.site, STRANGER, SigningKey(bytes([9]) * 32))


def test_one_persons_keys_do_not_open_a_desk_with_anothers(office: Office) -> None:
    with pytest.raises(VerdictRefused, match="do not name this reviewer"):
        Desk(office.store, office.site, office.opening(1), office.verdict_key(2))


def test_an_event_sealed_to_others_is_not_on_the_desk(office: Office) -> None:
    sealed = office.arrive(to=[STRANGER, office.opening(2)])
    desk = office.desk(1)
    assert desk.standings() == []
    (reason,) = desk.refused.values()
    assert list(desk.refused) == [sealed.digest]
    assert f"strangers, with the slots {key_id(STRANGER.public_key).hex()}" in reason
    assert "not to the reviewers r1" in reason


def test_a_decision_that_was_written_into_the_database_is_not_acted_on(office: Office) -> None:
    event, desk = office.arrive().digest, office.desk(1)
    desk.judge(event, MATCH)
    with office.store.writing() as connection:
        row = {"event": event, "outcome": "confirmed", "decided_utc_ms": 1}
        connection.execute(insert(DECISIONS).values(row))
        assert outcome_of(connection, office.site(), event) is None
        with pytest.raises(NotConfirmed):
            prove_confirmed(connection, office.site(), event)


def test_matches_on_another_event_confirm_nothing(office: Office) -> None:
    one, other = office.arrive(1).digest, office.arrive(2).digest
    for number in (1, 2):
        office.desk(number).judge(other, MATCH)
    with office.store.writing() as connection:
        connection.execute(update(VERDICTS).values(event=one))
    with office.store.reading() as connection, pytest.raises(NotConfirmed, match="Two different"):
        prove_confirmed(connection, office.site(), one)


@pytest.mark.long
@settings(deadline=None, max_examples=25)  # Each example makes a database.
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Judgement)), max_size=6))
def test_however_they_speak_two_different_people_decide_once(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, Judgement]]
) -> None:
    folder = tmp_path_factory.mktemp("office") / "office"
    office = Office(folder, organisations=("police", "estate", "estate"))
    event, heard = office.arrive().digest, dict[int, Judgement]()
    desks = {number: office.desk(number) for number in (1, 2, 3)}
    for number, judgement in said:
        if len(heard) < 2 and number not in heard:
            heard[number] = judgement
            desks[number].judge(event, judgement)
        else:
            with pytest.raises(VerdictRefused):
                desks[number].judge(event, judgement)
    both_match = len(heard) == 2 and set(heard.values()) == {MATCH}
    with office.store.reading() as connection:
        assert (outcome_of(connection, office.site(), event) is Outcome.CONFIRMED) is both_match
        assert (outcome_of(connection, office.site(), event) is None) is (len(heard) < 2)
    office.store.close()
