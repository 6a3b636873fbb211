"""Migration 2: for each envelope its place in the chain, its copies, and whether it was shown."""

import sqlalchemy as sa
from alembic import op

from formats.envelope import Kind, read

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, unless an old store has them already."""
    connection = op.get_bind()
    if "previous" not in {each["name"] for each in sa.inspect(connection).get_columns("envelopes")}:
        op.add_column("envelopes", sa.Column("previous", sa.LargeBinary(32)))
        op.add_column("envelopes", sa.Column("copies", sa.Integer, server_default="1"))
        op.add_column("envelopes", sa.Column("shown_utc_ms", sa.BigInteger))
        _fill(connection)
    for name, columns in (
        ("envelopes_by_digest", ["camera", "digest"]),
        ("envelopes_by_previous", ["camera", "previous"]),
    ):
        op.create_index(name, "envelopes", columns, if_not_exists=True)


def _fill(connection: sa.Connection) -> None:
    envelopes = sa.Table("envelopes", sa.MetaData(), autoload_with=connection)
    for digest, blob in connection.execute(sa.select(envelopes.c.digest, envelopes.c.blob)).all():
        if blob:
            header = read(Kind.EVENT, bytes(blob)).header
            here = envelopes.update().where(envelopes.c.digest == digest)
            connection.execute(here.values(previous=header.previous))
