"""Values that the external system was told, such as the rooms left of a type in a night."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SCHEMA = "odoo_pipelines"


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "sent_value",
        _text("integration", "Name of the integration", primary_key=True),
        _text("flow", "Name of the flow", primary_key=True),
        _text("key", "What it is about, such as <room type>/<date>", primary_key=True),
        _text("value", "As it was told last; empty while it is in doubt"),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now()"),
            comment="When it was told, or was about to be",
        ),
        schema=SCHEMA,
        comment="Values that the external system was told; one that is lost is told again",
    )


def downgrade() -> None:
    """Removes it; everything is told again."""
    op.drop_table("sent_value", schema=SCHEMA)


def _text(name: str, comment: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False, comment=comment)
