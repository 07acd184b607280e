"""What Odoo has to hold, told from the hotel's records by the rules as people know them.

Nothing of the package's own mapping is used here: two readings of the same rules have to agree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import phonenumbers

from odoo_pipelines_tests.end_to_end.books import Books, Entry

COMPANY_LANGUAGE = "en_US"
STATES = {
    "confirmed": ("sale", False),
    "checked_in": ("sale", False),
    "checked_out": ("sale", True),
    "provisional": ("draft", False),
    "pending": ("draft", False),
    "cancelled": ("cancel", False),
    "no_show": ("cancel", False),
}
"""State and lock of the order by status of the booking."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%d-%m-%Y")


def expected_books(
    truth: Mapping[str, Any], languages: Collection[str] = (COMPANY_LANGUAGE,), *, without: Collection[str] = ()
) -> Books:
    """The books that the hotel's records make.

    Args:
        truth: what the hotel tells, by stream.
        languages: codes of those that are active in Odoo.
        without: ids of bookings that are to be rejected, besides those that the hotel made unusable.
    """
    unusable = {str(row["id"]) for row in truth["bad_rows"]} | set(without)
    bookings = [each for each in truth["bookings"] if str(each["id"]) not in unusable and each["id"] is not None]
    paid = [each for each in truth["payments"] if str(each["booking_id"]) in {str(row["id"]) for row in bookings}]
    names = {extra["name"] for each in truth["bookings"] for extra in _items(each["extras"])}
    return Books(
        guests={str(each["id"]): _guest(each, languages) for each in truth["guests"]},
        rooms={str(each["id"]): _room(each) for each in truth["rooms"]},
        extras={name: _extra(name) for name in names},
        bookings={str(each["id"]): _booking(each) for each in bookings},
        **_payments(paid, {str(each["id"]): each for each in bookings}),
    )


def _guest(guest: Mapping[str, Any], languages: Collection[str]) -> Entry:
    address = guest["address"] or {}
    country = guest.get("country") or guest.get("country_code")
    return {
        "name": f"{guest['first_name']} {guest['last_name']}".strip() or "Unknown Guest",
        "email": _email(guest["email"]),
        "phone": _phone(guest["phone"], country) or _phone(guest["mobile"], country),
        "country_id": country,
        "lang": _language(guest["language"], languages),
        "street": address.get("street") or None,
        "street2": address.get("street2") or None,
        "city": address.get("city") or None,
        "zip": address.get("postal_code") or None,
        "customer_rank": 1,
        "x_external_guest_id": str(guest["id"]),
        "x_date_of_birth": guest["date_of_birth"] and _date(guest["date_of_birth"]).isoformat(),
        "x_document_type": guest["document_type"],
        "x_document_number": guest["document_number"],
        "x_nationality": guest["nationality"],
        "x_vip_status": guest["vip_status"],
        "x_loyalty_points": guest["loyalty_points"],
    }


def _room(room: Mapping[str, Any]) -> Entry:
    return {
        "name": room["name"],
        "type": "service",
        "list_price": float(room["price_per_night"]),
        "x_is_room": True,
        "x_external_room_type_id": str(room["id"]),
        "x_max_occupancy": room["max_occupancy"],
        "categ_id": "Hotel Rooms",
    }


def _extra(name: str) -> Entry:
    return {"name": name, "type": "service", "x_is_room": False, "x_external_room_type_id": None}


def _booking(booking: Mapping[str, Any]) -> Entry:
    check_in, check_out = _date(booking["check_in"]), _date(booking["check_out"])
    nights = (check_out - check_in).days
    state, locked = STATES[booking["status"]]
    lines = [
        *(_room_line(room, nights) for room in booking["rooms"]),
        *(_extra_line(extra) for extra in booking["extras"]),
    ]
    return {
        "partner_id": str(booking["guest"]["id"]),
        "client_order_ref": booking["booking_reference"],
        "date_order": _moment(booking["created_at"]),
        "note": _note(booking["special_requests"]),
        "state": state,
        "locked": locked,
        "amount_total": float(booking["total_amount"]),
        "currency_id": booking["currency"],
        "x_external_id": str(booking["id"]),
        "x_external_reference": booking["booking_reference"],
        "x_check_in_date": check_in.isoformat(),
        "x_check_out_date": check_out.isoformat(),
        "x_number_of_nights": nights,
        "x_number_of_guests": booking["adults"] + booking["children"],
        "x_booking_channel": booking["channel"]["source"] if booking["channel"] else "direct",
        "x_external_status": booking["status"],
        "lines": sorted(lines, key=repr),
    }


