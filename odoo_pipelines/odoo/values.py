"""Values as Odoo stores and prints them, so that equal records compare equal.

Odoo 19 is careless with types: it empties a many2one that is not an integer and stores whatever comes in a char. So
every value is checked here before it is sent. Rules: measured on Odoo 19, see the conformance tests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, NoReturn

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.html import comparable_html, html_from_text

MAX_INTEGER = 2**31 - 1
"""Odoo's integers and ids have 32 bits."""

_MAX_EXACT_FLOAT = 2**53
_WIDE = Context(prec=400)  # no float has more digits
# Odoo prints years before 1000 without their zeros, and `load` fails on them.
_DATE = re.compile(r"[1-9]\d{3}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"[1-9]\d{3}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
_NEVER_EMPTY = frozenset({"boolean", "integer", "float", "monetary"})


def cast(value: Any, field: FieldSchema, *, currency_decimals: int | None = None) -> Any:
    """Checks a mapped value and gives it the form in which Odoo will store and print it.

    Args:
        value: JSON types; None empties the field. Texts of html fields are plain texts. Relations are ids.
        field: where it goes.
        currency_decimals: decimals of the record's currency, for monetary fields; None leaves amounts as they are.

    Returns:
        A value to compare with `canonical` and to send by `written` or `cells.cell`; False for an empty field.

    Raises:
        RowRejectedError: Odoo would refuse the value, or change it silently.
    """
    if value is None or value == "":
        if field.required and field.type not in _NEVER_EMPTY:
            _reject(field, "required", value, "is required")
        return canonical(None, field)
    check = _CHECKS.get(field.type)
    if check is None:
        _reject(field, "unsupported_type", value, f"is of type {field.type}, which is not written")
    checked = check(value, field)
    return checked if field.type in _KEPT else canonical(checked, field, currency_decimals=currency_decimals)


def canonical(value: Any, field: FieldSchema, *, currency_decimals: int | None = None) -> Any:
    """Gives a value that Odoo printed the form in which equal values compare equal.

    Args:
        value: as it was read, a many2one as bare id or as [id, name].
        field: where it was read.
        currency_decimals: decimals of the record's currency, for monetary fields.

    Returns:
        False for an empty text, date, selection or many2one; 0, 0.0 and False for empty numbers and booleans; the
        sorted ids of a many2many.
    """
    match field.type:
        case "float":
            return _rounded(value, field.decimals)
        case "monetary":
            return _rounded(value, currency_decimals)
        case kind if kind in _CANONICAL:
            return _CANONICAL[kind](value)
    return value or False


def written(value: Any, field: FieldSchema) -> Any:
    """A cast value in the form that `create` and `write` take."""
    return [[6, 0, value]] if field.type == "many2many" else value


def _rounded(value: Any, decimals: int | None) -> float:
    number = float(value or 0)
    if decimals is None:
        return number
    step = Decimal(1).scaleb(-decimals)
    return float(Decimal(repr(number)).quantize(step, rounding=ROUND_HALF_UP, context=_WIDE))


def _text(value: Any, field: FieldSchema) -> str:
    if not isinstance(value, str):
        _reject(field, "wrong_type", value, "is not a text")
    if "\0" in value:
        _reject(field, "null_character", value, "holds a NUL character")
    if not value.isascii() and _has_surrogate(value):
        _reject(field, "invalid_text", value, "holds half of a surrogate pair")
    if field.size is not None and len(value) > field.size:
        _reject(field, "too_long", value, f"is longer than {field.size} characters")
    return value


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def _html(value: Any, field: FieldSchema) -> str:
    return html_from_text(_text(value, field))


def _integer(value: Any, field: FieldSchema) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _reject(field, "wrong_type", value, "is not an integer")
    if abs(value) > MAX_INTEGER:
        _reject(field, "out_of_range", value, "has more than 32 bits")
    return value


def _float(value: Any, field: FieldSchema) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        _reject(field, "wrong_type", value, "is not a number")
    if isinstance(value, int) and abs(value) > _MAX_EXACT_FLOAT:
        _reject(field, "out_of_range", value, "has more digits than Odoo keeps")
    if not math.isfinite(value):
        _reject(field, "not_finite", value, "is not a finite number")
    return float(value)


def _boolean(value: Any, field: FieldSchema) -> bool:
    if not isinstance(value, bool):
        _reject(field, "wrong_type", value, "is not true or false")
    return value


def _date(value: Any, field: FieldSchema) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value) or not _parses(date.fromisoformat, value):
        _reject(field, "invalid_date", value, "is not a date from the year 1000 on (YYYY-MM-DD)")
    return value


def _datetime(value: Any, field: FieldSchema) -> str:
    if not isinstance(value, str) or not _DATETIME.fullmatch(value) or not _parses(datetime.fromisoformat, value):
        _reject(field, "invalid_datetime", value, "is not a time in UTC from the year 1000 on (YYYY-MM-DD HH:MM:SS)")
    return value


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _selection(value: Any, field: FieldSchema) -> Any:
    if not isinstance(value, str | int) or (field.selection is not None and value not in field.selection):
        _reject(field, "not_selectable", value, "is not one of the choices")
    return value


def _many2one(value: Any, field: FieldSchema) -> int:
    number = _integer(value, field)
    if number < 1:
        _reject(field, "out_of_range", value, "is not the id of a record")
    return number


def _many2many(value: Any, field: FieldSchema) -> list[int]:
    if not isinstance(value, list | tuple):
        _reject(field, "wrong_type", value, "is not a list of ids")
    return [_many2one(item, field) for item in value]


def _reject(field: FieldSchema, code: str, value: Any, fault: str) -> NoReturn:
    raise RowRejectedError(field.name, code, f"{field.name}: the value {value!r} {fault}")


_CHECKS: Mapping[str, Callable[[Any, FieldSchema], Any]] = {
    "char": _text,
    "text": _text,
    "html": _html,
    "integer": _integer,
    "float": _float,
    "monetary": _float,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "selection": _selection,
    "many2one": _many2one,
    "many2many": _many2many,
}

_KEPT = frozenset({"char", "text", "integer", "boolean", "date", "datetime", "many2one"})
"""Types whose values Odoo prints as they were checked."""

_CANONICAL: Mapping[str, Callable[[Any], Any]] = {
    "integer": lambda value: int(value or 0),
    "boolean": bool,
    "many2one": lambda value: (value[0] if isinstance(value, list) else value) or False,
    "many2many": lambda value: sorted(set(value or ())),
    "one2many": lambda value: sorted(set(value or ())),
    "html": lambda value: comparable_html(value) if value else False,
}
