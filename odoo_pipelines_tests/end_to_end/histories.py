"""What may happen to payments on both sides, and to the runs between them, by dice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from odoo_pipelines.defs.jobs import Mode
from odoo_pipelines_tests.end_to_end.ledgers import (
    POSTED,
    Accounts,
    assert_nothing_is_there_twice,
    booked_in,
    correct,
    differing,
    odoo_ledger,
    pms_ledger,
)

EVENTS, SETTLEMENTS = 20, 3
RUNS: tuple[Mode, ...] = ("delta", "full", "outbound", "outbound_full")
SETTLING: tuple[Mode, ...] = ("delta", "outbound_full", "delta", "full")
"""In the end: what is new comes in, what waits goes out, comes back, and all of it is compared."""
PAYMENT = "account.payment"


class Desk(Protocol):
    """The PMS, as the people at its desk use it."""

    def payments(self) -> list[dict[str, Any]]:
        """All payments as they are served now."""

    def edit(self, external_id: str, stream: str, **fields: Any) -> None:
        """Changes a record."""

    def book(self) -> None:
        """Somebody books, and perhaps pays."""


class Exchange(Protocol):
    """A PMS, an Odoo, and what runs between them."""

    @property
    def integration(self) -> str:
        """Name of the integration."""

    @property
    def pms(self) -> Desk:
        """One side."""

    @property
    def odoo(self) -> Accounts:
        """The other."""

    def run(self, mode: Mode, trouble: Random | None = None) -> bool:
        """A run, which trouble may end; gives whether it got to its end."""

    def questions(self) -> set[str]:
        """Transactions that wait for a person: open conflicts and dead letters."""


class History:
    """One history of an exchange.

    Args:
        exchange: of which it is.
        seed: another one gives another history.
    """

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._dice = Random(seed)  # noqa: S311 - a history, not a secret
        self._by_hand: set[str] = set()
        self.happened: list[str] = []

    def happen(self, events: int = EVENTS) -> None:
        """Lets things happen, runs in between."""
        for _ in range(events):
            event = self._dice.choice(self._events())
            self.happened.append(event.__name__)
            event()

    def assert_the_ledgers_agree(self) -> None:
        """After runs without trouble both sides say the same, but for what the tool has asked a person about.

        What a person then corrects in Odoo makes them the same to the cent.
        """
        for _ in range(SETTLEMENTS):
            self._calm_runs()
            left = self._differing()
            assert left <= self._exchange.questions() | self._by_hand, self._told(left)
            if not left:
                return
            pms = self._exchange.pms.payments()
            correct(self._exchange.odoo, self._rows(), pms, left)
            self._by_hand.clear()
        raise AssertionError(self._told(self._differing()))

    def _calm_runs(self) -> None:
        for mode in SETTLING:
            assert self._exchange.run(mode), f"a calm {mode} run failed: {self.happened}"

    def _differing(self) -> set[str]:
        pms, odoo = self._exchange.pms.payments(), self._rows()
        assert_nothing_is_there_twice(pms, odoo)
        return differing(pms_ledger(pms), odoo_ledger(odoo))

    def _told(self, transactions: set[str]) -> str:
        pms = [each for each in self._exchange.pms.payments() if each["transaction_id"] in transactions]
        odoo = [
            each
            for each in self._rows()
            if each["x_external_transaction_id"] in transactions or each["name"] in transactions
        ]
        return "\n".join([f"after {self.happened}, {transactions}:", *map(str, pms), *map(str, odoo)])

    def _events(self) -> Sequence[Callable[[], None]]:
        runs = [self._run, self._run, *[self._troubled_run] * 3, *[self._troubled_sending] * 4]
        desk = [self._status, self._amount, self._touch, self._book]
        office = [*[self._register] * 5, self._post, self._cancel, self._round_trip, self._other_amount]
        return [*runs, *desk, *office]

    def _run(self) -> None:
        mode = self._dice.choice(RUNS)
        self.happened.append(mode)
        assert self._exchange.run(mode), f"a calm {mode} run failed: {self.happened}"

    def _troubled_run(self) -> None:
        mode = self._dice.choice(RUNS)
        self.happened.append(mode)
        self._exchange.run(mode, Random(self._dice.random()))  # noqa: S311

    def _troubled_sending(self) -> None:
        """Something new is sent, and the run may die on it."""
        self._register()
        self._exchange.run("outbound", Random(self._dice.random()))  # noqa: S311

    def _status(self) -> None:
        """Money is given back, or never came after all, or came after all."""
        status = self._dice.choice(["received", "refunded", "refunded", "failed"])
        self._change_payment(self._exchange.pms.payments(), status=status)

    def _amount(self) -> None:
        self._change_payment(self._exchange.pms.payments(), amount=self._money())

    def _touch(self) -> None:
        self._change_payment(self._exchange.pms.payments(), gateway=self._dice.choice(["adyen", "stripe", "desk"]))

    def _change_payment(self, payments: Sequence[dict[str, Any]], **fields: Any) -> None:
        if payments:
            payment = self._dice.choice(payments)
            self.happened.append(f"{payment['transaction_id']}: {fields}")
            self._exchange.pms.edit(payment["id"], "payments", **fields)

    def _book(self) -> None:
        self._exchange.pms.book()

    def _register(self) -> None:
        """Somebody registers a payment, and usually posts it."""
        orders = self._exchange.odoo.rows(
            "sale.order", [("x_sync_key", "=like", f"{self._exchange.integration}.%")], ["partner_id", "x_external_id"]
        )
        if not orders:
            return
        order = self._dice.choice(orders)
        values = {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": order["partner_id"],
            "amount": self._money(),
            "x_related_booking_id": order["x_external_id"],
        }
        ids = self._exchange.odoo.call(PAYMENT, "create", [values])
        if self._dice.random() < 0.8:
            self._exchange.odoo.call(PAYMENT, "action_post", ids)

    def _post(self) -> None:
        self._act("action_post", *self._chosen("draft", synced=False))

    def _cancel(self) -> None:
        """A payment is cancelled; whether the PMS knows of it or not."""
        for row in self._chosen(*POSTED, "draft"):
            if row["state"] in POSTED:
                self._act("action_draft", row)
            self._act("action_cancel", row)
            self._by_hand.add(row["x_external_transaction_id"] or row["name"])

    def _round_trip(self) -> None:
        """Back to draft, and posted again as it was."""
        rows = self._chosen(*POSTED)
        self._act("action_draft", *rows)
        self._act("action_post", *rows)

    def _other_amount(self) -> None:
        """A payment is found to be wrong, and corrected; whether the PMS knows of it or not."""
        for row in self._chosen(*POSTED):
            self._act("action_draft", row)
            self._exchange.odoo.call(PAYMENT, "write", [row["id"]], {"amount": self._money()})
            self._act("action_post", row)
            self._by_hand.add(row["x_external_transaction_id"] or row["name"])

    def _money(self) -> float:
        """An amount, which may be that of another payment."""
        return self._dice.choice([50.0, 99.99, self._dice.randrange(1, 90_000) / 100])

    def _act(self, action: str, *rows: dict[str, Any]) -> None:
        if rows:
            self._exchange.odoo.call(PAYMENT, action, [row["id"] for row in rows])

    def _chosen(self, *states: str, synced: bool | None = None) -> list[dict[str, Any]]:
        """One payment in one of these states, if there is any."""
        fitting = [
            row
            for row in self._rows()
            if row["state"] in states and (synced is None or bool(row["x_external_synced"]) is synced)
        ]
        return [self._dice.choice(fitting)] if fitting else []

    def _rows(self) -> list[dict[str, Any]]:
        return booked_in(self._exchange.odoo, self._exchange.integration)
