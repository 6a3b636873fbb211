"""Brings a store of any age to the newest form, in one transaction or not at all.

`versions/` holds one step each; a step that has been released is never changed again. A store that
was made before there were steps has the table of envelopes and no version: the first step bears it.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

LOCK: Final = 0x7A11
"""PostgreSQL's name for the lock under which one program at a time brings a store up to date."""
NEWEST: Final = "0004"
"""The step that this program works with; a test compares it with the folder."""


def migrate(engine: Engine) -> None:
    """Bring the store to `NEWEST`; do nothing if it is there.

    Raises:
        SQLAlchemyError: it cannot be read or written.
    """
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == NEWEST:
            return
    steps = Config()
    steps.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        # Receivers may start at the same moment: one at a time, and the next finds it done.
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        steps.attributes["connection"] = connection
        command.upgrade(steps, NEWEST)
