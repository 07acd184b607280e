"""The comment of a webhook event's key says how the key of a manual sync is made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

SCHEMA = "odoo_pipelines"
_SAID = "id:<the sender's>, or sha256:<of the body>, or sync:{}; the same on every redelivery"


def upgrade() -> None:
    """Changes the comment."""
    _comment("<hash>:<random>", "<random>")


def downgrade() -> None:
    """Changes it back."""
    _comment("<random>", "<hash>:<random>")


def _comment(now: str, before: str) -> None:
    op.alter_column(
        "webhook_event",
        "event_key",
        comment=_SAID.format(now),
        existing_comment=_SAID.format(before),
        existing_type=sa.Text(),
        existing_nullable=False,
        schema=SCHEMA,
    )
