"""What the PMS is told of: payments that were registered in Odoo."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.outbound import Message, OdooRow, Owner, PostedFlow
from odoo_pipelines.systems.pms.mapping.orders import BOOKING
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, payment_key, sync_parts

_METHODS = {"cash": "cash", "bank": "bank_transfer", "credit": "credit_card"}
"""The contract's words for the types of journals."""
_CENT = Decimal("0.01")
_PAYMENTS = (
    ("x_related_booking_id", "!=", False),
    ("payment_type", "=", "inbound"),
    ("partner_type", "=", "customer"),
    ("state", "in", ["in_process", "paid", "posted"]),  # the last before Odoo 18
)


def payment_message(payment: OdooRow) -> Message:
    """A posted payment, as the booking's payments take it."""
    booking, name = str(payment["x_related_booking_id"]).strip(), str(payment["name"] or "").strip()
    if not booking.strip("."):
        raise RowRejectedError("x_related_booking_id", "invalid_id", f"{booking!r} is no id of a booking")
    if name in ("", "/"):
        raise RowRejectedError("name", "missing_value", "the payment has no name, which would be its transaction id")
    body: dict[str, Any] = {"amount": payment["amount"], "transaction_id": name}
    if method := _METHODS.get(payment["journal_id.type"]):
        body["payment_method"] = method
    if payment["date"]:
        body["paid_at"] = f"{payment['date']}T00:00:00Z"
    return Message(name, "/bookings", (booking, "payments"), body)


def is_same_payment(message: Message, told: Any) -> bool:
    """Whether the PMS's payment has our booking, transaction id and amount, to the cent."""
    return (
        isinstance(told, Mapping)
        and str(told.get("booking_id")) == message.segments[0]
        and told.get("transaction_id") == message.key
        and _cents(told.get("amount")) == _cents(message.body["amount"])
    )


def transaction_id(told: Any) -> str:
    """The transaction id of a payment of the PMS."""
    return str(told.get("transaction_id") or "") if isinstance(told, Mapping) else ""


def payment_sync_parts(payment: OdooRow) -> tuple[str, ...]:
    """Transaction and booking together, until the PMS lists it with an id of its own."""
    return sync_parts(PAYMENT, payment_key(None, str(payment["name"]), str(payment["x_related_booking_id"]).strip()))


def payment_marks(payment: OdooRow) -> Mapping[str, Any]:
    """What tells that the PMS has the payment."""
    return {"x_external_synced": True, "x_external_transaction_id": payment["name"]}


def _cents(amount: Any) -> Decimal | None:
    try:
        return Decimal(str(amount)).quantize(_CENT)
    except InvalidOperation:
        return None


PAYMENTS_OUT = PostedFlow(
    name="payments_out",
    source="payments",
    entity=PAYMENT,
    description="Customers' payments that were registered in Odoo.",
    model="account.payment",
    domain=(("x_external_synced", "=", False), ("x_sync_key", "=", False), *_PAYMENTS),
    sent=_PAYMENTS,
    fields=(
        "name",
        "amount",
        "currency_id",
        "date",
        "state",
        "journal_id.type",
        "partner_id.commercial_partner_id",
        "x_related_booking_id",
    ),
    key="name",
    owner=Owner(
        entity=BOOKING,
        named_by="x_related_booking_id",
        model="sale.order",
        external_id="x_external_id",
        alike="partner_id.commercial_partner_id",
        agreeing=("currency_id",),
    ),
    message=payment_message,
    is_same=is_same_payment,
    stream="payments",
    key_of=transaction_id,
    marks=payment_marks,
    marked_in="x_external_transaction_id",
    sync_parts=payment_sync_parts,
)
