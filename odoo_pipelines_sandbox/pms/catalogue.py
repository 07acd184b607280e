"""What the hotel sells: room types and extras, with prices in cents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from odoo_pipelines_sandbox.pms.ids import Ids
from odoo_pipelines_sandbox.pms.times import rfc3339

CENTS = 100


@dataclass(frozen=True, slots=True)
class RoomType:
    """A kind of room on sale.

    Attributes:
        name: as it appears on bookings.
        price: per night, in cents.
        max_occupancy: guests in one room.
    """

    name: str
    price: int
    max_occupancy: int


ROOM_TYPES: tuple[RoomType, ...] = (
    RoomType("Single Room", 7_950, 1),
    RoomType("Double Room", 11_900, 2),
    RoomType("Twin Room", 11_450, 2),
    RoomType("Deluxe King", 16_995, 2),
    RoomType("Deluxe Queen, Sea View", 18_440, 2),
    RoomType("Family Room", 20_525, 4),
    RoomType("Accessible Double", 11_900, 2),
    RoomType("Junior Suite", 24_999, 3),
    RoomType("Suite \u201cBelle Époque\u201d", 38_050, 4),
    RoomType("Penthouse", 81_299, 6),
    RoomType("Garden Bungalow & Terrace", 27_333, 5),
    RoomType("Dormitory Bed <Mixed>", 2_490, 1),
)

EXTRAS: tuple[tuple[str, int], ...] = (
    ("Breakfast", 1_850),
    ("Parking", 1_200),
    ("Spa Day Pass", 4_575),
    ("Airport Transfer", 3_899),
    ("Late Check-out", 2_500),
    ("Bottle of Crémant", 3_233),
    ("Extra Bed", 2_999),
    ("City Tax", 275),
)
"""Name and price per unit, in cents."""

RATE_PLANS = ("Best Available Rate", "Non-refundable", "Bed & Breakfast", "Half Board", "Corporate", "Long Stay -15%")


def money(cents: int) -> float:
    """Gives the decimal number that JSON shows: the shortest text of the result has at most two decimals."""
    return cents / CENTS


def cents(amount: object) -> int:
    """Reads a decimal number.

    Raises:
        TypeError: it is no number.
        ValueError: its text is no number, or infinite.
    """
    if isinstance(amount, int | float | str) and not isinstance(amount, bool):
        return round(float(amount) * CENTS)
    raise TypeError("not an amount")


def room_type_record(ids: Ids, index: int, updated_at: int) -> dict[str, Any]:
    """Gives a room type as the contract describes it."""
    room_type = ROOM_TYPES[index]
    return {
        "id": ids.of("rooms", index),
        "name": room_type.name,
        "price_per_night": money(room_type.price),
        "max_occupancy": room_type.max_occupancy,
        "updated_at": rfc3339(updated_at),
    }
