"""The webhook events of the PMS: which records they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odoo_pipelines.systems.base import EventReader
from odoo_pipelines.systems.pms.mapping.orders import BOOKING
from odoo_pipelines.systems.pms.mapping.payments import PAYMENT
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.values import UnreadableValueError, external_id


def records_of_booking(data: Mapping[str, Any]) -> tuple[Key, ...]:
    """The booking."""
    booking = _id(data, "id")
    return () if booking is None else ((BOOKING, booking),)


def records_of_payment(data: Mapping[str, Any]) -> tuple[Key, ...]:
    """The payment, known by its transaction, and its booking."""
    payment, booking = _id(data, "transaction_id"), _id(data, "booking_id")
    named = ((PAYMENT, payment), (BOOKING, booking))
    return tuple((entity, found) for entity, found in named if found is not None)


def _id(data: Mapping[str, Any], name: str) -> str | None:
    try:
        return external_id(data.get(name))
    except UnreadableValueError:
        return None


EVENTS: Mapping[str, EventReader] = {
    "booking.created": records_of_booking,
    "booking.updated": records_of_booking,
    "booking.cancelled": records_of_booking,
    "payment.received": records_of_payment,
}
