"""The webhook events of the PMS: which records they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from odoo_pipelines.systems.base import EventReader
from odoo_pipelines.systems.pms.mapping.orders import BOOKING
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, payment_id
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.values import UnreadableValueError, external_id


def records_of_booking(data: Mapping[str, Any]) -> tuple[Key, ...]:
    """The booking."""
    booking = _id(data, "id")
    return () if booking is None else ((BOOKING, booking),)


def records_of_payment(data: Mapping[str, Any]) -> tuple[Key, ...]:
    """The payment and its booking."""
    named = ((PAYMENT, _read(payment_id, data)), (BOOKING, _id(data, "booking_id")))
    return tuple((entity, found) for entity, found in named if found is not None)


def _id(data: Mapping[str, Any], name: str) -> str | None:
    return _read(external_id, data.get(name))


def _read(read: Callable[[Any], str], value: Any) -> str | None:
    try:
        return read(value)
    except UnreadableValueError:
        return None


EVENTS: Mapping[str, EventReader] = {
    "booking.created": records_of_booking,
    "booking.updated": records_of_booking,
    "booking.cancelled": records_of_booking,
    "payment.received": records_of_payment,
}
