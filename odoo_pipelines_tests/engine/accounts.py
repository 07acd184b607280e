"""The small Odoo with its books: journals, payments, and the entries that posting makes, traps included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.errors import OdooValidationError
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.schema import ModelSchema
from odoo_pipelines.systems.base import MappedRow, RejectedRow, Value
from odoo_pipelines.systems.pms.payment_target import ACCOUNT_PAYMENT
from odoo_pipelines_tests.engine.fakes import Row
from odoo_pipelines_tests.engine.sales import (
    SCHEMAS,
    SalesOdoo,
    World,
    _reference,
    _schema,
    booking,
    guest,
    hashed,
    moment,
)

PAYMENT, JOURNAL, MOVE = "account.payment", "account.journal", "account.move"
LOCK = "user_fiscalyear_lock_date"
_SELECTIONS = {"payment_type": "selection", "partner_type": "selection", "state": "selection"}
LATER = ("", "2026-11-30")
"""The day on which what belongs into a closed period is booked."""
_LOSES_ITS_ENTRY = {"partner_id", "journal_id"}
_KEPT_BY_ENTRY = {"amount", "currency_id", "date"}
_ACTIONS = {
    "action_post": ({"draft"}, "in_process"),
    "action_cancel": ({"draft", "in_process", "canceled"}, "canceled"),
    "action_draft": ({"draft", "in_process", "canceled"}, "draft"),
}


def _schemas() -> dict[str, ModelSchema]:
    payment = _schema(PAYMENT, ACCOUNT_PAYMENT.fields, **_SELECTIONS, name="char", move_id="many2one")
    order = SCHEMAS["sale.order"]
    links = {
        name: FieldSchema(name, "many2one", relation=relation)
        for name, relation in (("partner_id", "res.partner"), ("currency_id", "res.currency"))
    }
    return SCHEMAS | {
        PAYMENT: ModelSchema(PAYMENT, dict(payment.fields) | links),
        MOVE: ModelSchema(MOVE, {"date": FieldSchema("date", "date")}),
        "res.company": ModelSchema(
            "res.company", dict(SCHEMAS["res.company"].fields) | {LOCK: FieldSchema(LOCK, "date")}
        ),
        JOURNAL: ModelSchema(JOURNAL, dict(_reference(JOURNAL).fields) | {"type": FieldSchema("type", "selection")}),
        "sale.order": ModelSchema("sale.order", dict(order.fields) | links | {"name": FieldSchema("name", "char")}),
    }


@dataclass
class AccountsOdoo(SalesOdoo):
    """With a bank, a cash desk and a journal for sales. What a posted payment has in the books is its `entry`."""

    schemas: Any = field(default_factory=_schemas)

    def __post_init__(self) -> None:
        super().__post_init__()
        for code, kind in (("SAL", "sale"), ("CSH1", "cash"), ("BNK1", "bank"), ("BNK2", "bank")):
            self.seed(JOURNAL, name=code, code=code, type=kind)

    def on_create(self, model: str, row: Row) -> None:
        super().on_create(model, row)
        if model == "sale.order":
            number = 1 + len(self.tables["sale.order"])
            row |= {"name": f"S{number:05}", "currency_id": self.tables["res.company"][1]["currency_id"]} | row
        if model == PAYMENT:
            if row["amount"] < 0:
                raise OdooValidationError("refused", model=model, odoo_message="The payment amount cannot be negative.")
            row |= {"state": "draft", "posts_entry": True} | row

    def check_write(self, model: str, row: Row, vals: Row) -> None:
        super().check_write(model, row, vals)
        if model == PAYMENT and row["state"] == "draft" and _LOSES_ITS_ENTRY & vals.keys():
            row["posts_entry"] = False

    def act(self, model: str, method: str, ids: Sequence[int]) -> None:
        if model != PAYMENT:
            super().act(model, method, ids)
            return
        needed, state = _ACTIONS[method]
        for payment in ids:
            row = self._row(model, payment)
            if row["state"] in needed:
                self._store(
                    model,
                    payment,
                    row | {"state": state} | (self._posted(payment, row) if state == "in_process" else {}),
                )

    def _posted(self, payment: int, row: Row) -> Row:
        entry = {name: row.get(name) for name in _KEPT_BY_ENTRY}
        journal = self.tables[JOURNAL][row["journal_id"]]["code"]
        closed = self.tables["res.company"][self.company].get(LOCK) or ""
        if row["posts_entry"]:
            self.tables.setdefault(MOVE, {})[payment] = {
                "id": payment,
                "date": max(str(row.get("date", "")), LATER[bool(closed)]),
            }
        return {
            "name": f"P{journal}/2026/{payment:05}",
            **({"move_id": payment, "entry": entry} if row["posts_entry"] else {}),
        }


class AccountsWorld(World):
    """An Odoo with books, and runs into it."""

    def __init__(self) -> None:
        super().__init__(odoo=AccountsOdoo())

    def payments(self, *rows: MappedRow | RejectedRow, **options: Any) -> FlowReport:
        """Loads payments."""
        return self.load(ACCOUNT_PAYMENT, *rows, **options)

    def with_bookings(self, *external_ids: str) -> AccountsWorld:
        """Their orders are there."""
        self.guests(guest("g1"))
        self.orders(*(booking(each) for each in external_ids))
        self.odoo.calls.clear()
        return self

    def payment(self, entity: str = "payment", external_id: str = "tx-1") -> Row:
        """The payment of a transaction."""
        [row] = [row for row in self.odoo.rows(PAYMENT) if row["x_sync_key"] == f"hotel.{entity}.id.{external_id}"]
        return row

    def journal(self, code: str) -> int:
        """The id of a journal."""
        [found] = [row for row in self.odoo.rows(JOURNAL) if row["code"] == code]
        return int(found["id"])


def payment(external_id: str = "tx-1", at: float | None = 1, *, booking: str = "b1", **values: Value) -> MappedRow:
    """A payment of a booking, as the mapping of the PMS makes it."""
    given: dict[str, Value] = {
        "payment_type": "inbound",
        "partner_type": "customer",
        "partner_id": booking,
        "memo": booking,
        "amount": 100.0,
        "currency_id": f"booking/{booking}",
        "date": "2026-02-03",
        "journal_id": "type/bank",
        "x_external_transaction_id": external_id,
        "x_payment_gateway": "adyen",
        "x_related_booking_id": booking,
        "x_external_synced": True,
        **values,
    }
    return hashed(MappedRow("payment", external_id, moment(at), given, state="posted"))


def refund(external_id: str = "tx-1", at: float | None = 1, *, booking: str = "b1") -> MappedRow:
    """Money that was given back."""
    return hashed(replace(payment(external_id, at, booking=booking, payment_type="outbound"), entity="refund"))


def no_refund(external_id: str = "tx-1", at: float | None = 1) -> MappedRow:
    """What goes with a payment that was not refunded."""
    return hashed(replace(failed(external_id, at), entity="refund", weight=0))


def failed(external_id: str = "tx-1", at: float | None = 1) -> MappedRow:
    """A payment that should not be there."""
    values: dict[str, Value] = {"x_external_transaction_id": external_id}
    return hashed(MappedRow("payment", external_id, moment(at), values, state="cancel", only_existing=True))
