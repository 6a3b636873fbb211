"""Migration 4: the table of cameras' statuses."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of statuses that a reviewer's key has opened."""
    op.create_table(
        "statuses",
        sa.Column("envelope", sa.LargeBinary(32), primary_key=True),
        sa.Column("camera", sa.LargeBinary(16), nullable=False),
        sa.Column("stored_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
