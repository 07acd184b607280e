"""Events remember whether their signature was checked; no event happened after it had come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

SCHEMA = "odoo_pipelines"
_CAPPED = "When it happened, as the sender says, but no later than it came"
_BEFORE = "When it happened, as the sender says"


def upgrade() -> None:
    """Adds the column: of older events nobody knows, so they only say where to look."""
    comment = "Its signature was checked; without one it only says where to look"
    column = sa.Column("signed", sa.Boolean, nullable=False, server_default=sa.text("false"), comment=comment)
    op.add_column("webhook_event", column, schema=SCHEMA)
    op.execute(f"update {SCHEMA}.webhook_event set occurred_at = received_at where occurred_at > received_at")  # noqa: S608
    _comment(_CAPPED, _BEFORE)


def downgrade() -> None:
    """Removes it."""
    _comment(_BEFORE, _CAPPED)
    op.drop_column("webhook_event", "signed", schema=SCHEMA)


def _comment(text: str, before: str) -> None:
    op.alter_column("webhook_event", "occurred_at", comment=text, existing_comment=before, schema=SCHEMA)
