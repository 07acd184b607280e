"""Batches of single records say which these are, so that they can be asked for again if the file is lost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"

SCHEMA = "odoo_pipelines"


def upgrade() -> None:
    """Adds the column; of batches of before nobody knows."""
    comment = "Kind and id of the records of a replay, or fetched one by one: asked for again if the file is lost"
    records = sa.Column("records", JSONB, nullable=False, server_default=sa.text("'[]'"), comment=comment)
    op.add_column("batch", records, schema=SCHEMA)


def downgrade() -> None:
    """Removes it."""
    op.drop_column("batch", "records", schema=SCHEMA)
