"""SQLite keeps values of any kind in any column; one of the wrong kind is a changed row."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Integer,
    func,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.types import NullType

from estate.console.desk import Desk
from estate.monitoring.health import read_health
from estate.retention.destruction import due_events, trusted_now
from estate.signed_site import VerifiedSite
from estate.store.envelopes import Store
from estate.store.ledger import METADATA, checkpointed_records
from estate.tests.books import Office
from estate.tests.command_line import done
from formats.errors import Refused
from formats.verdict import Judgement


def test_a_value_of_the_wrong_kind_is_read_as_what_no_signature_holds_for(office: Office) -> None:
    office.arrive()
    with office.store.writing() as connection:
        strange = "UPDATE envelopes SET blob = 'words', camera = 7, stored_utc_ms = x'00'"
        connection.execute(text(strange))
    store = Store(office.url)
    assert list(store.envelopes()) == []
    store.close()


def test_each_program_goes_on_or_refuses_beside_values_of_the_wrong_kind(office: Office) -> None:
    gone, kept = office.arrive(1).digest, office.arrive(2).digest
    for number in (1, 2):
        office.desk(number).judge(gone, Judgement.CANNOT_TELL)
    done("retain", "--config", str(office.settings), *office.passphrase)
    office.desk(1).judge(kept, Judgement.MATCH)
    site = office.site()
    for column in _columns():
        for strange in ("'words'", "7"):
            with suppress(Refused), _spoiled(office, column, strange):
                _ask(office, site)
    done("retain", "--config", str(office.settings), *office.passphrase)


def _ask(office: Office, site: VerifiedSite) -> None:
    """Ask what retention, the health view and a reviewer's console ask."""
    key = office.ledger_key
    read_health(office.store, site, [], datetime.now(UTC))
    with office.store.reading() as connection:
        records = checkpointed_records(connection, office.folder / "books", key.verify_key)
        now_s = trusted_now(connection, int(time.time()), key)
        due_events(connection, site, records, now_s, 30)
    Desk(office.store, lambda: site, office.opening(1), office.verdict_key(1)).refresh()


def _columns() -> list[Column[object]]:
    """Return each column of each table, but for SQLite's own numbers of rows."""
    columns = [column for table in METADATA.sorted_tables for column in table.c]
    return [each for each in columns if not (each.primary_key and isinstance(each.type, Integer))]


@contextmanager
def _spoiled(office: Office, column: Column[object], strange: str) -> Iterator[None]:
    """Put a strange value into the first row of a table, and put the right one back."""
    first = select(func.min(literal_column("rowid"))).select_from(column.table).scalar_subquery()
    change = update(column.table).where(literal_column("rowid") == first)
    with office.store.writing() as connection:
        raw = select(type_coerce(column, NullType())).limit(1).order_by(literal_column("rowid"))
        before = connection.execute(raw).scalar()
        connection.execute(change.values({column: literal_column(strange)}))
    try:
        yield
    finally:
        with office.store.writing() as connection:
            again = change.prefix_with("OR REPLACE")  # A console may have signed the act anew.
            connection.execute(again.values({column: literal(before, NullType())}))
