"""Cells of Odoo's `load`: strings only, and an empty one clears the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from odoo_pipelines.odoo.fields import FieldSchema

ID_COLUMN = "id"
"""The column with the external id (xmlid)."""


_BY_ID = frozenset({"many2one", "many2many"})
_CELLS: Mapping[str, Callable[[Any], str]] = {
    "boolean": lambda value: "1" if value else "0",
    "integer": repr,
    "float": repr,
    "monetary": repr,
    "many2many": lambda value: ",".join(map(str, value)),
}


def column(field: FieldSchema) -> str:
    """Name of the column for a field; relations go by database id."""
    return f"{field.name}/.id" if field.type in _BY_ID else field.name


def cell(value: Any, field: FieldSchema) -> str:
    """The cell for a value that `values.cast` has checked."""
    if field.type in _CELLS:
        return _CELLS[field.type](value)
    return "" if value is False else str(value)
