"""Moments as whole milliseconds since 1970 in UTC, which sort and compare cheaply, and their text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

SECOND = 1000
DAY = 86_400 * SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def rfc3339(moment: int) -> str:
    """Gives "2026-01-31T09:30:00.125Z"."""
    return datetime.fromtimestamp(moment / SECOND, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def first_not_before(moment: datetime) -> int:
    """Gives the first whole millisecond that is not before a moment: both ends of a window round this way."""
    return -((_EPOCH - moment) // _MICROSECOND // 1000)


def day_of(moment: int) -> int:
    """Gives the number of the day, as `date.toordinal` counts."""
    return _EPOCH_DAY + moment // DAY


def iso_day(ordinal: int) -> str:
    """Gives "2026-01-31"."""
    return date.fromordinal(ordinal).isoformat()
