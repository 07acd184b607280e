"""Two ledgers, the PMS's and Odoo's: what came in and went out, by transaction, to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeAlias

Row: TypeAlias = Mapping[str, Any]
POSTED = ("in_process", "paid")
FIELDS = (
    *("name", "payment_type", "amount", "state", "move_id", "partner_id", "currency_id"),
    *("x_sync_key", "x_external_transaction_id", "x_related_booking_id", "x_external_synced"),
)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """Money that came in or went out.

    Attributes:
        transaction: its id.
        way: from the hotel's point of view.
        cents: how much.
        booking: that it is for.
    """

    transaction: str
    way: Literal["in", "out"]
    cents: int
    booking: str


class Accounts(Protocol):
    """Payments of an Odoo, as a person sees and changes them."""

    def rows(self, model: str, domain: Sequence[Any], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records, oldest first; many2one fields are ids."""

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method."""


def pms_ledger(payments: Iterable[Row]) -> Counter[Entry]:
    """What the PMS says: money that was given back came in before; a payment that failed is none."""
    ledger: Counter[Entry] = Counter()
    for payment in payments:
        place = (cents(payment["amount"]), str(payment["booking_id"]))
        if payment["status"] in ("received", "refunded"):
            ledger[Entry(payment["transaction_id"], "in", *place)] += 1
        if payment["status"] == "refunded":
            ledger[Entry(payment["transaction_id"], "out", *place)] += 1
    return ledger


def transactions_of(external_ids: Iterable[str], payments: Iterable[Row]) -> set[str]:
    """The transactions of payments by their ids in the PMS; what is no id of a payment there stays as it is."""
    known = {str(payment["id"]): str(payment["transaction_id"]) for payment in payments}
    return {known.get(each, each) for each in external_ids}


def odoo_ledger(payments: Iterable[Row]) -> Counter[Entry]:
    """What Odoo says: every posted payment that has to do with a booking."""
    return Counter(_entry(payment) for payment in payments if payment["state"] in POSTED)


def booked_in(odoo: Accounts, integration: str) -> list[dict[str, Any]]:
    """The payments of an integration, and those that people have registered for a booking."""
    domain = ["|", ("x_sync_key", "=like", f"{integration}.%"), ("x_related_booking_id", "!=", False)]
    rows = odoo.rows("account.payment", domain, FIELDS)
    return [row for row in rows if not row["x_sync_key"] or row["x_sync_key"].startswith(f"{integration}.")]


def differing(one: Counter[Entry], other: Counter[Entry]) -> set[str]:
    """Transactions of which the ledgers do not say the same."""
    return {entry.transaction for entry in ((one - other) + (other - one))}


def assert_nothing_is_there_twice(pms: Sequence[Row], odoo: Sequence[Row]) -> None:
    """One transaction, one payment, on either side; and every posted one has its journal entry."""
    assert _several(payment["transaction_id"] for payment in pms) == []
    assert _several(payment["x_sync_key"] for payment in odoo if payment["x_sync_key"]) == []
    posted = [payment for payment in odoo if payment["state"] in POSTED]
    told = [payment for payment in posted if payment["x_external_transaction_id"]]
    assert _several((payment["x_external_transaction_id"], payment["payment_type"]) for payment in told) == []
    assert [payment["name"] for payment in posted if not payment["move_id"]] == []


def correct(odoo: Accounts, rows: Sequence[Row], pms: Iterable[Row], transactions: set[str]) -> None:
    """What a person does in Odoo about payments that wait for one: makes them what the PMS says.

    A payment that the PMS does not know, or does not take, is removed; if it has it after all, it comes in again.
    """
    wanted = {(entry.transaction, entry.way): entry.cents for entry in pms_ledger(pms)}
    for row in rows:
        entry = _entry(row)
        if entry.transaction in transactions:
            _make(odoo, row, wanted.get((entry.transaction, entry.way)))


def cents(amount: Any) -> int:
    """An amount in cents."""
    return int((Decimal(str(amount)) * 100).to_integral_value())


def _make(odoo: Accounts, row: Row, wanted: int | None) -> None:
    is_known = bool(row["x_external_transaction_id"])
    if row["state"] in POSTED and is_known and cents(row["amount"]) == wanted:
        return
    odoo.call("account.payment", "action_draft", [row["id"]])
    if is_known and wanted is not None:
        odoo.call("account.payment", "write", [row["id"]], {"amount": wanted / 100})
        odoo.call("account.payment", "action_post", [row["id"]])
        return
    odoo.call("account.payment", "action_cancel", [row["id"]])
    if not is_known:
        odoo.call("account.payment", "unlink", [row["id"]])


def _entry(payment: Row) -> Entry:
    transaction = payment["x_external_transaction_id"] or payment["name"]
    way: Literal["in", "out"] = "in" if payment["payment_type"] == "inbound" else "out"
    return Entry(str(transaction), way, cents(payment["amount"]), str(payment["x_related_booking_id"]))


def _several(keys: Iterable[Any]) -> list[Any]:
    return [key for key, count in Counter(keys).items() if count > 1]
