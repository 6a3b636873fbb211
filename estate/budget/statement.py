"""The signed budget statement: stops a camera that broke its false-alarm budget.

The estate signs the statement as a delegated TUF role. The list authority publishes it with the
next freshness and signs nothing of it. With this role the estate can stop a camera, and can do
nothing else.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey
from sqlalchemy import Connection
from tuf.api.metadata import (  # type: ignore[attr-defined]  # It re-exports without saying so.
    Metadata,
    TargetFile,
    Targets,
)

from estate.budget.false_alarms import FalseAlarmCount
from estate.store.ledger import append_record
from formats.budget import BudgetStatement, CameraBudget, write_statement
from formats.ledger import Happening
from formats.site_keys import SiteSigner
from formats.site_tuf import budget_name, estate_role
from formats.whole_file import write_whole

LIFE: Final = timedelta(days=365)
"""A statement is valid until the next one, and for a year at most."""


def record_states(
    connection: Connection, accounts: Sequence[FalseAlarmCount], site: str
) -> BudgetStatement:
    """Return the statement about all cameras; write one record to the ledger for each."""
    for each in accounts:
        body: dict[str, int | str] = {
            "camera": each.camera.hex(),
            "state": str(each.state),
            "false_alarms": each.false_alarms,
            "searched": each.searched,
            "fpir_ppm": each.fpir_ppm,
        }
        append_record(connection, Happening.BUDGET, body)
    cameras = tuple(
        CameraBudget(each.camera, each.state, each.false_alarms, each.searched) for each in accounts
    )
    return BudgetStatement(site, int(time.time()), cameras)


def sign_statement(
    statement: BudgetStatement, version: int, key: SigningKey, now: datetime
) -> bytes:
    """Return the signed TUF metadata of the statement for the site's repository."""
    name = budget_name(statement.site)
    target = TargetFile.from_data(name, write_statement(statement), ["sha256"])
    expires = (now + LIFE).replace(microsecond=0)
    role = Metadata(Targets(version, None, expires, {name: target}))
    role.sign(SiteSigner(key))
    return role.to_bytes()


def write_statement_files(folder: Path, statement: BudgetStatement, key: SigningKey) -> list[Path]:
    """Write the statement and its TUF metadata for the list authority; return both files."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    role = folder / f"{estate_role(statement.site)}.json"
    last = Metadata[Targets].from_bytes(role.read_bytes()).signed.version if role.exists() else 0
    signed = sign_statement(statement, last + 1, key, datetime.now(UTC))
    files = {folder / budget_name(statement.site): write_statement(statement), role: signed}
    for path, content in files.items():
        write_whole(path, content)
    return list(files)
