"""Migration 8: small tables of what was shown and what came again, and indexes by digest and time.

The columns `shown_utc_ms` and `copies` of `envelopes` are no longer read or written. They stay: to
drop them, SQLite would write every envelope anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, fill them from the old columns, and make the indexes."""
    op.create_table("unshown", sa.Column("event", sa.LargeBinary(32), primary_key=True))
    op.create_table(
        "copies",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("camera", sa.LargeBinary(16), nullable=False),
        sa.Column("again", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO unshown SELECT DISTINCT digest FROM envelopes WHERE shown_utc_ms IS NULL"
    )
    op.execute(
        "INSERT INTO copies SELECT digest, camera, max(copies) - 1 FROM envelopes "
        "WHERE copies > 1 GROUP BY digest, camera"
    )
    op.create_index("envelopes_by_event", "envelopes", ["digest"])
    op.create_index("envelopes_by_time", "envelopes", ["stored_utc_ms"])
    kept = sa.text("length(blob) > 0")
    op.create_index(
        "envelopes_kept",
        "envelopes",
        ["stored_utc_ms", "digest"],
        sqlite_where=kept,
        postgresql_where=kept,
    )
