"""Bookings, each a pure function of (seed, index) and of the moment at which it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from odoo_pipelines_sandbox.pms.catalogue import EXTRAS, RATE_PLANS, ROOM_TYPES, cents, money
from odoo_pipelines_sandbox.pms.draws import draws, pick
from odoo_pipelines_sandbox.pms.ids import Ids
from odoo_pipelines_sandbox.pms.times import SECOND, day_of, iso_day, rfc3339

OPEN = frozenset({"confirmed", "provisional", "pending", "checked_in"})
"""Statuses in which a booking still changes."""

_STATUSES = (
    *("confirmed",) * 8,
    *("checked_out",) * 5,
    *("checked_in",) * 2,
    *("cancelled",) * 2,
    *("provisional", "pending", "no_show"),
)
_CHANNELS = ("direct", "direct", "booking.com", "expedia", "airbnb", "agency", "walk_in", None)
_NIGHTS = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7, 14)
_DAY_USE_ONE_IN = 25
_ROOM_LINES = (1, 1, 1, 1, 1, 1, 2, 2, 3)
_EXTRA_LINES = (0, 0, 1, 1, 2, 3)
_DISCOUNTS = (0, 0, 0, 1_001, 475, -1_250)  # cents per night; negative: high season
_REQUESTS = (
    None,
    None,
    None,
    "",
    "Late arrival, after 23:00",
    "Cot for a baby & high chair, please\nNo feather pillows",
    'Room <= 3rd floor; "quiet" side\r\n2 x keys',
    "Chambre à côté de l'ascenseur, s'il vous plaît",
    "禁煙ルームをお願いします 🙏",
    "<b>VIP</b> & anniversary\n\tflowers",
)
_MADE_BEFORE_MINUTES = 30 * 24 * 60


@dataclass(frozen=True, slots=True)
class Bookings:
    """Generates bookings.

    Attributes:
        seed: of the data.
        ids: of the installation.
        currencies: one is drawn for each booking.
    """

    seed: int
    ids: Ids
    currencies: tuple[str, ...]

    def status(self, index: int) -> str:
        """Gives the status alone, cheaply."""
        return pick(draws(self.seed, "booking", index), _STATUSES)

    def record(self, index: int, born: int, updated_at: int) -> dict[str, Any]:
        """Gives a booking as the contract describes it, its guest still None.

        Args:
            index: of the booking.
            born: moment from which its dates are counted, in milliseconds.
            updated_at: moment of its last change.
        """
        source = draws(self.seed, "booking", index)
        status = pick(source, _STATUSES)
        nights = 0 if next(source) % _DAY_USE_ONE_IN == 0 else pick(source, _NIGHTS)
        check_in = day_of(born) + _days_ahead(status, nights, next(source))
        booking_id = self.ids.of("bookings", index)
        rooms, rooms_total = self._rooms(booking_id, index, max(nights, 1))
        extras, extras_total = _extras(source, booking_id)
        return {
            "id": booking_id,
            "booking_reference": f"GH{index + 1:08d}",
            "status": status,
            "check_in": iso_day(check_in),
            "check_out": iso_day(check_in + nights),
            "nights": nights,
            "adults": sum(room["adults"] for room in rooms),
            "children": sum(room["children"] for room in rooms),
            "channel": _channel(source),
            "special_requests": pick(source, _REQUESTS),
            "currency": pick(source, self.currencies),
            "total_amount": money(rooms_total + extras_total),
            "guest": None,
            "rooms": rooms,
            "extras": extras,
            "created_at": rfc3339(born - next(source) % _MADE_BEFORE_MINUTES * 60 * SECOND),
            "updated_at": rfc3339(updated_at),
        }

    def _rooms(self, booking_id: str | int, index: int, charged_nights: int) -> tuple[list[dict[str, Any]], int]:
        source = draws(self.seed, "rooms", index)
        rooms: list[dict[str, Any]] = []
        total = 0
        for line in range(1, pick(source, _ROOM_LINES) + 1):
            kind = next(source) % len(ROOM_TYPES)
            quantity = 1 if next(source) % 8 else 2
            price = ROOM_TYPES[kind].price - pick(source, _DISCOUNTS)
            total += charged_nights * quantity * price
            rooms.append(self._room(source, f"{booking_id}-r{line}", kind, quantity, price))
        return rooms, total

    def _room(self, source: Iterator[int], line_id: str, kind: int, quantity: int, price: int) -> dict[str, Any]:
        room_type = ROOM_TYPES[kind]
        adults = next(source) % min(room_type.max_occupancy, 3) + 1
        return {
            "id": line_id,
            "room_type_id": self.ids.of("rooms", kind),
            "room_type_name": room_type.name,
            "room_number": str(100 + next(source) % 700) if next(source) % 4 else "",
            "rate_plan_name": pick(source, RATE_PLANS),
            "quantity": quantity,
            "price_per_night": money(price),
            "adults": adults,
            "children": min(next(source) % 3, room_type.max_occupancy - adults),
            "max_occupancy": room_type.max_occupancy,
        }


def settled(booking: dict[str, Any]) -> dict[str, Any]:
    """Gives the nights and the total that follow from dates and lines; nothing where these cannot be read.

    An edit may make a booking unreadable on purpose: then its nights and its total stay as they are.
    """
    try:
        nights = (date.fromisoformat(booking["check_out"]) - date.fromisoformat(booking["check_in"])).days
        rooms = sum(room.get("quantity", 1) * cents(room["price_per_night"]) for room in booking["rooms"])
        extras = sum(extra.get("quantity", 1) * cents(extra["price_per_unit"]) for extra in booking["extras"])
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return {}
    return {"nights": nights, "total_amount": money(round(rooms * max(nights, 1) + extras))}


def new_extra(booking_id: object, place: int, drawn: int) -> dict[str, Any]:
    """Gives one extra, as the line of that place (from 1) of a booking."""
    name, price = EXTRAS[drawn % len(EXTRAS)]
    return {
        "id": f"{booking_id}-x{place}",
        "name": name,
        "quantity": drawn // len(EXTRAS) % 4 + 1,
        "price_per_unit": money(price),
    }


def _extras(source: Iterator[int], booking_id: str | int) -> tuple[list[dict[str, Any]], int]:
    lines = pick(source, _EXTRA_LINES)
    extras = [new_extra(booking_id, place, next(source)) for place in range(1, lines + 1)]
    return extras, sum(extra["quantity"] * cents(extra["price_per_unit"]) for extra in extras)


def _channel(source: Iterator[int]) -> dict[str, str] | None:
    name = pick(source, _CHANNELS)
    return {"source": name} if name else None


def _days_ahead(status: str, nights: int, drawn: int) -> int:
    if status == "checked_out":
        return -nights - drawn % 21
    if status == "checked_in":
        return -(drawn % (nights + 1))
    if status == "no_show":
        return -1 - drawn % 5
    return 1 + drawn % 120
