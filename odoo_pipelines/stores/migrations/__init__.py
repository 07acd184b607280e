"""Alembic migrations of the schema `odoo_pipelines`, run by `stores.database.migrate`."""
