"""Bookings become sale orders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedLine, MappedRow, MappingOptions, Value
from odoo_pipelines.systems.payload import missing, require_readable
from odoo_pipelines.systems.pms.mapping.lines import EXTRA_LINE, ROOM_LINE, extra_lines, room_lines
from odoo_pipelines.systems.pms.models import ORDER_NEEDS, BookedRoom, Booking
from odoo_pipelines.systems.values import MAX_INTEGER, decimal_text, odoo_datetime, shown

BOOKING = "booking"
DEFAULT_CHANNEL = "direct"
STATES = {
    "confirmed": "sale",
    "checked_in": "sale",
    "checked_out": "locked",
    "provisional": "draft",
    "pending": "draft",
    "cancelled": "cancel",
    "no_show": "cancel",
}
"""State of the order by status of the booking."""

_CENT = Decimal("0.01")
_CURRENCY = re.compile(r"[A-Z]{3}")


def orders_of_booking(booking: Booking, options: MappingOptions) -> Sequence[MappedRow]:
    """Maps a booking.

    Raises:
        RowRejectedError: its dates, status, guest, currency, or a price, quantity or product of its lines are missing
            or cannot be read, a price or quantity is negative, or it ends before it begins.
    """
    warnings = _warnings(booking)
    state = _state(booking)
    check_in, check_out = _stay(booking)
    if booking.guest is None:
        raise missing("guest")
    nights = (check_out - check_in).days
    values: dict[str, Value] = {
        "partner_id": booking.guest.id,
        "x_external_id": booking.id,
        "x_check_in_date": check_in.isoformat(),
        "x_check_out_date": check_out.isoformat(),
        "x_number_of_nights": nights,
        "x_external_status": booking.status,
        **booking.carried({"client_order_ref": "booking_reference", "x_external_reference": "booking_reference"}),
        **_optional_values(booking),
    }
    lines, untold = _lines(booking, nights, options)
    total = _total(booking, () if untold else lines or ())
    return (
        MappedRow(
            BOOKING, booking.id, booking.updated_at, values, lines, state, total, warnings=warnings, untold=untold
        ),
    )


def _warnings(booking: Booking) -> tuple[str, ...]:
    require_readable(booking.faults, ORDER_NEEDS)
    return tuple(fault.warning for fault in booking.faults if fault.path[0] != "guest")


def _state(booking: Booking) -> str:
    if booking.status is None:
        raise missing("status")
    state = STATES.get(booking.status.lower())
    if state is None:
        raise RowRejectedError("status", "unknown_status", f"status: {shown(booking.status)} is not known")
    return state


def _stay(booking: Booking) -> tuple[date, date]:
    if booking.check_in is None:
        raise missing("check_in")
    if booking.check_out is None:
        raise missing("check_out")
    if booking.check_out < booking.check_in:
        reason = f"check_out: {booking.check_out} lies before check_in: {booking.check_in}"
        raise RowRejectedError("check_out", "check_out_before_check_in", reason)
    return booking.check_in, booking.check_out


def _optional_values(booking: Booking) -> dict[str, Value]:
    values: dict[str, Value] = {}
    if booking.created_at:
        values["date_order"] = odoo_datetime(booking.created_at)
    if booking.carries("special_requests"):
        values["note"] = (booking.special_requests or "").strip() or None
    if booking.currency:
        values["pricelist_id"] = currency_code(booking.currency)
    if (guests := _number_of_guests(booking)) is not None:
        values["x_number_of_guests"] = min(guests, MAX_INTEGER)
    if not any(fault.path[0] == "channel" for fault in booking.faults):
        values["x_booking_channel"] = (booking.channel and booking.channel.source) or DEFAULT_CHANNEL
    return values


def currency_code(written: str) -> str:
    """The ISO 4217 code; raises RowRejectedError."""
    code = written.upper()
    if not _CURRENCY.fullmatch(code):
        raise RowRejectedError("currency", "invalid_currency", f"currency: {shown(written)} is not an ISO 4217 code")
    return code


def _number_of_guests(booking: Booking) -> int | None:
    """Of the booking, else of its rooms; None where neither tells."""
    whole = _people([booking])
    return _people(booking.rooms or ()) if whole is None else whole


def _people(parties: Iterable[Booking | BookedRoom]) -> int | None:
    told = [people for party in parties for people in (party.adults, party.children) if people is not None]
    return sum(told) if told else None


def _lines(
    booking: Booking, nights: int, options: MappingOptions
) -> tuple[tuple[MappedLine, ...] | None, tuple[str, ...]]:
    """The lines, and the entities of which the payload tells nothing; None where it tells nothing of any."""
    kinds = {"rooms": ROOM_LINE, "extras": EXTRA_LINE}
    untold = tuple(entity for name, entity in kinds.items() if not booking.carries(name))
    if len(untold) == len(kinds):
        return None, ()
    rooms = room_lines(booking.rooms or (), nights, options)
    extras = extra_lines(booking.extras or (), options)
    return (*rooms, *extras), untold


def _total(booking: Booking, lines: Iterable[MappedLine]) -> str | None:
    """What the guest owes; discounts may be lines of their own, but nobody books for less than nothing."""
    sold = sum(Decimal(str(line.values["product_uom_qty"])) * Decimal(str(line.values["price_unit"])) for line in lines)
    total = booking.total_amount
    for field, amount in (("total_amount", total), ("extras", sold)):
        if amount is not None and amount <= -_CENT:
            raise RowRejectedError(field, "negative_total", f"{field}: the total, {amount:f}, is negative")
    return None if total is None else decimal_text(total)
