"""What the ERP has told us: payments recorded and availability stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt

from odoo_pipelines_sandbox.pms.options import Repeats

PaymentMethod = Literal["credit_card", "debit_card", "cash", "bank_transfer", "check", "paypal", "stripe"]


class PaymentInput(BaseModel):
    """Body of a payment; unknown fields are ignored."""

    amount: Annotated[FiniteFloat, Field(strict=True)]
    transaction_id: Annotated[str, Field(min_length=1)]
    payment_method: PaymentMethod | None = None
    paid_at: str | None = None


class Availability(BaseModel):
    """Body of an availability."""

    date: date
    available: Annotated[NonNegativeInt, Field(strict=True)]


@dataclass(slots=True)
class Ledger:
    """Keeps what was written to us.

    Attributes:
        recognises: by what a payment that is posted again is recognised.
        payments: in the order of their recording, as answered.
        repeats: requests that named a payment which was there already.
        availability: rooms left, by room type and date.
    """

    recognises: Repeats = "recognised"
    payments: list[dict[str, Any]] = field(default_factory=list)
    repeats: int = 0
    availability: dict[tuple[str | int, str], int] = field(default_factory=dict)
    _by_transaction: dict[str, dict[str, Any]] = field(default_factory=dict)
    _by_key: dict[str, dict[str, Any]] = field(default_factory=dict)

    def recorded(self, transaction_id: str, idempotency_key: str | None) -> dict[str, Any] | None:
        """Gives the payment that a request repeats, None for a new one."""
        by_key = self._by_key.get(idempotency_key or "") if self.recognises in ("recognised", "by_key") else None
        by_transaction = self._by_transaction.get(transaction_id)
        payment = by_key or (by_transaction if self.recognises in ("recognised", "by_transaction") else None)
        self.repeats += payment is not None
        return payment

    def record(self, payment: dict[str, Any], idempotency_key: str | None) -> None:
        """Keeps a new payment."""
        self.payments.append(payment)
        self._by_transaction[payment["transaction_id"]] = payment
        if idempotency_key:
            self._by_key[idempotency_key] = payment

    def as_json(self) -> dict[str, Any]:
        """Gives everything, in the order in which it first came."""
        availability = [
            {"room_type_id": room_type, "date": day, "available": available}
            for (room_type, day), available in self.availability.items()
        ]
        return {"payments": self.payments, "repeats": self.repeats, "availability": availability}
