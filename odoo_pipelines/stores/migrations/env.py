"""What Alembic runs: the migrations, on the connection and in the transaction of whoever calls."""

from __future__ import annotations

from alembic import context

from odoo_pipelines.stores.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
