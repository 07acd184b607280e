"""Cells of Odoo's `load`: strings only, and an empty one clears the field."""

from __future__ import annotations

from typing import Any

from odoo_pipelines.odoo.fields import FieldSchema

ID_COLUMN = "id"
"""The column with the external id (xmlid)."""


def column(field: FieldSchema) -> str:
    """Name of the column for a field; relations go by database id."""
    return f"{field.name}/.id" if field.type in {"many2one", "many2many"} else field.name


def cell(value: Any, field: FieldSchema) -> str:
    """The cell for a value that `values.cast` has checked."""
    match field.type:
        case "boolean":
            return "1" if value else "0"
        case "integer" | "float" | "monetary":
            return repr(value)
        case "many2many":
            return ",".join(map(str, value))
    return "" if value is False else str(value)
