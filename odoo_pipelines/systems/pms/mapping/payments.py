"""Payments become payments of Odoo: one for the money that came in, and one more for what was given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, MappingOptions, Value
from odoo_pipelines.systems.payload import missing, require_readable
from odoo_pipelines.systems.pms.mapping.orders import BOOKING, currency_code
from odoo_pipelines.systems.pms.models import PAYMENT_NEEDS, Payment
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, REFUND, former_keys, payment_key
from odoo_pipelines.systems.values import UnreadableValueError, odoo_float, shown

POSTED = "posted"
CANCEL = "cancel"
METHODS = ("credit_card", "debit_card", "cash", "bank_transfer", "check", "paypal", "stripe")

_RECEIVED, _REFUNDED, _FAILED = "received", "refunded", "failed"
_CASH = "cash"
_NAMES = {"x_external_transaction_id": "transaction_id", "x_related_booking_id": "booking_id"}


def payments_of_payment(payment: Payment, options: MappingOptions) -> Sequence[MappedRow]:
    """Maps a payment; what was given back came in, and went out again. One that failed should not be in Odoo.

    That there should be no refund is said by a row of no weight: nobody has counted on it.

    Raises:
        RowRejectedError: its booking, status, currency or an amount cannot be read, an amount is negative, booking or
            amount is missing, more was given back than came in, or nothing tells which payment it is.
    """
    require_readable(payment.faults, PAYMENT_NEEDS)
    key, changed = _key(payment), payment.updated_at
    status = _status(payment)
    former = former_keys(payment.id, payment.transaction_id, payment.booking_id)
    none = MappedRow(REFUND, key, changed, payment.carried(_NAMES), None, CANCEL, only_existing=True, former=former)
    if status == _FAILED:
        return (replace(none, entity=PAYMENT), replace(none, weight=0))
    journal, doubts = _journal(payment, options)
    booking, amount = _required(payment)
    common = {**_values(payment, booking), "journal_id": journal}
    day_of_change = changed and changed.date()
    received = {**common, **_money(amount, "inbound"), **_date(payment.paid_at, day_of_change)}
    warnings = (*(fault.warning for fault in payment.faults), *doubts)
    came_in = MappedRow(PAYMENT, key, changed, received, state=POSTED, warnings=warnings, former=former)
    back = _given_back(payment, status, amount)
    if not back:
        return (came_in, replace(none, weight=0))
    # It went out when the status changed, as far as the PMS tells.
    refunded = {**common, **_money(back, "outbound"), **_date(day_of_change, payment.paid_at)}
    follows = "" if payment.refunded_amount is not None else PAYMENT
    return (came_in, MappedRow(REFUND, key, changed, refunded, state=POSTED, former=former, follows=follows))


def _key(payment: Payment) -> str:
    try:
        return payment_key(payment.id, payment.transaction_id, payment.booking_id)
    except UnreadableValueError:
        for fault in payment.faults:
            if fault.name == "transaction_id":
                raise fault.rejection() from None
        raise missing("booking_id" if payment.transaction_id else "id") from None


def _status(payment: Payment) -> str:
    status = (payment.status or _RECEIVED).lower()
    if status not in (_RECEIVED, _REFUNDED, _FAILED):
        raise RowRejectedError("status", "unknown_status", f"status: {shown(payment.status)} is not known")
    return status


def _required(payment: Payment) -> tuple[str, Decimal]:
    if payment.booking_id is None:
        raise missing("booking_id")
    if payment.amount is None:
        raise missing("amount")
    return payment.booking_id, payment.amount


def _values(payment: Payment, booking: str) -> dict[str, Value]:
    return {
        "partner_type": "customer",
        "partner_id": booking,
        "memo": booking,
        "currency_id": currency_code(payment.currency) if payment.currency else f"{BOOKING}/{booking}",
        "x_external_synced": True,
        **payment.carried({**_NAMES, "x_payment_gateway": "gateway"}),
    }


def _money(amount: Decimal, direction: str) -> dict[str, Value]:
    return {"payment_type": direction, "amount": odoo_float(amount)}


def _given_back(payment: Payment, status: str, amount: Decimal) -> Decimal | None:
    """How much; all of it where only the status tells."""
    if payment.refunded_amount is None:
        return amount if status == _REFUNDED else None
    if payment.refunded_amount > amount:
        reason = f"refunded_amount: {payment.refunded_amount} is more than the amount, {amount}"
        raise RowRejectedError("refunded_amount", "more_than_amount", reason)
    return payment.refunded_amount


def _journal(payment: Payment, options: MappingOptions) -> tuple[str, tuple[str, ...]]:
    """What leads to the journal: the code that was chosen, else the type; and what was guessed."""
    method, gateway = (payment.payment_method or "").lower(), (payment.gateway or "").lower()
    for key in (f"{method}/{gateway}", gateway, method):
        if key in options.journals:
            return f"code/{options.journals[key]}", ()
    if method == _CASH:
        return "type/cash", ()
    return "type/bank", () if method in METHODS else ("payment_method: unknown",)


def _date(*days: date | None) -> dict[str, Value]:
    """The first that is known; where none is, Odoo takes today."""
    known = [day.isoformat() for day in days if day]
    return {"date": known[0]} if known else {}
