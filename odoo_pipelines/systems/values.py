"""Reads single values of payloads, and writes them as Odoo holds them: pure functions that every system can use.

Readers take what older and sloppier installations send and raise UnreadableValueError for the rest. None of them
guesses: a value is read as what it says or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from odoo_pipelines.http.json_text import is_storable

T = TypeVar("T")
D = TypeVar("D", bound=date)

MAX_ID_LENGTH = 255
MAX_TEXT_LENGTH = 255
"""PostgreSQL's indexes take no texts of some thousand bytes, and Odoo has indexes on names."""
MAX_NOTE_LENGTH = 100_000
FIRST_YEAR, LAST_YEAR = 1000, 9998
"""Odoo loads no earlier dates, and the calendar's last year overflows in time zones; servers send both for none."""
_MAX_AMOUNT = Decimal(10) ** 12
MAX_INTEGER = 2**31 - 1
_MAX_BITS = 64
_SHOWN_LENGTH = 120

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})", re.ASCII)
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class UnreadableValueError(ValueError):
    """A value is not what its field promises.

    Attributes:
        code: short, stable and free of personal data, such as "invalid_date".
    """

    def __init__(self, code: str, explanation: str) -> None:
        self.code = code
        super().__init__(explanation)


def shown(value: object) -> str:
    """The value as a reason quotes it: JSON, at most 120 characters; containers by their kind only."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > _SHOWN_LENGTH:
        return "a huge number"
    quoted = json.dumps(value, ensure_ascii=False, default=str)
    printable = quoted.encode("utf-8", "backslashreplace").decode("utf-8")
    return printable if len(printable) <= _SHOWN_LENGTH else f"{printable[:_SHOWN_LENGTH]}..."


def nullable(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """A reader for which null and blank text are None."""

    def read_or_none(value: Any) -> T | None:
        if value is None or (isinstance(value, str) and (not value or value.isspace())):
            return None
        return read(value)

    return read_or_none


def text(value: Any) -> str:
    """Reads a line of text, trimmed; a number is taken as it is written (room numbers, postal codes).

    Raises:
        UnreadableValueError: another type, a number of more than twelve digits, more than 255 characters, or characters
            that no database stores (NUL, half of a surrogate pair).
    """
    return _text(value, MAX_TEXT_LENGTH)


def note(value: Any) -> str:
    """Reads text of any number of lines.

    Raises:
        UnreadableValueError: as `text`, but from 100,000 characters on.
    """
    return _text(value, MAX_NOTE_LENGTH)


def _text(value: Any, longest: int) -> str:
    if type(value) is str:
        if not is_storable(value):
            raise UnreadableValueError("invalid_text", "holds characters that cannot be stored")
        written = value.strip()
        if len(written) > longest:
            raise UnreadableValueError("too_long", f"is longer than {longest} characters")
        return written
    if type(value) in (int, float, Decimal):
        return str(number(value))
    raise UnreadableValueError("invalid_text", "is not a text")


def external_id(value: Any) -> str:
    """Reads an id: the integer 7 and the text "7" are the same one.

    Raises:
        UnreadableValueError: another type, blank, or longer than 255 characters.
    """
    if type(value) not in (str, int):
        raise UnreadableValueError("invalid_id", "is neither a text nor a whole number")
    if type(value) is int and value.bit_length() > MAX_ID_LENGTH:
        raise UnreadableValueError("invalid_id", "is too long for an id")
    identifier = str(value).strip()
    if not identifier:
        raise UnreadableValueError("invalid_id", "is a blank id")
    if len(identifier) > MAX_ID_LENGTH:
        raise UnreadableValueError("invalid_id", f"is longer than {MAX_ID_LENGTH} characters")
    return text(identifier)


def number(value: Any) -> Decimal:
    """Reads a number exactly, from JSON's numbers or from text with a decimal point.

    Raises:
        UnreadableValueError: no number, not finite, or 10^12 and more (beyond it a double loses cents).
    """
    if type(value) is int and value.bit_length() > _MAX_BITS:  # Python would not write it
        raise UnreadableValueError("out_of_range", "is too large")
    written = str(value).strip() if type(value) in (str, int, float, Decimal) else ""
    if not _NUMBER.fullmatch(written):
        raise UnreadableValueError("invalid_number", "is not a number")
    exact = Decimal(written)
    if abs(exact) >= _MAX_AMOUNT:
        raise UnreadableValueError("out_of_range", "is too large")
    return exact


def price(value: Any) -> Decimal:
    """Reads a number that is not below zero.

    Raises:
        UnreadableValueError: as `number`, or negative.
    """
    exact = number(value)
    if exact < 0:
        raise UnreadableValueError("negative", "is negative")
    return exact


def integer(value: Any) -> int:
    """Reads a whole number as Odoo can store it (32 bits).

    Raises:
        UnreadableValueError: no number, a fraction, or out of range.
    """
    whole = value if type(value) is int else _whole(number(value))
    if abs(whole) > MAX_INTEGER:
        raise UnreadableValueError("out_of_range", "is too large")
    return whole


def _whole(exact: Decimal) -> int:
    if exact != exact.to_integral_value():
        raise UnreadableValueError("invalid_number", "is not a whole number")
    return int(exact)


def count(value: Any) -> int:
    """Reads a whole number that is not below zero.

    Raises:
        UnreadableValueError: as `integer`, or negative.
    """
    whole = integer(value)
    if whole < 0:
        raise UnreadableValueError("negative", "is negative")
    return whole


def flag(value: Any) -> bool:
    """Reads true or false, also as yes/no and 1/0.

    Raises:
        UnreadableValueError: anything else.
    """
    if type(value) is bool:
        return value
    written = value if type(value) is str else str(value) if type(value) is int and value in (0, 1) else ""
    known = _FLAGS.get(written.strip().lower())
    if known is None:
        raise UnreadableValueError("invalid_flag", "is neither true nor false")
    return known


def calendar_date(value: Any) -> date:
    """Reads a date: ISO 8601, YYYY/MM/DD, DD/MM/YYYY or DD-MM-YYYY; a time of day behind it is left out.

    The day is the one that is written: no time zone moves it.

    Raises:
        UnreadableValueError: none of these, no day of the calendar, or a year before 1000 or after 9998.
    """
    try:
        return _in_calendar(_moment(value)[0])
    except (TypeError, ValueError):
        raise UnreadableValueError("invalid_date", "is not a date") from None


def utc_datetime(value: Any) -> datetime:
    """Reads a point in time (RFC 3339, or the date formats with a time) as UTC; without a zone it is UTC already.

    Raises:
        UnreadableValueError: no such time, or in UTC in a year before 1000 or after 9998.
    """
    try:
        day, clock = _moment(value)
        return _in_calendar(datetime.combine(day, clock, clock.tzinfo or UTC).astimezone(UTC))
    except (TypeError, ValueError, OverflowError):
        raise UnreadableValueError("invalid_datetime", "is not a point in time") from None


def _in_calendar(day: D) -> D:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = "no real date"
        raise ValueError(message)
    return day


def _moment(value: Any) -> tuple[date, time]:
    if type(value) is not str:
        message = "not a text"
        raise TypeError(message)
    return _parsed_moment(value)


@lru_cache(maxsize=8192)
def _parsed_moment(written: str) -> tuple[date, time]:
    day, _, clock = written.strip().upper().replace("T", " ", 1).partition(" ")
    if match := _YEAR_FIRST.fullmatch(day):
        year, month, day_of_month = match.group(1, 3, 4)
    elif match := _DAY_FIRST.fullmatch(day):
        day_of_month, month, year = match.group(1, 3, 4)
    else:
        message = "no date"
        raise ValueError(message)
    return date(int(year), int(month), int(day_of_month)), time.fromisoformat(
        clock.replace(" ", "")
    ) if clock else time()


def odoo_datetime(moment: datetime) -> str:
    """A point in time as Odoo stores it: UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat(" ")


def odoo_float(exact: Decimal) -> float:
    """The double nearest to a decimal number; never a negative zero."""
    return float(exact) or 0.0


def decimal_text(exact: Decimal) -> str:
    """A decimal number without an exponent."""
    return format(exact, "f")
