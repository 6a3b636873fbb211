"""Migration 7: the table of events that are sealed to others than the reviewers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table of misaddressed events."""
    op.create_table(
        "misaddressed",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("found_utc_ms", sa.BigInteger, nullable=False),
    )
