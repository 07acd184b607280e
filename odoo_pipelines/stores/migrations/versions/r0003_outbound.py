"""Batches that were read out of Odoo; which records of Odoo are posted to the external system."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SCHEMA = "odoo_pipelines"
_LAYERS = "external: as extracted; mapped: as Odoo should have it"


def upgrade() -> None:
    """Widens the layers and adds the table."""
    _set_layers("'external', 'mapped', 'odoo'", f"{_LAYERS}; odoo: as read out of Odoo")
    op.create_table(
        "posting",
        _text("integration", "Name of the integration", primary_key=True),
        _text("flow", "Name of the flow", primary_key=True),
        sa.Column("odoo_id", sa.BigInteger, primary_key=True, comment="Database id of the Odoo record"),
        _text("key", "By which the external system knows it, such as the transaction id", primary_key=True),
        _time("look_since", "Change time from which it is looked for in the external system; empty: all"),
        sa.Column(
            "begun_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now()"),
            comment="When it was first about to be posted: from then on it may be there",
        ),
        _time("done_at", "When the external system was known to have it; empty: in doubt"),
        _text("run_id", "Dagster run that wrote it last"),
        schema=SCHEMA,
        comment="Records of Odoo that are posted to the external system, each exactly once",
    )


def downgrade() -> None:
    """Removes them; batches read out of Odoo are forgotten, and read again."""
    op.drop_table("posting", schema=SCHEMA)
    op.execute(f"delete from {SCHEMA}.watermark where stream like 'odoo/%'")  # noqa: S608 - a constant
    op.execute(f"delete from {SCHEMA}.batch where layer = 'odoo'")  # noqa: S608
    _set_layers("'external', 'mapped'", _LAYERS)


def _set_layers(layers: str, comment: str) -> None:
    op.drop_constraint("batch_layer_check", "batch", schema=SCHEMA)
    op.create_check_constraint("batch_layer_check", "batch", f"layer in ({layers})", schema=SCHEMA)
    op.alter_column("batch", "layer", comment=comment, schema=SCHEMA)


def _text(name: str, comment: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False, comment=comment)


def _time(name: str, comment: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment)