def _payments(
    paid: Sequence[Mapping[str, Any]], bookings: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Entry]]:
    kept = [each for each in paid if each["status"] != "failed"]
    returned = [each for each in kept if each["status"] == "refunded"]
    entries = {id(each): _payment(each, bookings[str(each["booking_id"])]) for each in kept}
    return {
        "payments": {each["transaction_id"]: entries[id(each)] for each in kept},
        "refunds": {
            each["transaction_id"]: {
                **entries[id(each)],
                "payment_type": "outbound",
                "date": _moment(each["updated_at"])[:10],
            }
            for each in returned
        },
    }


def _payment(payment: Mapping[str, Any], booking: Mapping[str, Any]) -> Entry:
    return {
        "payment_type": "inbound",
        "partner_type": "customer",
        "partner_id": str(booking["guest"]["id"]),
        "amount": float(payment["amount"]),
        "entry": float(payment["amount"]),
        "currency_id": payment.get("currency") or booking["currency"],
        "date": _moment(payment["paid_at"])[:10],
        "memo": f"{booking['id']} - {payment['transaction_id']}",
        "state": "in_process",
        "x_external_transaction_id": payment["transaction_id"],
        "x_payment_gateway": payment.get("gateway"),
        "x_related_booking_id": str(booking["id"]),
        "x_external_synced": True,
    }


def _room_line(room: Mapping[str, Any], nights: int) -> Entry:
    return {
        "product_id": ("room", str(room["room_type_id"])),
        "name": f"{room['room_type_name']} - {nights} night(s)",
        "product_uom_qty": float(room["quantity"] * (nights or 1)),
        "price_unit": float(room["price_per_night"]),
        "tax_ids": [],
        "x_room_number": room["room_number"] or None,
        "x_rate_plan": room["rate_plan_name"],
        "x_adults": room["adults"],
        "x_children": room["children"],
    }


def _extra_line(extra: Mapping[str, Any]) -> Entry:
    return {
        "product_id": ("extra", extra["name"]),
        "name": extra["name"],
        "product_uom_qty": float(extra["quantity"]),
        "price_unit": float(extra["price_per_unit"]),
        "tax_ids": [],
        "x_room_number": None,
        "x_rate_plan": None,
        "x_adults": 0,
        "x_children": 0,
    }


def _items(lines: Any) -> Sequence[Mapping[str, Any]]:
    return lines if isinstance(lines, list) else []


def _email(written: str) -> str | None:
    trimmed = written.strip().lower()
    return trimmed if _EMAIL.fullmatch(trimmed) else None


def _phone(written: str, country: str | None) -> str | None:
    if not written:
        return None
    number = phonenumbers.parse(written, country)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _language(tag: str, languages: Collection[str]) -> str:
    code = tag.replace("-", "_")
    short = code.partition("_")[0]
    exact = [each for each in languages if each == code]
    usual = [each for each in languages if each == f"{short}_{short.upper()}"]
    variants = sorted(each for each in languages if each.partition("_")[0] == short)
    return next(iter([*exact, *usual, *variants]), COMPANY_LANGUAGE)


def _note(written: str | None) -> str | None:
    return (written or "").strip().replace("\r\n", "\n") or None


def _date(written: str) -> date:
    for pattern in _DATES:
        try:
            return datetime.strptime(written, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise AssertionError(f"no date: {written}")


def _moment(written: str) -> str:
    return written[:19].replace("T", " ")
