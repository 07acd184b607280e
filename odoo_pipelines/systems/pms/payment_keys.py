"""By what a payment is known: its own id, else its transaction and its booking together.

One charge of a card may pay for several bookings, and then all these payments have one transaction id. At first
it was the key alone; what is in Odoo since then is found by it, and given its new key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from odoo_pipelines.systems.values import UnreadableValueError, external_id, nullable

PAYMENT = "payment"
REFUND = "refund"

_BY_TRANSACTION_ALONE = "transaction:"
_BY_BOOKING = "booking:"
_OWN = "id:"
_LOOKS_MADE_UP = re.compile(rf"(?:{_OWN})*(?:{_BY_TRANSACTION_ALONE}|{_BY_BOOKING})")
_optional_id = nullable(external_id)


def payment_id(record: Mapping[str, Any]) -> str:
    """The external id of a payment as it came.

    Raises:
        UnreadableValueError: its id cannot be read, or it has none, and no transaction or no booking.
    """
    own = _optional_id(record.get("id"))
    if own is not None:
        return payment_key(own, None, None)
    return payment_key(None, _optional_id(record.get("transaction_id")), _optional_id(record.get("booking_id")))


def payment_key(own: str | None, transaction: str | None, booking: str | None) -> str:
    """The external id of a payment; an id of the source that looks like one that is made up here is marked as its own.

    Raises:
        UnreadableValueError: there is no id, and no transaction or no booking.
    """
    if own is not None:
        return f"{_OWN}{own}" if _LOOKS_MADE_UP.match(own) else own
    if transaction is None or booking is None:
        raise UnreadableValueError("missing", "has no id, and not both a transaction and a booking")
    return f"{_BY_BOOKING}{quote(booking, safe='')}/{transaction}"


def former_keys(own: str | None, transaction: str | None, booking: str | None) -> tuple[str, ...]:
    """What the payment may have been known by before: the source had no ids yet, or the transaction was the key."""
    if transaction is None:
        return ()
    together = [payment_key(None, transaction, booking)] if own is not None and booking is not None else []
    return (*together, f"{_BY_TRANSACTION_ALONE}{transaction}")


def sync_parts(entity: str, key: str) -> tuple[str, ...]:
    """The parts of a sync key. The first ones were entity and transaction id; no new one equals any of them."""
    if key.startswith(_BY_TRANSACTION_ALONE):
        return entity, key.removeprefix(_BY_TRANSACTION_ALONE)
    return entity, "id", key
