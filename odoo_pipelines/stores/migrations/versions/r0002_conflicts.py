"""Conflicts; what a run wrote; when a dead letter is tried again; which batches were begun; which records vanished."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

SCHEMA = "odoo_pipelines"
_USE = "Which consumer has done which batch; a batch without {} here is still to be done"


def upgrade() -> None:
    """Adds the table and the columns."""
    _create_conflict()
    changes = sa.Column("changes", JSONB, nullable=False, server_default="[]")
    op.add_column("outcome", changes, schema=SCHEMA)
    op.alter_column(
        "outcome",
        "changes",
        server_default=None,
        comment="Values that were written: field, before, after, policy",
        schema=SCHEMA,
    )
    next_try = _time("next_try", "When it is tried again by itself; empty: it waits for a person", nullable=True)
    op.add_column("dead_letter", next_try, schema=SCHEMA)
    vanished_at = "When a full sync did not find it in the external system any more"
    op.add_column("record", _time("vanished_at", vanished_at, nullable=True), schema=SCHEMA)
    op.add_column("batch_use", _now("started_at", "When the consumer began with it"), schema=SCHEMA)
    op.alter_column(
        "batch_use",
        "done_at",
        nullable=True,
        server_default=None,
        comment="When it was done; empty while it is being done, or after a crash",
        schema=SCHEMA,
    )
    op.create_table_comment("batch_use", _USE.format("a time of being done"), schema=SCHEMA)


def downgrade() -> None:
    """Removes them; what was begun counts as not done."""
    op.execute("delete from odoo_pipelines.batch_use where done_at is null")
    op.create_table_comment("batch_use", _USE.format("its row"), schema=SCHEMA)
    op.alter_column(
        "batch_use",
        "done_at",
        nullable=False,
        server_default=sa.text("now()"),
        comment="When it was done",
        schema=SCHEMA,
    )
    op.drop_column("batch_use", "started_at", schema=SCHEMA)
    op.drop_column("record", "vanished_at", schema=SCHEMA)
    op.drop_column("dead_letter", "next_try", schema=SCHEMA)
    op.drop_column("outcome", "changes", schema=SCHEMA)
    op.drop_table("conflict", schema=SCHEMA)


def _create_conflict() -> None:
    op.create_table(
        "conflict",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, as the command line takes it"),
        _text("integration", "Name of the integration"),
        _text("flow", "Name of the flow"),
        _text("entity", "Kind of external record"),
        _text("external_id", "Its id in the external system"),
        _text("field", "Field of Odoo; * where it is about the record itself"),
        _text("code", "both_changed, or why the record cannot be written"),
        _text("reason", "The whole sentence; may hold personal data"),
        sa.Column("base", JSONB, comment="Value on which both sides last agreed"),
        sa.Column("external", JSONB, comment="Value of the external system"),
        sa.Column("odoo", JSONB, comment="Value of Odoo"),
        _time("external_at", "Change time of the external row", nullable=True),
        _text("odoo_at", "write_date of the Odoo record, as Odoo prints it"),
        _text("state", "open, resolved (the next run applies it), applied or closed (it went away)"),
        sa.Column("choice", sa.Text, comment="The answer: external, odoo, value or retry"),
        sa.Column("value", JSONB, comment="The value chosen, where the choice is value"),
        sa.Column("stale", sa.Boolean, nullable=False, comment="It was answered before, and then a side moved"),
        _text("run_id", "Dagster run that met it last"),
        _now("first_at", "When it was met first"),
        _now("last_at", "When it was met last"),
        _time("resolved_at", "When it was answered", nullable=True),
        sa.CheckConstraint("state in ('open', 'resolved', 'applied', 'closed')", name="conflict_state_check"),
        sa.CheckConstraint("choice in ('external', 'odoo', 'value', 'retry')", name="conflict_choice_check"),
        schema=SCHEMA,
        comment="Questions that only a human can answer, and the answers",
    )
    op.create_index(
        "conflict_waiting_key",
        "conflict",
        ["integration", "flow", "entity", "external_id", "field"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state in ('open', 'resolved')"),
    )
    op.create_index("conflict_by_record", "conflict", ["integration", "entity", "external_id"], schema=SCHEMA)


def _text(name: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, comment=comment)


def _time(name: str, comment: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _now(name: str, comment: str) -> sa.Column[datetime]:
    default = sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=default, comment=comment)
