"""Destruction step by step: zeros, then nothing; a certificate only over a clean database."""

from pathlib import Path

import pytest
from sqlalchemy import event as events
from sqlalchemy import func, select

from estate.errors import StoreRefused
from estate.retention.destruction import DueEvent, destroy
from estate.store.envelopes import Store
from estate.tests.books import Office
from estate.verdicts.decisions import VERDICTS
from formats.destruction import Ground
from formats.envelope import Sealed
from formats.verdict import Judgement


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


class BusyStore(Store):
    """A store whose files another program holds, so that they cannot be cleaned."""

    def scrub(self) -> None:
        raise StoreRefused("The store cannot be cleaned.")


def destroyed(office: Office, sealed: Sealed, store: Store) -> list[bytes]:
    due = DueEvent(sealed.digest, sealed.header.sender, Ground.RETENTION)
    return destroy(store, [due], office.ledger_key, office.folder / "certificates")


def test_an_event_is_overwritten_with_zeros_before_its_row_is_emptied(office: Office) -> None:
    sealed, written = office.arrive(), []

    @events.listens_for(office.store.engine, "before_cursor_execute")
    def note(
        _a: object, _b: object, statement: str, values: tuple[bytes, ...], *_c: object
    ) -> None:
        if statement.startswith("UPDATE envelopes SET blob"):
            written.append(bytes(values[0]))

    destroyed(office, sealed, office.store)
    assert written == [bytes(len(sealed.blob)), b""]


def test_no_certificate_is_signed_before_the_database_is_clean(office: Office) -> None:
    sealed = office.arrive()
    with pytest.raises(StoreRefused):
        destroyed(office, sealed, BusyStore(office.url))
    assert not (office.folder / "certificates").exists()


def test_verdicts_go_with_their_event(office: Office) -> None:
    sealed = office.arrive()
    office.desk(1).judge(sealed.digest, Judgement.NOT_A_MATCH)
    destroyed(office, sealed, office.store)
    with office.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(VERDICTS)).scalar() == 0
