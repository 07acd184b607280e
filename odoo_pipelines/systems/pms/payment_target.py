"""account.payment as the PMS fills it: what is compared, what is written once, and which states it passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odoo_pipelines.systems.pms.mapping.orders import BOOKING
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, REFUND, sync_parts
from odoo_pipelines.systems.targets import (
    ANY_FIELD,
    Action,
    Entry,
    Identity,
    Lifecycle,
    Lookup,
    Match,
    RelatedValue,
    Requirement,
    Target,
    TargetField,
    Transition,
)

_POSTED = ("in_process", "paid", "posted")
"""Names of one state; the last before Odoo 18."""
_CANCELLED = ("canceled", "cancelled", "rejected", "cancel")


def payment_state(values: Mapping[str, Any]) -> str:
    """Names the state of a payment: draft, posted or cancel."""
    state = str(values["state"])
    if state in _POSTED:
        return "posted"
    return "cancel" if state in _CANCELLED else state


def _of_order(field: str, *followed_by: str) -> RelatedValue:
    return RelatedValue(BOOKING, "sale.order", field, followed_by)


# What is written once only: on a draft, Odoo would take it as a reason to post without a journal entry.
ACCOUNT_PAYMENT = Target(
    model="account.payment",
    right="Accounting / Invoicing",
    fields=(
        TargetField("payment_type", "selection", needed=True, only_on_create=True, sources=("payments.status",)),
        TargetField("partner_type", "selection", needed=True, only_on_create=True),
        TargetField(
            "partner_id",
            "many2one",
            related=_of_order("partner_id"),
            only_on_create=True,
            watched=True,
            sources=("payments.booking_id",),
        ),
        TargetField("amount", "monetary", needed=True, sources=("payments.amount", "payments.refunded_amount")),
        TargetField(
            "currency_id",
            "many2one",
            lookup=Lookup("res.currency", "name", required=True, fix="activate the currency in Odoo", currency=True),
            related=_of_order("currency_id"),
            sources=("payments.currency", "payments.booking_id"),
        ),
        TargetField("date", "date", only_on_create=True, sources=("payments.paid_at", "payments.updated_at")),
        TargetField(
            "memo",
            "char",
            related=_of_order("name", "x_external_transaction_id"),
            only_on_create=True,
            sources=("payments.booking_id", "payments.transaction_id"),
        ),
        TargetField(
            "journal_id",
            "many2one",
            lookup=Lookup(
                "account.journal",
                ANY_FIELD,
                required=True,
                fix="create the journal, or correct `journals` of the integration",
                also=(("type", "in", ("bank", "cash", "credit")),),
            ),
            only_on_create=True,
            sources=("payments.payment_method", "payments.gateway"),
        ),
        TargetField(
            "x_external_transaction_id",
            "char",
            label="External transaction ID",
            indexed=True,
            sources=("payments.transaction_id",),
        ),
        TargetField("x_payment_gateway", "char", label="Payment gateway", sources=("payments.gateway",)),
        TargetField(
            "x_related_booking_id",
            "char",
            label="Related booking ID",
            indexed=True,
            sources=("payments.booking_id",),
        ),
        TargetField("x_external_synced", "boolean", label="In the external system"),
    ),
    matches=(
        # What was sent out has its name for a transaction id. A cancelled one may have the same name.
        Match(
            PAYMENT,
            search="name",
            value="x_external_transaction_id",
            also=(("payment_type", "=", "inbound"), ("state", "in", _POSTED)),
            agreeing=("amount", "x_related_booking_id"),
        ),
    ),
    # A payment may be moved to another booking, but its transaction stays the same.
    identities=tuple(
        Identity(each, ("x_related_booking_id", "x_external_transaction_id"), needs=2) for each in (PAYMENT, REFUND)
    ),
    lifecycle=Lifecycle(
        read=("state",),
        state_of=payment_state,
        values_in={"draft": {"state": "draft"}, "posted": {"state": "in_process"}, "cancel": {"state": "canceled"}},
        transitions=(
            Transition("draft", "posted", (Action("action_post"),)),
            Transition("draft", "cancel", (Action("action_cancel"),)),
            Transition("cancel", "draft", (Action("action_draft"),)),
        ),
        read_only=("posted",),
        always_writable=("x_external_transaction_id", "x_payment_gateway", "x_related_booking_id", "x_external_synced"),
        edited_in=("draft",),
    ),
    sync_parts=sync_parts,
    agreeing=("payment_type", "x_related_booking_id"),
    confirming=("amount", "currency_id"),
    following=("amount",),
    entry=Entry(
        "move_id",
        "account.move",
        day="date",
        entry_day="date",
        state="posted",
        closed=(("user_fiscalyear_lock_date", "user_hard_lock_date"), ("fiscalyear_lock_date", "hard_lock_date")),
    ),
    requires=Requirement(
        "entries_exist",
        "Every posted payment has its journal entry; if not, set the outstanding accounts of the journals (doctor).",
        "move_id",
        (("state", "in", _POSTED),),
    ),
)
