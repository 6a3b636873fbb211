"""A person who can write the database hides no lost envelope behind a certificate's row."""

import time

from sqlalchemy import delete, insert, update

from estate.retention.destruction import CERTIFICATES
from estate.retention.holds import hold_event
from estate.store.acts import ACTS
from estate.store.envelopes import ENVELOPES, Store
from estate.tests.books import Office
from estate.tests.command_line import done, run
from formats.destruction import read_destruction
from formats.verdict import Judgement


def retain(office: Office) -> str:
    return run("retain", "--config", str(office.settings), *office.passphrase).output


def test_a_row_in_certificates_does_not_hide_that_an_envelope_is_gone(office: Office) -> None:
    event = office.arrive().digest
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(blob=b""))
        connection.execute(insert(CERTIFICATES).values(event=event, signed=b"{}"))
    assert "gone before its time" in retain(office)


def test_a_row_in_certificates_does_not_keep_an_event_from_being_destroyed_again(
    office: Office,
) -> None:
    event = office.arrive().digest
    done("backup", str(office.folder / "copy"), "--config", str(office.settings))
    for number in (1, 2):
        office.desk(number).judge(event, Judgement.NOT_A_MATCH)
    retain(office)
    office.store.close()
    for path in office.folder.glob("store.db*"):
        path.unlink()
    copy = Store(f"sqlite:///{office.folder / 'copy'}")
    with copy.writing() as connection:
        connection.execute(insert(CERTIFICATES).values(event=event, signed=b"{}"))
    copy.close()
    words = ("--from", str(office.folder / "copy"), "--config", str(office.settings))
    assert "1 event destroyed again" in done("restore", *words, *office.passphrase)


def test_a_held_event_whose_envelope_was_emptied_gets_no_certificate(office: Office) -> None:
    event, site = office.arrive(retain_until_utc_s=int(time.time()) - 60).digest, office.site()
    for number in (1, 2):
        office.desk(number)
        hold_event(office.store, site, event, office.verdict_key(number), "A court.", number)
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(blob=b""))
        connection.execute(delete(ACTS).where(ACTS.c.kind == "hold"))
    said = retain(office)
    assert "gone, and two people hold it" in said
    assert "0 events destroyed" in said


def test_a_certificate_names_the_camera_that_the_ledger_names(office: Office) -> None:
    sealed = office.arrive()
    for number in (1, 2):
        office.desk(number).judge(sealed.digest, Judgement.NOT_A_MATCH)
    with office.store.writing() as connection:
        connection.execute(update(ENVELOPES).values(camera=bytes(16)))
    retain(office)
    file = office.folder / "books" / "certificates" / f"{sealed.digest.hex()}.json"
    told = read_destruction(file.read_bytes(), office.ledger_key.verify_key)
    assert told.camera == sealed.header.sender
