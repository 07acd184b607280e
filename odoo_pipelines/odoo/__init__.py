"""Speaks to Odoo: transports, error translation, schema, load cells, custom fields."""
