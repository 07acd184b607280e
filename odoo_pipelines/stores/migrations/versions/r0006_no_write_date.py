"""Odoo's write_date of a record was kept, and nothing ever asked for it; to read it cost a request for every chunk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SCHEMA = "odoo_pipelines"


def upgrade() -> None:
    """Removes the column."""
    op.drop_column("record", "write_date", schema=SCHEMA)


def downgrade() -> None:
    """Brings it back, empty."""
    comment = "Of the Odoo record when they agreed, as Odoo prints it; empty if it was not read"
    column = sa.Column("write_date", sa.Text, nullable=False, server_default="", comment=comment)
    op.add_column("record", column, schema=SCHEMA)
    op.alter_column("record", "write_date", server_default=None, schema=SCHEMA)
