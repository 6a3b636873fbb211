"""Migration 5: the table of the site's signed roots, targets roles, policies and recipients."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of files that prove the policy and the recipients."""
    op.create_table(
        "site_files",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
