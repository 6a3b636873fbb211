"""Migration 3: ledger, verdicts, decisions, lists, deadlines, holds, certificates, clock."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; the cameras' ledgers have one, too."""
    op.create_index("envelopes_by_name", "envelopes", ["digest"])
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_head",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "lists",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("met_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("casefile", sa.LargeBinary, nullable=False),
        sa.Column("policy", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "verdicts",
        sa.Column("event", sa.LargeBinary(32), nullable=False),
        sa.Column("reviewer", sa.LargeBinary(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(128), nullable=False),
        sa.Column("judgement", sa.String(16), nullable=False),
        sa.Column("signed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("event", "reviewer"),
        sa.UniqueConstraint("event", "name"),
    )
    op.create_table(
        "decisions",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("decided_utc_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deadlines",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("retain_until_utc_s", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("first", sa.LargeBinary, nullable=False),
        sa.Column("second", sa.LargeBinary),
        sa.Column("reason", sa.String(500), nullable=False),
    )
    op.create_table(
        "certificates",
        sa.Column("event", sa.LargeBinary(32), primary_key=True),
        sa.Column("signed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "clock",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("floor_utc_s", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "camera_lines",
        sa.Column("origin", sa.String(128), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
    )
