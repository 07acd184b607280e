"""What the PMS is told of a payment, and how it is recognised there."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.pms.outbound import is_same_payment, payment_marks, payment_message, transaction_id

PAYMENT = {
    "id": 7,
    "name": "PBNK1/2026/00001",
    "amount": 120.5,
    "date": "2026-03-01",
    "journal_id.type": "bank",
    "x_related_booking_id": "bk_1",
}
TOLD = {"id": "p1", "booking_id": "bk_1", "amount": 120.5, "transaction_id": "PBNK1/2026/00001"}


def test_its_name_is_the_transaction_id_and_its_day_begins_at_midnight_utc() -> None:
    message = payment_message(PAYMENT)
    assert (message.key, message.collection, message.segments) == (
        "PBNK1/2026/00001",
        "/bookings",
        ("bk_1", "payments"),
    )
    assert message.body == {
        "amount": 120.5,
        "transaction_id": "PBNK1/2026/00001",
        "payment_method": "bank_transfer",
        "paid_at": "2026-03-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("journal", "method"), [("cash", "cash"), ("bank", "bank_transfer"), ("credit", "credit_card"), ("general", None)]
)
def test_the_method_is_told_by_the_type_of_the_journal(journal: str, method: str | None) -> None:
    assert payment_message({**PAYMENT, "journal_id.type": journal}).body.get("payment_method") == method


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"x_related_booking_id": " "}, "x_related_booking_id", "invalid_id"),
        ({"x_related_booking_id": ".."}, "x_related_booking_id", "invalid_id"),
        ({"name": False}, "name", "missing_value"),
        ({"name": "/"}, "name", "missing_value"),
    ],
)
def test_what_cannot_be_told_is_rejected(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        payment_message({**PAYMENT, **changes})
    assert (caught.value.field, caught.value.code) == (field, code)


def test_the_same_payment_is_recognised_however_ids_and_amounts_are_written() -> None:
    assert is_same_payment(payment_message(PAYMENT), TOLD)
    numeric = payment_message({**PAYMENT, "x_related_booking_id": "17"})
    assert is_same_payment(numeric, {**TOLD, "booking_id": 17, "amount": "120.50"})


@pytest.mark.parametrize(
    "changes",
    [{"booking_id": "bk_2"}, {"amount": 120.51}, {"amount": None}, {"transaction_id": "tx-1"}, {"amount": "much"}],
)
def test_another_payment_is_not(changes: dict[str, Any]) -> None:
    assert not is_same_payment(payment_message(PAYMENT), {**TOLD, **changes})


def test_what_is_no_payment_at_all_is_not_either() -> None:
    assert not is_same_payment(payment_message(PAYMENT), None)
    assert transaction_id("text") == transaction_id({}) == ""
    assert transaction_id(TOLD) == "PBNK1/2026/00001"


def test_odoo_is_told_under_which_transaction_the_pms_has_it() -> None:
    assert payment_marks(PAYMENT) == {"x_external_synced": True, "x_external_transaction_id": "PBNK1/2026/00001"}
