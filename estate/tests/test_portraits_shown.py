"""A verdict names the enrolment picture that was shown; two people confirm on one picture."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from estate.accounts import verify
from estate.accounts.books import export_books, write_checkpoint
from estate.errors import NotConfirmed
from estate.tests.books import STRANGER, Office, jpeg
from estate.tests.browser import Console
from estate.tests.console_client import ask, cookie_of, opened
from estate.tests.handed_over import appended, bodies, verdict_body
from estate.verdicts.decisions import Outcome, accept_verdict, outcome_of, prove_confirmed
from firmware.tests import desk as authority
from formats.envelope import sender_id
from formats.ledger import Happening
from formats.portrait import seal_portrait
from formats.verdict import (
    NO_PORTRAIT,
    Basis,
    Judgement,
    Verdict,
    portrait_digest,
    read_verdict,
    sign_verdict,
)

MATCH, NOT = Judgement.MATCH, Judgement.NOT_A_MATCH
ONE, OTHER = b"\x01" * 32, b"\x02" * 32


def judged(office: Office, event: bytes, *portraits: bytes | None) -> Outcome | None:
    """Let the reviewers say match one after another, each of the portrait that was shown."""
    outcome = None
    for number, portrait in enumerate(portraits, 1):
        key, basis = office.verdict_key(number), Basis.of(office.candidate())
        mine = Verdict(event, MATCH, sender_id(key.verify_key), number, basis, portrait)
        outcome = accept_verdict(office.store, office.site(), sign_verdict(mine, key))
    return outcome


@pytest.mark.parametrize("portrait", [ONE, NO_PORTRAIT, None])
def test_two_people_confirm_on_one_portrait_or_on_none(
    office: Office, portrait: bytes | None
) -> None:
    assert judged(office, office.arrive().digest, portrait, portrait) is Outcome.CONFIRMED


@pytest.mark.parametrize("portraits", [(None, ONE), (ONE, None), (None, NO_PORTRAIT)])
def test_a_verdict_of_an_earlier_version_agrees_with_any_portrait(
    office: Office, portraits: tuple[bytes | None, ...]
) -> None:
    assert judged(office, office.arrive().digest, *portraits) is Outcome.CONFIRMED


@pytest.mark.parametrize("portraits", [(ONE, OTHER), (ONE, NO_PORTRAIT), (NO_PORTRAIT, ONE)])
def test_two_people_who_were_shown_different_portraits_confirm_nothing(
    office: Office, portraits: tuple[bytes, ...]
) -> None:
    event = office.arrive().digest
    assert judged(office, event, *portraits) is None
    with office.store.reading() as connection:
        assert outcome_of(connection, office.site(), event) is None
        with pytest.raises(NotConfirmed, match="shown different enrolment pictures"):
            prove_confirmed(connection, office.site(), event)


def test_a_third_person_decides_what_two_saw_beside_different_portraits(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "council"))
    event = office.arrive().digest
    assert judged(office, event, ONE, OTHER) is None
    waiting = office.desk(3).standing(event)
    assert waiting is not None
    assert (waiting.mine, waiting.others_turn) == (None, False)
    assert office.desk(3).judge(event, MATCH, ONE) is Outcome.CONFIRMED
    with office.store.reading() as connection:
        proof = prove_confirmed(connection, office.site(), event)
    portraits = [
        read_verdict(data, office.verdict_key(number).verify_key).portrait
        for number, data in zip((1, 3), proof.signed, strict=True)
    ]
    assert portraits == [ONE, ONE]
    assert refusal(handed(office)) == ""
    office.store.close()


@pytest.mark.parametrize(("portrait", "outcome"), [(ONE, None), (OTHER, Outcome.CONFIRMED)])
def test_where_two_organisations_must_agree_they_must_agree_on_one_portrait(
    tmp_path: Path, portrait: bytes, outcome: Outcome | None
) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "police"), two_organisations=True)
    event = office.arrive().digest
    assert judged(office, event, ONE, OTHER) is None
    assert office.desk(3).judge(event, MATCH, portrait) is outcome
    assert refusal(handed(office)) == ""
    office.store.close()


def test_no_match_is_decided_whatever_was_shown(office: Office) -> None:
    event = office.arrive().digest
    assert office.desk(1).judge(event, MATCH, ONE) is None
    assert office.desk(2).judge(event, NOT, OTHER) is Outcome.NOT_A_MATCH


# --- The outsiders' verifier ---


def handed(office: Office) -> Path:
    """Export the books of an office; return the folder."""
    write_checkpoint(office.store, office.ledger_key, office.folder / "books")
    to = office.folder / "handed"
    export_books(office.store, office.site(), office.folder / "books", to)
    return to


def refusal(folder: Path) -> str:
    """Return the sentence with which the books are refused; empty if they hold."""
    try:
        verify.verify_books(folder, None)
    except verify.NotAsExported as error:
        return str(error)
    return ""


def test_an_outsider_refuses_a_match_confirmed_on_different_portraits(office: Office) -> None:
    event = office.arrive().digest
    judged(office, event, ONE, OTHER)
    ledger = handed(office) / "estate.jsonl"
    assert refusal(ledger.parent) == ""
    decision = {"envelope": event.hex(), "outcome": "confirmed"}
    number = appended(ledger, Happening.DECISION, decision)
    expected = f"record {number}: the reviewers were shown different portraits"
    assert expected in refusal(ledger.parent)


def test_an_outsider_is_told_which_portrait_each_reviewer_was_shown(office: Office) -> None:
    event = office.arrive().digest
    judged(office, event, ONE, ONE)
    _, events, _ = verify.verify_books(handed(office), None)
    (told,) = verify.histories(events.found, {})
    assert [each["portrait_digest"] for each in told["verified_by"]] == [ONE.hex()] * 2


def test_a_portrait_that_the_reviewer_did_not_sign_is_named(office: Office) -> None:
    event = office.arrive().digest
    judged(office, event, ONE)
    ledger = handed(office) / "estate.jsonl"
    (like,) = bodies(ledger, Happening.VERDICT)
    body = verdict_body(like, office.verdict_key(2), "estate") | {"portrait_digest": OTHER.hex()}
    number = appended(ledger, Happening.VERDICT, body)
    assert f"record {number}: its signature does not hold" in refusal(ledger.parent)


def test_a_decision_without_a_reviewer_who_was_removed_holds_for_an_outsider(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "council"))
    event = office.arrive().digest
    office.desk(2).judge(event, NOT)
    office.site_version, office.removed = 2, (2,)
    office.publish(version=2)
    office.desk(1).judge(event, MATCH)
    assert office.desk(3).judge(event, MATCH) is Outcome.CONFIRMED
    assert refusal(handed(office)) == ""
    office.store.close()


# --- The console ---


def keep_portrait(office: Office, picture: bytes) -> None:
    handle, folder = office.entries[0].handle, office.folder / "books" / "portraits"
    readers = [office.opening(1).public_key, STRANGER.public_key]
    sealed = seal_portrait(picture, handle, sealer=authority.SEALERS["police"], reviewers=readers)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{handle.hex()}.sealed").write_bytes(sealed.blob)


def test_the_console_signs_the_portrait_that_it_showed_and_no_other(
    office: Office, consoles: list[Console]
) -> None:
    keep_portrait(office, jpeg(90))
    event = office.arrive(entry=office.entries[0].handle).digest
    console, cookie = consoles[0], cookie_of(consoles[0])
    opened(console, cookie, event)
    candidate = office.desk(1).standing(event)
    assert candidate is not None
    old, new = (portrait_digest(candidate.candidate, jpeg(each)).hex() for each in (90, 200))

    def sign(portrait: str) -> str:
        form = urlencode({"judgement": "match", "portrait": portrait})
        words = {"Cookie": cookie, "Origin": console.origin}
        return ask(console, f"/verdict/{event.hex()}", "POST", form, **words)[1]

    def show(portrait: str) -> int:
        return ask(console, f"/portrait/{event.hex()}?{portrait}", Cookie=cookie)[0]

    page = ask(console, f"/candidate/{event.hex()}", Cookie=cookie)[1]
    assert f"/portrait/{event.hex()}?{old}" in page
    for unseen in (old, "none", "", new):
        assert "was not shown, or has changed" in sign(unseen)
    keep_portrait(office, jpeg(200))
    assert (show(old), show(new)) == (404, 200)
    assert "was not shown, or has changed" in sign(old)
    assert "You said" in sign(new)
    ledger = handed(office) / "estate.jsonl"
    (given,) = bodies(ledger, Happening.VERDICT)
    assert given["portrait_digest"] == new
