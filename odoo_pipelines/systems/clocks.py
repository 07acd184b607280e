"""Which change times are believed: none that lies in the future of whoever received it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How far clocks may differ, as signatures have it."""
FROM_THE_FUTURE = "updated_at: in_the_future"
"""The warning of a row whose change time was not believed."""


def is_believed(moment: datetime | None, now: datetime) -> bool:
    """Whether a time can be one at which something was changed.

    Args:
        moment: as it was sent; None where nothing was.
        now: when it came, by the server's clock, or else ours.
    """
    return moment is None or moment <= now + TOLERANCE


def believed(moment: datetime, now: datetime) -> datetime:
    """A time, or when it came, if it is not believed."""
    return moment if is_believed(moment, now) else now
