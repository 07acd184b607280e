"""Notes of possible duplicates; answers to the question which record of Odoo it is."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = "odoo_pipelines"
_BEFORE = ("external", "odoo", "value", "retry")


def upgrade() -> None:
    """Adds the table and the answers."""
    op.create_table(
        "possible_duplicate",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, as the command line takes it"),
        _text("integration", "Name of the integration"),
        _text("flow", "Name of the flow"),
        _text("entity", "Kind of external record"),
        _text("external_id", "Its id in the external system"),
        _text("model", "Odoo model"),
        sa.Column("odoo_id", sa.BigInteger, nullable=False, comment="Database id of its Odoo record"),
        sa.Column("candidate_id", sa.BigInteger, nullable=False, comment="Database id of the one that may be the same"),
        _text("code", "Why that one was not adopted"),
        _text("run_id", "Dagster run that met it last"),
        _now("first_at", "When it was met first"),
        _now("last_at", "When it was met last"),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), comment="When a person said that they are not the same"),
        sa.UniqueConstraint("integration", "entity", "external_id", "candidate_id", name="possible_duplicate_key"),
        schema=SCHEMA,
        comment="Pairs of Odoo records that may be the same, for a person to look at",
    )
    _set_choices((*_BEFORE, "adopt", "new"))
    _comment("choice", "The answer: external, odoo, value, retry, adopt or new")
    _comment("value", "The value chosen, where the choice is value; where it is adopt, the record's id")


def downgrade() -> None:
    """Removes them; conflicts that were answered so are open again."""
    op.execute(
        "update odoo_pipelines.conflict set choice = null, value = null, resolved_at = null, "
        "state = case state when 'resolved' then 'open' else state end where choice in ('adopt', 'new')"
    )
    _set_choices(_BEFORE)
    _comment("choice", "The answer: external, odoo, value or retry")
    _comment("value", "The value chosen, where the choice is value")
    op.drop_table("possible_duplicate", schema=SCHEMA)


def _set_choices(choices: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{each}'" for each in choices)
    op.drop_constraint("conflict_choice_check", "conflict", schema=SCHEMA)
    op.create_check_constraint("conflict_choice_check", "conflict", f"choice in ({listed})", schema=SCHEMA)


def _comment(column: str, comment: str) -> None:
    op.alter_column("conflict", column, comment=comment, schema=SCHEMA)


def _text(name: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, comment=comment)


def _now(name: str, comment: str) -> sa.Column[datetime]:
    default = sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=default, comment=comment)
