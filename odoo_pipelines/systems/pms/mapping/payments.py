"""Payments become payments of Odoo: one by transaction, and one more for money that was given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, MappingOptions, Value
from odoo_pipelines.systems.payload import missing
from odoo_pipelines.systems.pms.mapping.orders import BOOKING, currency_code
from odoo_pipelines.systems.pms.models import Payment
from odoo_pipelines.systems.values import odoo_float, shown

PAYMENT = "payment"
REFUND = "refund"
POSTED = "posted"
CANCEL = "cancel"
METHODS = ("credit_card", "debit_card", "cash", "bank_transfer", "check", "paypal", "stripe")

_RECEIVED, _REFUNDED, _FAILED = "received", "refunded", "failed"
_CASH = "cash"
_ESSENTIAL = frozenset({"transaction_id", "status", "booking_id", "amount", "currency"})


def payments_of_payment(payment: Payment, options: MappingOptions) -> Sequence[MappedRow]:
    """Maps a payment; one that was refunded came in, and went out again. One that failed should not be in Odoo.

    That there should be no refund is said by a row of no weight: nobody has counted on it.

    Raises:
        RowRejectedError: its transaction id, booking, amount, status or currency cannot be read, the amount is
            negative, or one of the first three is missing.
    """
    for fault in payment.faults:
        if fault.name in _ESSENTIAL:
            raise fault.rejection()
    if payment.transaction_id is None:
        raise missing("transaction_id")
    key, changed = payment.transaction_id, payment.updated_at
    status = _status(payment)
    none = MappedRow(REFUND, key, changed, {"x_external_transaction_id": key}, None, CANCEL, only_existing=True)
    if status == _FAILED:
        return (replace(none, entity=PAYMENT), replace(none, weight=0))
    journal, doubts = _journal(payment, options)
    common = {**_values(payment, key), "journal_id": journal}
    day_of_change = changed and changed.date()
    received = {**common, "payment_type": "inbound", **_date(payment.paid_at, day_of_change)}
    warnings = (*(fault.warning for fault in payment.faults), *doubts)
    came_in = MappedRow(PAYMENT, key, changed, received, state=POSTED, warnings=warnings)
    if status == _RECEIVED:
        return (came_in, replace(none, weight=0))
    # It went out when the status changed, as far as the PMS tells.
    refunded = {**common, "payment_type": "outbound", **_date(day_of_change, payment.paid_at)}
    return (came_in, MappedRow(REFUND, key, changed, refunded, state=POSTED))


def _status(payment: Payment) -> str:
    status = (payment.status or _RECEIVED).lower()
    if status not in (_RECEIVED, _REFUNDED, _FAILED):
        raise RowRejectedError("status", "unknown_status", f"status: {shown(payment.status)} is not known")
    return status


def _values(payment: Payment, transaction_id: str) -> dict[str, Value]:
    if payment.booking_id is None:
        raise missing("booking_id")
    if payment.amount is None:
        raise missing("amount")
    return {
        "partner_type": "customer",
        "partner_id": payment.booking_id,
        "memo": payment.booking_id,
        "amount": odoo_float(payment.amount),
        "currency_id": currency_code(payment.currency) if payment.currency else f"{BOOKING}/{payment.booking_id}",
        "x_external_transaction_id": transaction_id,
        "x_related_booking_id": payment.booking_id,
        "x_external_synced": True,
        **payment.carried({"x_payment_gateway": "gateway"}),
    }


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
