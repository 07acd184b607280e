"""Rooms and extras of a booking become the lines of its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedLine, MappingOptions, Value
from odoo_pipelines.systems.payload import missing
from odoo_pipelines.systems.pms.mapping.products import EXTRA, ROOM_TYPE, room_type_key, room_type_label
from odoo_pipelines.systems.pms.models import BookedRoom, Extra
from odoo_pipelines.systems.values import odoo_float, shown

ROOM_LINE = "booking_room"
EXTRA_LINE = "booking_extra"

_ROOM_DETAILS = {
    "x_room_number": "room_number",
    "x_rate_plan": "rate_plan_name",
    "x_adults": "adults",
    "x_children": "children",
}
_KEEP_PRICE = -1.0
"""`technical_price_unit` of every line: otherwise Odoo takes the price for one that it may compute anew."""
_NO_DISCOUNT = 0.0
"""The prices are final: where it is not sent, Odoo takes the discount of a rule of the pricelist off them."""


def room_lines(rooms: Sequence[BookedRoom], nights: int, options: MappingOptions) -> Iterator[MappedLine]:
    """Maps the rooms of a booking.

    Args:
        rooms: as booked.
        nights: of the stay; 0 is day use, which is sold once.
        options: of the integration.

    Raises:
        RowRejectedError: a room has neither id nor name of its type, or no price, or its id occurs twice.
    """
    taxes, ids = _taxes(options), _LineIds("rooms")
    for index, room in enumerate(rooms):
        key = room_type_key(room)
        if key is None:
            raise missing(f"rooms[{index}].room_type_id")
        if room.price_per_night is None:
            raise missing(f"rooms[{index}].price_per_night")
        quantity = 1 if room.quantity is None else room.quantity
        values: dict[str, Value] = {
            "product_id": f"{ROOM_TYPE}/{key}",
            "name": f"{room_type_label(room)} - {nights} night(s)",
            "product_uom_qty": float(quantity * max(nights, 1)),
            "price_unit": odoo_float(room.price_per_night),
            "discount": _NO_DISCOUNT,
            "technical_price_unit": _KEEP_PRICE,
            **taxes,
            **room.carried(_ROOM_DETAILS),
        }
        yield MappedLine(ROOM_LINE, ids.of(index, room.id, f"{key}/{room.room_number or ''}"), values)


def extra_lines(extras: Sequence[Extra], options: MappingOptions) -> Iterator[MappedLine]:
    """Maps the extras of a booking.

    Raises:
        RowRejectedError: an extra has no name or no price, or its id occurs twice.
    """
    taxes, ids = _taxes(options), _LineIds("extras")
    for index, extra in enumerate(extras):
        if extra.name is None:
            raise missing(f"extras[{index}].name")
        if extra.price_per_unit is None:
            raise missing(f"extras[{index}].price_per_unit")
        values: dict[str, Value] = {
            "product_id": f"{EXTRA}/{extra.name}",
            "name": extra.name,
            "product_uom_qty": 1.0 if extra.quantity is None else odoo_float(extra.quantity),
            "price_unit": odoo_float(extra.price_per_unit),
            "discount": _NO_DISCOUNT,
            "technical_price_unit": _KEEP_PRICE,
            **taxes,
        }
        yield MappedLine(EXTRA_LINE, ids.of(index, extra.id, extra.name), values)


def _taxes(options: MappingOptions) -> dict[str, Value]:
    if options.taxes == "odoo":
        return {}
    return {"tax_ids": [] if options.taxes == "none" else list(options.taxes)}


class _LineIds:
    """The ids of one booking's lines: the given ones, else what a line sells and its number among equal ones.

    A position in the list would not do: the lines behind one that is removed would turn into each other.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._equal: Counter[str] = Counter()
        self._taken: set[str] = set()

    def of(self, index: int, given: str | None, sold: str) -> str:
        self._equal[sold] += given is None
        line_id = given or f"{sold}#{self._equal[sold]}"
        if line_id in self._taken:
            place = f"{self._path}[{index}].id"
            raise RowRejectedError(place, "duplicate_id", f"{place}: {shown(line_id)} occurs twice in this booking")
        self._taken.add(line_id)
        return line_id
