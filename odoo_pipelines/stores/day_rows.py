"""What is left by resource and day, as batch files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from odoo_pipelines.systems.availability import Day


def day_schema() -> pa.Schema:
    """Columns of such a batch: those of `Day`, and what is left for those who read the file."""
    columns: dict[str, pa.DataType] = {"resource": pa.string(), "date": pa.date32()}
    return pa.schema({**columns, "capacity": pa.int64(), "taken": pa.int64(), "available": pa.int64()})


def to_columns(day: Day) -> dict[str, Any]:
    """One row by column name."""
    names = ("resource", "date", "capacity", "taken", "available")
    return {name: getattr(day, name) for name in names}


def from_columns(columns: Mapping[str, Any]) -> Day:
    """The row that `to_columns` was given."""
    return Day(columns["resource"], columns["date"], columns["capacity"], columns["taken"])
