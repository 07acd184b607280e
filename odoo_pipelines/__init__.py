"""Dagster pipelines that keep Odoo and the systems around it in step."""
