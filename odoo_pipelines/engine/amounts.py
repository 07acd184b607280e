"""Amounts as they are compared: exactly, and told in one form. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

CENT = Decimal("0.01")


def amount_text(amount: Any) -> str:
    """An amount with at least two decimals, whichever way it was written: "200" and 200.0 are "200.00"."""
    exact = Decimal(str(amount))
    return str(exact.quantize(CENT)) if exact == exact.quantize(CENT) else f"{exact.normalize():f}"


def differ(one: Any, other: Any, unit: Decimal = CENT) -> bool:
    """Whether two amounts differ by more than the smallest unit of their currency, which rounding may cost."""
    return abs(Decimal(str(one)) - Decimal(str(other))) > unit
