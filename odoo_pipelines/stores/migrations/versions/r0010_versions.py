"""When a version was seen and who said it; change times that nobody can believe are healed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SCHEMA = "odoo_pipelines"
_BELIEVED = "Change time of that row in the external system, as far as it is believed"
_BEFORE = "Change time of that row in the external system"
_FROM_THE_FUTURE = {  # by column, when it came at the latest
    ("record", "updated_at"): "synced_at",
    ("conflict", "external_at"): "last_at",
    ("batch", "newest"): "created_at",
}


def upgrade() -> None:
    """Adds columns and table; a change time later than the day on which it came becomes that day."""
    comment = "When the external system showed that row, by our clock; empty: not known"
    seen_at = sa.Column("seen_at", sa.DateTime(timezone=True), comment=comment)
    comment = "That row was not the record's own, but one inside another record"
    unknown = sa.Column("inside", sa.Boolean, nullable=False, server_default=sa.text("true"), comment=comment)
    op.add_column("record", seen_at, schema=SCHEMA)
    op.add_column("record", unknown, schema=SCHEMA)  # what may have been inside is in nobody's way
    op.alter_column("record", "inside", server_default=sa.text("false"), schema=SCHEMA)
    _comment(_BELIEVED, _BEFORE)
    for (table, column), came in _FROM_THE_FUTURE.items():
        late = f"{column} > {came} + interval '5 minutes'" + (" and layer <> 'odoo'" if table == "batch" else "")
        op.execute(f"update {SCHEMA}.{table} set {column} = {came} where {late}")  # noqa: S608 - constants
    op.create_table(
        "said",
        _text("integration", "Name of the integration", primary_key=True),
        _text("holder_entity", "Kind of the record that says it, such as booking", primary_key=True),
        _text("holder", "Its id in the external system", primary_key=True),
        _text("entity", "Kind of the record inside it, such as guest", primary_key=True),
        _text("external_id", "Its id in the external system", primary_key=True),
        _text("hash", "Of the mapped row that was made of the record inside"),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            comment="Change time of the version that said so first, or when that was seen",
        ),
        sa.Column("batch_id", sa.BigInteger, nullable=False, comment="Number of the extracted batch with that version"),
        schema=SCHEMA,
        comment="What records last said of others inside them: saying it again is no news",
    )


def downgrade() -> None:
    """Removes them; healed times stay."""
    op.drop_table("said", schema=SCHEMA)
    _comment(_BEFORE, _BELIEVED)
    op.drop_column("record", "inside", schema=SCHEMA)
    op.drop_column("record", "seen_at", schema=SCHEMA)


def _comment(text: str, before: str) -> None:
    op.alter_column("record", "updated_at", comment=text, existing_comment=before, schema=SCHEMA)


def _text(name: str, comment: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False, comment=comment)
