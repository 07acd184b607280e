"""Payloads as the PMS sends them, any number of them, and what the mappings make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo_pipelines.systems.base import MappedRow, MappingOptions
from odoo_pipelines.systems.pms.mapping.orders import orders_of_booking
from odoo_pipelines.systems.pms.mapping.partners import partners_of_guest
from odoo_pipelines.systems.pms.mapping.products import products_of_booking
from odoo_pipelines.systems.pms.models import Booking, Guest

CHANGED_EVERY = 20
"""One row in so many differs in the changed version: 5 %."""
UNFIT = {"x_date_of_birth": "1990-13-45"}
"""A value that its field does not take."""
NAMELESS = {"name": None}
"""A value that is refused by a rule of Odoo's database, of which the field's definition tells nothing."""
_OPTIONS = MappingOptions()
_START = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ROOM_TYPES = 8


def partners(count: int) -> list[MappedRow]:
    """Guests with 16 fields each."""
    return [row for number in range(count) for row in partners_of_guest(Guest.parse(_guest(number)), _OPTIONS)]


def orders(count: int, guests: int) -> list[MappedRow]:
    """Provisional bookings, a room and an extra each, by the first so many guests in turn."""
    return [row for booking in _bookings(count, guests) for row in orders_of_booking(booking, _OPTIONS)]


def products(count: int) -> list[MappedRow]:
    """What the lines of so many bookings sell, each once."""
    rows = [row for booking in _bookings(min(count, _ROOM_TYPES), 1) for row in products_of_booking(booking, _OPTIONS)]
    return list({(row.entity, row.external_id): row for row in rows}.values())


def changed_partners(rows: list[MappedRow]) -> list[MappedRow]:
    """The same a day later: 5 % of them with another street and other points."""
    return _changed(rows, {"street": "New Street 1", "x_loyalty_points": 4711})


def poisoned_partners(rows: list[MappedRow], count: int, values: dict[str, Any]) -> list[MappedRow]:
    """The same with so many rows, evenly spread, that have other values."""
    poisoned = set(range(0, len(rows), len(rows) // count)[:count])
    return [
        replace(row, values={**row.values, **values}) if index in poisoned else row for index, row in enumerate(rows)
    ]


def changed_orders(rows: list[MappedRow]) -> list[MappedRow]:
    """The same a day later: 5 % of them with another note and from another channel."""
    return _changed(rows, {"note": "Late arrival", "x_booking_channel": "phone"})


def _changed(rows: list[MappedRow], values: dict[str, Any]) -> list[MappedRow]:
    return [
        replace(row, values={**row.values, **values}, updated_at=_later(row)) if index % CHANGED_EVERY == 0 else row
        for index, row in enumerate(rows)
    ]


def _later(row: MappedRow) -> datetime:
    return (row.updated_at or _START) + timedelta(days=1)


def _guest(number: int) -> dict[str, Any]:
    return {
        "id": f"G{number:07}",
        "first_name": f"Ann{number % 97}",
        "last_name": f"Example {number}",
        "email": f"ann.{number}@example.com",
        "phone": f"+43 660 {1000000 + number}",
        "country": ("AT", "DE", "FR", "IT", "US")[number % 5],
        "language": "en",
        "address": {
            "street": f"Street {number}",
            "street2": None,
            "city": "Vienna",
            "postal_code": f"{1000 + number % 99}",
        },
        "date_of_birth": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 9}",
        "document_type": "passport",
        "document_number": f"P{number:08}",
        "nationality": "AT",
        "vip_status": number % 50 == 0,
        "loyalty_points": number % 1000,
        "updated_at": _time(number),
    }


def _bookings(count: int, guests: int) -> Iterator[Booking]:
    return (Booking.parse(_booking(number, number % guests)) for number in range(count))


def _booking(number: int, guest: int) -> dict[str, Any]:
    check_in = (_START + timedelta(days=number % 300)).date()
    room_type = number % _ROOM_TYPES
    room = {"id": f"{number}-1", "room_type_id": f"RT{room_type}", "room_type_name": f"Room {room_type}"}
    return {
        "id": f"B{number:07}",
        "booking_reference": f"REF-{number}",
        "status": "provisional",
        "check_in": check_in.isoformat(),
        "check_out": (check_in + timedelta(days=1 + number % 7)).isoformat(),
        "channel": {"source": "web"},
        "special_requests": f"Quiet room, please ({number})",
        "currency": "USD",
        "guest": {"id": f"G{guest:07}"},
        "rooms": [{**room, "room_number": f"{number % 400}", "quantity": 1, "price_per_night": 99.5, "adults": 2}],
        "extras": [{"id": f"{number}-2", "name": "Breakfast", "quantity": 2, "price_per_unit": 12.5}],
        "created_at": _time(number),
        "updated_at": _time(number),
    }


def _time(number: int) -> str:
    return (_START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
