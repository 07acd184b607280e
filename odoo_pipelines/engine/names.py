"""Names of a record's fields, of its lines and of their fields: "order_line[<sync key>].price_unit". Pure."""

from __future__ import annotations

STATE = "state"
"""The name of a record's state."""


def line_name(lines: str, key: str) -> str:
    """The name of a line: "order_line[<sync key>]"."""
    return f"{lines}[{key}]"


def line_key(name: str) -> str:
    """The sync key of the line that a name is about; "" for a field of the record."""
    return name.partition("[")[2].rpartition("]")[0]


def line_field(name: str) -> str:
    """The field of a line that a name is about; "" for a line as such, and for a field of the record."""
    return name.rpartition("].")[2] if "]." in name else ""


def general_name(name: str) -> str:
    """The name without the line's key, as policies and tallies have it: "order_line.price_unit"."""
    lines, bracket, rest = name.partition("[")
    return f"{lines}{rest.rpartition(']')[2]}" if bracket else name
