"""Database migrations (Alembic): bring a store of any version to the newest, in one transaction.

`versions/` holds one file for each migration. A released migration is not changed again. A store
from before the first migration has the table of envelopes and no version; the first migration
accepts it.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

LOCK: Final = 0x7A11
"""Number of PostgreSQL's advisory lock: one program at a time migrates a store."""
NEWEST: Final = "0008"
"""The migration that this program needs; a test compares it with the folder."""


def migrate(engine: Engine) -> None:
    """Migrate the store to `NEWEST`; do nothing if it is there already.

    Raises:
        SQLAlchemyError: it cannot be read or written.
    """
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == NEWEST:
            return
    steps = Config()
    steps.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        # Receivers may start at the same moment: the first migrates, the next finds it done.
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        steps.attributes["connection"] = connection
        command.upgrade(steps, NEWEST)
