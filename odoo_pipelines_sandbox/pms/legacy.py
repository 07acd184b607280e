"""The form in which older installations send a record.

Dates come in three national orders, times without a zone, amounts as text; lines have no ids, bookings no nights, and
a guest's country is called country_code. Values that have an unexpected form, as bad data has, pass as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from odoo_pipelines_sandbox.pms.ids import Stream

_DATE_FORMATS = ("%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d")
_DATES = frozenset({"check_in", "check_out", "date_of_birth"})
_TIMES = frozenset({"created_at", "updated_at", "paid_at"})
_PRICES = frozenset({"total_amount", "price_per_night", "price_per_unit"})
_ABSENT = frozenset({"nights"})


def as_legacy(stream: Stream, index: int, record: Mapping[str, Any]) -> dict[str, Any]:
    """Gives a record in the old form; the index decides the order of its dates."""
    old = _plain(record, _DATE_FORMATS[index % len(_DATE_FORMATS)])
    if stream == "bookings":
        old["rooms"] = _without_ids(old["rooms"])
        old["extras"] = _without_ids(old["extras"])
    return old


def _plain(record: Mapping[str, Any], date_format: str) -> dict[str, Any]:
    renamed = ((("country_code" if name == "country" else name), value) for name, value in record.items())
    return {name: _value(name, value, date_format) for name, value in renamed if name not in _ABSENT}


def _value(name: str, value: Any, date_format: str) -> Any:
    if isinstance(value, dict):
        return _plain(value, date_format)
    if isinstance(value, list):
        return [_value(name, item, date_format) for item in value]
    if isinstance(value, str):
        return _text(name, value, date_format)
    return f"{value:.2f}" if name in _PRICES and isinstance(value, int | float) else value


def _text(name: str, value: str, date_format: str) -> str:
    if name in _TIMES:
        return value.removesuffix("Z")
    if name not in _DATES:
        return value
    try:
        return date.fromisoformat(value).strftime(date_format)
    except ValueError:
        return value


def _without_ids(lines: Any) -> Any:
    if not isinstance(lines, list):
        return lines
    return [{k: v for k, v in line.items() if k != "id"} if isinstance(line, dict) else line for line in lines]
