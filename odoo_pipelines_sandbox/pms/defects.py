"""Unusable data on demand: what real systems send now and then, one defect for each bad booking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]


def _check_out_first(booking: Record) -> Record:
    return {"check_in": booking["check_out"], "check_out": "1999-12-31"}


def _negative_price(booking: Record) -> Record:
    first, *others = booking["rooms"]
    return {"rooms": [{**first, "price_per_night": -first["price_per_night"]}, *others]}


DEFECTS: Mapping[str, Callable[[Record], Record]] = {
    "unreadable_date": lambda _: {"check_in": "31/02/2026"},
    "check_out_before_check_in": _check_out_first,
    "missing_guest": lambda _: {"guest": None},
    "negative_price": _negative_price,
    "rooms_not_a_list": lambda _: {"rooms": "2 x double"},
    "null_id": lambda _: {"id": None},
    "unknown_status": lambda _: {"status": "teleported"},
}
"""What each kind of defect replaces."""

_KINDS = tuple(DEFECTS)


def kind_of(index: int, bad: int, total: int) -> str | None:
    """Tells the defect of a booking, None for a sound one; exactly `bad` of `total` have one, evenly spread."""
    if index >= total:
        return None
    ordinal = index * bad // total
    return _KINDS[ordinal % len(_KINDS)] if (index + 1) * bad // total > ordinal else None
