"""Payments that the PMS has taken, each a pure function of its index and its booking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from odoo_pipelines_sandbox.pms.catalogue import cents, money
from odoo_pipelines_sandbox.pms.draws import draws, number, pick
from odoo_pipelines_sandbox.pms.ids import Ids
from odoo_pipelines_sandbox.pms.times import SECOND, rfc3339

_METHODS_AND_GATEWAYS = (
    ("credit_card", "adyen"),
    ("credit_card", "adyen"),
    ("stripe", "stripe"),
    ("paypal", "paypal"),
    ("debit_card", "adyen"),
    ("cash", "front_desk"),
    ("bank_transfer", "bank"),
    ("check", "front_desk"),
)
_REFUNDED_WITH = frozenset({"cancelled", "no_show"})
_FAILED_ONE_IN = 20
_DEPOSIT_ONE_IN = 3
_DEPOSIT_PERCENT = 30


@dataclass(frozen=True, slots=True)
class Payments:
    """Generates payments.

    Attributes:
        seed: of the data.
        ids: of the installation.
    """

    seed: int
    ids: Ids

    def record(self, index: int, booking: Mapping[str, Any], updated_at: int) -> dict[str, Any]:
        """Gives the payment of a booking, as that was when it was made: the whole total or a deposit."""
        source = draws(self.seed, "payment", index)
        total = cents(booking["total_amount"])
        deposit = next(source) % _DEPOSIT_ONE_IN == 0
        method, gateway = pick(source, _METHODS_AND_GATEWAYS)
        paid_at = updated_at - next(source) % 3600 * SECOND
        return {
            "id": self.ids.of("payments", index),
            "booking_id": booking["id"],
            "amount": money(total * _DEPOSIT_PERCENT // 100 if deposit else total),
            "payment_method": method,
            "transaction_id": f"tx-{number(self.seed, 'transaction', index):016x}",
            "paid_at": rfc3339(paid_at),
            "gateway": gateway,
            "currency": booking["currency"],
            "status": _status(booking["status"], next(source)),
            "updated_at": rfc3339(updated_at),
        }


def _status(booking_status: str, drawn: int) -> str:
    if booking_status in _REFUNDED_WITH:
        return "refunded"
    return "failed" if drawn % _FAILED_ONE_IN == 0 else "received"
