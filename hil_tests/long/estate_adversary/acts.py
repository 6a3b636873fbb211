"""Stands in for a person who can write the estate's database: random acts on every table.

The attacker keeps each state that it saw. So it puts old rows, tables and signed acts back. It
knows every format and no private key of the site; `forgeries` has what it makes with keys of its
own and with the ledger, which has no signature between two checkpoints.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from numpy.random import Generator
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from formats.errors import Refused
from hil_tests.long.estate_adversary.forgeries import OF_ROWS, OF_THE_LEDGER, Forgery
from hil_tests.long.estate_adversary.tables import (
    Dump,
    Row,
    Value,
    Values,
    add,
    empty,
    erase,
    pick,
    put_back,
    read_dump,
    rows,
    tables,
    write,
)

NUMBERS: Final = (0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63))
YEAR_MS: Final = 365 * 86_400_000
STRANGE: Final[tuple[Value, ...]] = (None, "words", "", b"\0bytes", b"", 7, 10**12, -1)


@dataclass(slots=True)
class DatabaseAttacker:
    """One run of the attacker."""

    dice: Generator
    seen: list[Dump] = field(default_factory=list)
    """Each state of the database that it saw, oldest first."""
    spares_ledger: bool = False
    """A changed ledger stops retention at once: without it the attacker gets further."""

    def look(self, engine: Engine) -> Dump:
        """Keep a copy of everything; return it."""
        with engine.connect() as connection:
            self.seen.append(read_dump(connection))
        return self.seen[-1]

    def _names(self, connection: Connection) -> list[str]:
        spared = {"ledger", "ledger_head"} if self.spares_ledger else set[str]()
        return [table for table in tables(connection) if table not in spared]

    def strike(self, engine: Engine, only: str = "") -> str:
        """Do one act; return a line that says which, and whether the database let it."""
        acts = self.acts()
        name = only or pick(self.dice, acts)
        try:
            with engine.begin() as connection:
                acts[name](connection)
        except LookupError:
            return f"{name}\tnothing there"
        except (SQLAlchemyError, OverflowError, ValueError, Refused):
            return f"{name}\tin vain"
        return f"{name}\tdone"

    def acts(self) -> Mapping[str, Callable[[Connection], None]]:
        """Return all acts by name."""
        forgeries = {**OF_ROWS} if self.spares_ledger else {**OF_ROWS, **OF_THE_LEDGER}
        return {
            "value changed": self.change,
            "value of another row": self.copy_value,
            "value of another table": self.graft,
            "one value of two rows swapped": self.swap_value,
            "two rows swapped but for one value": self.swap_rows,
            "value of another kind": self.retype,
            "row deleted": lambda connection: erase(connection, self._cell(connection)[0]),
            "table emptied": lambda connection: empty(connection, self._table(connection)),
            "row made of pieces": self.insert,
            "older row put back": self.add_older,
            "older row over a newer": self.replace,
            "table rolled back": self.roll_back,
            "database rolled back": self.roll_all_back,
        } | {name: partial(_forge, forge, self.dice) for name, forge in forgeries.items()}

    def change(self, connection: Connection) -> None:
        """Change one value: a bit, a member of a signed text, a number, a name."""
        row, column = self._cell(connection)
        write(connection, row, {column: self._changed(row.values[column])})

    def copy_value(self, connection: Connection) -> None:
        """Give a row the value of another row."""
        row, column = self._cell(connection)
        write(connection, row, {column: self._other(connection, row).values[column]})

    def graft(self, connection: Connection) -> None:
        """Give a row a value that stands in another table, or stood there."""
        row, column = self._cell(connection)
        write(connection, row, {column: self._piece(row.values[column])})

    def swap_value(self, connection: Connection) -> None:
        """Swap one value of two rows, as the envelopes of two events."""
        row, column = self._cell(connection)
        self._swap(connection, row, self._other(connection, row), {column})

    def swap_rows(self, connection: Connection) -> None:
        """Swap all values of two rows but one."""
        row, column = self._cell(connection)
        self._swap(connection, row, self._other(connection, row), set(row.values) - {column})

    def retype(self, connection: Connection) -> None:
        """Put a value of another kind there: SQLite takes it."""
        row, column = self._cell(connection)
        write(connection, row, {column: pick(self.dice, STRANGE)})

    def insert(self, connection: Connection) -> None:
        """Insert a row like another, with pieces of others in it."""
        row, _ = self._cell(connection)
        made = {
            column: self._piece(value) if self.dice.random() < 0.4 else value
            for column, value in row.values.items()
        }
        add(connection, row.table, made)

    def add_older(self, connection: Connection) -> None:
        """Insert a row that was there before, as a signed act that counts no more."""
        table, values = self._older(connection)
        add(connection, table, values)

    def replace(self, connection: Connection) -> None:
        """Write an older row over one of now."""
        table, values = self._older(connection)
        write(connection, pick(self.dice, rows(connection, table)), values)

    def roll_back(self, connection: Connection) -> None:
        """Put one table back as it was."""
        dump = pick(self.dice, self.seen)
        table = self._table(connection)
        put_back(connection, {table: dump[table]})

    def roll_all_back(self, connection: Connection) -> None:
        """Put all tables back as they were."""
        dump = pick(self.dice, self.seen)
        put_back(connection, {table: dump[table] for table in self._names(connection)})

    def _table(self, connection: Connection) -> str:
        return pick(self.dice, self._names(connection))

    def _cell(self, connection: Connection) -> tuple[Row, str]:
        content = {table: rows(connection, table) for table in self._names(connection)}
        table = pick(self.dice, [table for table, found in content.items() if found])
        row = pick(self.dice, content[table])
        return row, pick(self.dice, row.values)

    def _other(self, connection: Connection, row: Row) -> Row:
        return pick(self.dice, [each for each in rows(connection, row.table) if each.at != row.at])

    def _older(self, connection: Connection) -> tuple[str, Values]:
        dump = pick(self.dice, self.seen)
        names = self._names(connection)
        table = pick(self.dice, [table for table in names if dump[table]])
        return table, pick(self.dice, dump[table])

    def _piece(self, like: Value) -> Value:
        """Return a value of the same kind, and for bytes of the same length if there is one."""
        dump = pick(self.dice, self.seen)
        found = [
            value
            for content in dump.values()
            for values in content
            for value in values.values()
            if type(value) is type(like)
        ]
        if isinstance(like, bytes):
            same = [each for each in found if isinstance(each, bytes) and len(each) == len(like)]
            found = list(same) or found
        return pick(self.dice, found)

    def _swap(self, connection: Connection, row: Row, other: Row, columns: set[str]) -> None:
        """Swap values by way of a deletion, because of unique columns."""
        mine = {column: other.values[column] for column in columns}
        theirs = {column: row.values[column] for column in columns}
        erase(connection, other)
        write(connection, row, mine)
        add(connection, other.table, {**other.values, **theirs})

    def _changed(self, value: Value) -> Value:
        match value:
            case int():
                return pick(
                    self.dice, (*NUMBERS, value + 1, value - YEAR_MS, value + 100 * YEAR_MS)
                )
            case str():
                return pick(self.dice, ("", "x" * 64, value[::-1], value.upper(), value + "\0"))
            case bytes():
                return self._changed_bytes(value)
            case _:
                return pick(self.dice, NUMBERS)

    def _changed_bytes(self, value: bytes) -> bytes:
        if value[:1] == b"{" and self.dice.random() < 0.7:
            members = json.loads(value)
            name = pick(self.dice, members)
            members[name] = pick(self.dice, (*members.values(), *NUMBERS, "", None, [], "match"))
            return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
        if not value or self.dice.random() < 0.3:
            return pick(self.dice, (b"", bytes(len(value)), self.dice.bytes(len(value) or 1)))
        at = int(self.dice.integers(len(value)))
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def _forge(forgery: Forgery, dice: Generator, connection: Connection) -> None:
    forgery(connection, dice)
