"""Guests become partners. The guest inside a booking is as good a source as the guest's own record; the newest wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from odoo_pipelines.systems import contacts
from odoo_pipelines.systems.base import MappedRow, MappingOptions, Value
from odoo_pipelines.systems.payload import Fault
from odoo_pipelines.systems.pms.models import Booking, Guest
from odoo_pipelines.systems.values import UnreadableValueError

GUEST = "guest"
UNKNOWN_NAME = "Unknown Guest"

_COPIED = {
    "lang": "language",
    "x_document_type": "document_type",
    "x_document_number": "document_number",
    "x_nationality": "nationality",
    "x_vip_status": "vip_status",
    "x_loyalty_points": "loyalty_points",
}
_ADDRESS = {"street": "street", "street2": "street2", "city": "city", "zip": "postal_code"}
_COUNTRY_CODE_LENGTH = 2


def partners_of_guest(guest: Guest, _options: MappingOptions) -> Sequence[MappedRow]:
    """Maps a guest's own record."""
    return (_partner(guest, guest.updated_at, guest.faults),)


def partners_of_booking(booking: Booking, _options: MappingOptions) -> Sequence[MappedRow]:
    """Maps the guest inside a booking; nothing where there is no readable one, for then the order is rejected.

    A guest without any name is a mere reference: it may create the partner that the order needs, but must not rename
    one that is known.
    """
    guest = booking.guest
    if guest is None:
        return ()
    faults = tuple(fault for fault in booking.faults if fault.path[0] == "guest")
    row = _partner(guest, guest.updated_at or booking.updated_at, faults, prefix="guest.")
    return (row if guest.carries("first_name", "last_name") else replace(row, only_create=True),)


def _partner(guest: Guest, updated_at: datetime | None, faults: tuple[Fault, ...], *, prefix: str = "") -> MappedRow:
    warnings: list[str] = []
    country = _country(guest, warnings)
    values: dict[str, Value] = {
        "name": " ".join(filter(None, (guest.first_name, guest.last_name))) or UNKNOWN_NAME,
        "customer_rank": 1,
        "x_external_guest_id": guest.id,
        **guest.carried(_COPIED),
        **_address(guest),
        **country,
        **_email(guest, warnings),
        **_phones(guest, country.get("country_id"), warnings),
    }
    if guest.carries("date_of_birth"):
        values["x_date_of_birth"] = guest.date_of_birth.isoformat() if guest.date_of_birth else None
    dropped = (*(fault.warning for fault in faults), *(f"{prefix}{warning}" for warning in warnings))
    return MappedRow(GUEST, guest.id, updated_at, values, warnings=dropped)


def _address(guest: Guest) -> dict[str, Value]:
    if guest.address is not None:
        return guest.address.carried(_ADDRESS)
    return dict.fromkeys(_ADDRESS) if guest.carries("address") else {}


def _country(guest: Guest, warnings: list[str]) -> dict[str, str | None]:
    if not guest.carries("country", "country_code"):
        return {}
    code = (guest.country or guest.country_code or "").upper()
    if not code:
        return {"country_id": None}
    if len(code) == _COUNTRY_CODE_LENGTH and code.isascii() and code.isalpha():
        return {"country_id": code}
    warnings.append("country: invalid_country_code")
    return {}


def _email(guest: Guest, warnings: list[str]) -> dict[str, str | None]:
    if not guest.carries("email"):
        return {}
    return _readable({"email": guest.email}, contacts.email, warnings)


def _phones(guest: Guest, country: str | None, warnings: list[str]) -> dict[str, str | None]:
    """`phone` falls back on the mobile number, because Odoo has had no field for that since version 19."""
    numbers = _readable(
        guest.carried({"phone": "phone", "mobile": "mobile"}),
        lambda written: contacts.phone(written, country),
        warnings,
    )
    if numbers.get("phone") is None and guest.mobile:
        numbers.pop("phone", None)
        if "mobile" in numbers:
            numbers["phone"] = numbers["mobile"]
    return numbers


def _readable(written: dict[str, str | None], read: Callable[[str], str], warnings: list[str]) -> dict[str, str | None]:
    """The values as `read` gives them back; those that it refuses are left out, so that Odoo keeps what it has."""
    values: dict[str, str | None] = {}
    for name, value in written.items():
        try:
            values[name] = read(value) if value else None
        except UnreadableValueError as error:
            warnings.append(f"{name}: {error.code}")
    return values
