"""Migration 1: the table of sealed envelopes, which the oldest stores have already."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of envelopes, unless it is there."""
    op.create_table(
        "envelopes",
        sa.Column("camera", sa.LargeBinary(16), nullable=False),
        sa.Column("boot_id", sa.LargeBinary(16), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("stored_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("camera", "boot_id", "sequence", "digest"),
        if_not_exists=True,
    )
