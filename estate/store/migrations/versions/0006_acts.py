"""Migration 6: reviewers' signed acts; the clock's floor is signed; deadlines are acts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table of acts. A console that opens an event again signs when it ends."""
    op.create_table(
        "acts",
        sa.Column("event", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reviewer", sa.LargeBinary(16), nullable=False),
        sa.Column("signed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("event", "kind", "reviewer"),
    )
    op.add_column("clock", sa.Column("signature", sa.LargeBinary))
    op.drop_table("deadlines")
