"""Payloads of the PMS as its contract has them; tests change what they are about."""

from __future__ import annotations

from typing import Any

from odoo_pipelines.systems.base import MappedRow, Mapper, MappingOptions
from odoo_pipelines.systems.pms.models import Booking

DEFAULTS = MappingOptions()


def guest(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "first_name": "Ann",
        "last_name": "Example",
        "email": "ann@example.com",
        "phone": "+436601234567",
        "country": "AT",
        "language": "pt-BR",
        "address": {"street": "Ring 1", "street2": "Top 2", "city": "Wien", "postal_code": "1010"},
        "date_of_birth": "06/05/1980",
        "document_type": "passport",
        "document_number": "P123",
        "nationality": "AT",
        "vip_status": True,
        "loyalty_points": 120,
        "updated_at": "2026-04-01T08:00:00Z",
    } | changes


def room(**changes: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "room_type_id": 5,
        "room_type_name": "Deluxe",
        "room_number": "101",
        "rate_plan_name": "BAR",
        "quantity": 1,
        "price_per_night": "123.45",
        "adults": 2,
        "children": 1,
        "max_occupancy": 4,
    } | changes


def extra(**changes: Any) -> dict[str, Any]:
    return {"id": "x1", "name": "Breakfast", "quantity": 2.5, "price_per_unit": 12} | changes


def booking(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1001,
        "booking_reference": "BK-1001",
        "status": "confirmed",
        "check_in": "2026-05-01",
        "check_out": "2026-05-03",
        "adults": 2,
        "children": 1,
        "channel": {"source": "booking.com"},
        "special_requests": "Late arrival",
        "currency": "EUR",
        "total_amount": "276.90",
        "guest": guest(),
        "rooms": [room()],
        "extras": [extra()],
        "created_at": "2026-04-01T10:11:12Z",
        "updated_at": "2026-04-02T00:00:00Z",
    } | changes


def payment(**changes: Any) -> dict[str, Any]:
    return {
        "id": 9001,
        "booking_id": 1001,
        "amount": "276.90",
        "payment_method": "credit_card",
        "transaction_id": "tx-1",
        "paid_at": "2026-04-02T23:30:00-05:00",
        "gateway": "adyen",
        "currency": "EUR",
        "status": "received",
        "updated_at": "2026-04-05T00:00:00Z",
    } | changes


def without(payload: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key not in keys}


def map_booking(mapper: Mapper, payload: Any, options: MappingOptions = DEFAULTS) -> list[MappedRow]:
    return list(mapper(Booking.parse(payload), options))
