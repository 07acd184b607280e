"""The inbox of webhooks and manual syncs, and how many requests ended how."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMA = "odoo_pipelines"
_WAITING = sa.text("state in ('pending', 'failed')")


def upgrade() -> None:
    """Adds both tables."""
    op.create_table(
        "webhook_event",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number; the job id of the answer"),
        _text("integration", "Name of the integration"),
        _text(
            "event_key", "id:<the sender's>, or sha256:<of the body>, or sync:<random>; the same on every redelivery"
        ),
        _text("event_type", "As sent; for manual syncs: sync"),
        _text("flow", "Flow of a manual sync; empty for events"),
        _text("entity", "Kind of the record that it names; empty: none"),
        _text("external_id", "Its id in the external system"),
        _time("occurred_at", "When it happened, as the sender says", nullable=True),
        _text("body", "As it came, JSON; may hold personal data"),
        _text("state", "pending, claimed, done, failed (tried again at due_at) or dead (it waits for a person)"),
        _text("reason", "Short and stable: why it failed, or why nothing is to be done; free of personal data"),
        _count("attempts", "Runs that have begun with it"),
        sa.Column("deliveries", sa.BigInteger, nullable=False, comment="How often it came"),
        _time("received_at", "When it came first"),
        _time("last_received_at", "When it came last"),
        _time("due_at", "From when on it may be claimed"),
        _text("claim_id", "The claim that took it last"),
        _time("lease_until", "When the claim ends by itself", nullable=True),
        _text("run_id", "Dagster run that began with it under this claim"),
        _time("begun_at", "When it did", nullable=True),
        _time("finished_at", "When it was done, or given up", nullable=True),
        sa.UniqueConstraint("integration", "event_key", name="webhook_event_key"),
        sa.CheckConstraint(
            "state in ('pending', 'claimed', 'done', 'failed', 'dead')", name="webhook_event_state_check"
        ),
        schema=SCHEMA,
        comment="Events and manual syncs that came in over HTTP, each stored once, until a run has done them",
    )
    _index("webhook_event_waiting", ["integration", "flow", "due_at", "id"], _WAITING)
    _index("webhook_event_by_record", ["integration", "entity", "external_id"], _WAITING)
    _index("webhook_event_claimed", ["claim_id"], sa.text("state = 'claimed'"))
    op.create_table(
        "webhook_count",
        _text("integration", "Name of the integration; empty where the request named none", primary_key=True),
        sa.Column("day", sa.Date, primary_key=True, nullable=False, comment="Day, UTC"),
        _text("outcome", "accepted, repeated, or why it was refused", primary_key=True),
        _count("requests", "How many"),
        schema=SCHEMA,
        comment="Outcomes of the requests that came in over HTTP",
    )


def downgrade() -> None:
    """Removes them; events that no run has done are lost."""
    op.drop_table("webhook_count", schema=SCHEMA)
    op.drop_table("webhook_event", schema=SCHEMA)


def _index(name: str, columns: list[str], condition: sa.TextClause) -> None:
    op.create_index(name, "webhook_event", columns, schema=SCHEMA, postgresql_where=condition)


def _text(name: str, comment: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False, comment=comment)


def _time(name: str, comment: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _count(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
