"""What Odoo makes of a value before it is stored, and what it silently loses on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import integer_out_of_range, missing_record, value_error
from odoo_pipelines_sandbox.odoo.html import canonical
from odoo_pipelines_sandbox.odoo.schema import Field, Model

_DATE = "%Y-%m-%d"
_DATETIME = "%Y-%m-%d %H:%M:%S"
_INT_LIMIT = 2**31


def stored_value(env: Env, model: Model, field: Field, value: Any) -> Any:
    """The value as the row keeps it; relations to many are not handled here.

    Raises:
        OdooFault: the value cannot be read, or leads to a record that is gone.
    """
    return _CASTS[field.type](env, model, field, value)


def round_half_up(value: float, step: float) -> float:
    """Rounds to a multiple of `step`, halves away from zero, as Odoo's float_round does."""
    if not math.isfinite(value):
        return value
    unit = Decimal(str(step))
    return float((Decimal(repr(value)) / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit)


def _text(_env: Env, _model: Model, _field: Field, value: Any) -> str | bool:
    if value is None or value is False:
        return False
    text = value if isinstance(value, str) else str(value)
    if "\0" in text:
        raise value_error("A string literal cannot contain NUL (0x00) characters.")
    return text


def _html(env: Env, model: Model, field: Field, value: Any) -> str | bool:
    text = _text(env, model, field, value)
    return canonical(text) if isinstance(text, str) else False


def _integer(_env: Env, _model: Model, _field: Field, value: Any) -> int:
    number: int = _number(int, value or 0)
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise integer_out_of_range()
    return number


def _float(_env: Env, _model: Model, field: Field, value: Any) -> float:
    number = _number(float, value or 0.0)
    return round_half_up(number, 10.0 ** -field.digits[1]) if field.digits else number


def _monetary(_env: Env, _model: Model, _field: Field, value: Any) -> float:
    return round_half_up(_number(float, value or 0.0), 0.01)


def _number(kind: Callable[[Any], Any], value: Any) -> Any:
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise value_error(str(error)) from error


def _boolean(_env: Env, _model: Model, _field: Field, value: Any) -> bool:
    return bool(value)


def _date(_env: Env, _model: Model, _field: Field, value: Any) -> str | bool:
    return parsed_date(value) if value else False


def _datetime(_env: Env, _model: Model, _field: Field, value: Any) -> str | bool:
    return parsed_datetime(value).strftime(_DATETIME) if value else False


def parsed_date(value: str) -> str:
    """A date in Odoo's spelling; a time behind it is cut off."""
    return _parsed(value[: len("2026-01-01")], _DATE).strftime(_DATE)


def parsed_datetime(value: str) -> datetime:
    """A datetime in Odoo's spelling; parts of the time that are missing count as zero."""
    return _parsed(value, _DATETIME[: _FORMAT_LENGTHS.get(len(value), len(_DATETIME))])


_FORMAT_LENGTHS = {len("2026-01-01"): len("%Y-%m-%d"), len("2026-01-01 10:11"): len("%Y-%m-%d %H:%M")}


def _parsed(value: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(value, pattern)  # noqa: DTZ007
    except ValueError as error:
        raise value_error(str(error)) from error


def _selection(_env: Env, model: Model, field: Field, value: Any) -> str | bool:
    if not value:
        return False
    if not field.any_value and not any(value == key for key, _ in field.selection):
        raise value_error(f"Wrong value for {model.name}.{field.name}: {value!r}")
    return str(value)


def _many2one(env: Env, _model: Model, field: Field, value: Any) -> int | bool:
    # The silent trap of Odoo 19: anything but an int empties the field.
    if not isinstance(value, int) or isinstance(value, bool) or not value:
        return False
    if value not in env.table(field.relation).rows:
        raise missing_record(field.relation, [value], env.uid)
    return value


_CASTS: dict[str, Callable[[Env, Model, Field, Any], Any]] = {
    "char": _text,
    "text": _text,
    "html": _html,
    "integer": _integer,
    "float": _float,
    "monetary": _monetary,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "selection": _selection,
    "many2one": _many2one,
}
