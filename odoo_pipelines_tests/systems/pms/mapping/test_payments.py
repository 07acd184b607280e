"""What becomes of a payment, by its status, its method and what it lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, MappingOptions
from odoo_pipelines.systems.pms.mapping.payments import METHODS, payments_of_payment
from odoo_pipelines.systems.pms.models import Payment
from odoo_pipelines.systems.pms.payment_keys import payment_id, sync_parts
from odoo_pipelines_tests.systems.pms.payloads import DEFAULTS, payment, without


def no_refund(row: MappedRow) -> bool:
    """Whether a row says that there should be no refund."""
    return (row.entity, row.state, row.only_existing, row.weight) == ("refund", "cancel", True, 0)


def received(options: MappingOptions = DEFAULTS, **changes: Any) -> MappedRow:
    """The row of a payment that came in and was not refunded."""
    row, refund = rows(options, **changes)
    assert no_refund(refund)
    return row


def rows(options: MappingOptions = DEFAULTS, **changes: Any) -> list[MappedRow]:
    return list(payments_of_payment(Payment.parse(payment(**changes)), options))


def rows_without(*keys: str) -> list[MappedRow]:
    return list(payments_of_payment(Payment.parse(without(payment(), *keys)), DEFAULTS))


def test_a_payment_that_was_received_is_posted_under_its_own_id() -> None:
    row = MappedRow(
        entity="payment",
        external_id="9001",
        former=("booking:1001/tx-1", "transaction:tx-1"),
        updated_at=datetime(2026, 4, 5, tzinfo=UTC),
        values={
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": "1001",
            "memo": "1001",
            "amount": 276.9,
            "currency_id": "EUR",
            "date": "2026-04-02",
            "journal_id": "type/bank",
            "x_external_transaction_id": "tx-1",
            "x_payment_gateway": "adyen",
            "x_related_booking_id": "1001",
            "x_external_synced": True,
        },
        state="posted",
    )
    assert received() == row


@pytest.mark.parametrize("absent", [{"status": None}, {"status": ""}, {"status": "RECEIVED"}])
def test_without_a_status_it_counts_as_received(absent: dict[str, Any]) -> None:
    assert rows(**absent) == rows()


def test_one_that_was_refunded_came_in_and_went_out_again_on_the_day_of_the_change() -> None:
    came_in, went_out = rows(status="refunded")
    assert came_in == received()
    assert (went_out.entity, went_out.external_id, went_out.state) == ("refund", "9001", "posted")
    assert went_out.values == {**came_in.values, "payment_type": "outbound", "date": "2026-04-05"}


def test_one_that_failed_says_only_that_there_should_be_no_such_payment() -> None:
    failed, refund = rows(status="failed", amount=None, booking_id=None)
    assert no_refund(refund)
    assert (failed.entity, failed.external_id) == ("payment", "9001")
    assert (failed.only_existing, failed.state, failed.weight) == (True, "cancel", 1)
    assert failed.values == {"x_external_transaction_id": "tx-1", "x_related_booking_id": None}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"id": None, "transaction_id": None}, "id", "missing"),
        ({"id": None, "transaction_id": []}, "transaction_id", "invalid_id"),
        ({"id": None, "booking_id": None}, "booking_id", "missing"),
        ({"booking_id": None}, "booking_id", "missing"),
        ({"booking_id": 1.5}, "booking_id", "invalid_id"),
        ({"amount": None}, "amount", "missing"),
        ({"amount": "12,50"}, "amount", "invalid_number"),
        ({"amount": -1}, "amount", "negative"),
        ({"status": "charged_back"}, "status", "unknown_status"),
        ({"status": ["received"]}, "status", "invalid_text"),
        ({"currency": "Euro"}, "currency", "invalid_currency"),
        ({"currency": {}}, "currency", "invalid_text"),
        ({"id": []}, "id", "invalid_id"),
        ({"refunded_amount": -1}, "refunded_amount", "negative"),
        ({"refunded_amount": "some"}, "refunded_amount", "invalid_number"),
        ({"refunded_amount": "276.91"}, "refunded_amount", "more_than_amount"),
    ],
)
def test_money_is_never_guessed(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        rows(**changes)
    assert (caught.value.field, caught.value.code) == (field, code)


def test_without_a_currency_it_has_that_of_the_order() -> None:
    assert rows_without("currency")[0].values["currency_id"] == "booking/1001"
    assert rows(currency="usd")[0].values["currency_id"] == "USD"


def test_the_day_is_that_of_the_payment_else_of_its_change_else_left_to_odoo() -> None:
    assert rows_without("paid_at")[0].values["date"] == "2026-04-05"
    assert "date" not in rows_without("paid_at", "updated_at")[0].values
    unreadable = received(paid_at="soon")
    assert (unreadable.values["date"], unreadable.warnings) == ("2026-04-05", ("paid_at: invalid_date",))


def test_a_gateway_that_is_not_carried_is_left_alone() -> None:
    assert "x_payment_gateway" not in rows_without("gateway")[0].values


@pytest.mark.parametrize("method", METHODS)
def test_cash_goes_to_a_cash_journal_and_everything_else_to_a_bank(method: str) -> None:
    row = received(payment_method=method)
    assert row.values["journal_id"] == ("type/cash" if method == "cash" else "type/bank")
    assert row.warnings == ()


@pytest.mark.parametrize("method", [None, "barter"])
def test_a_method_that_nobody_knows_goes_to_a_bank_with_a_warning(method: str | None) -> None:
    row = received(payment_method=method)
    assert (row.values["journal_id"], row.warnings) == ("type/bank", ("payment_method: unknown",))


@pytest.mark.parametrize(
    ("method", "gateway", "code"),
    [
        ("credit_card", "stripe", "code/BNK4"),
        ("Credit_Card", "Stripe", "code/BNK4"),
        ("paypal", "stripe", "code/BNK3"),
        ("credit_card", "adyen", "code/BNK2"),
        ("barter", "stripe", "code/BNK3"),
        ("paypal", "paypal", "type/bank"),
    ],
)
def test_of_the_journals_that_were_chosen_the_most_specific_counts(method: str, gateway: str, code: str) -> None:
    options = MappingOptions(journals={"credit_card": "BNK2", "stripe": "BNK3", "credit_card/stripe": "BNK4"})
    row = received(options, payment_method=method, gateway=gateway)
    assert (row.values["journal_id"], row.warnings) == (code, ())


def test_a_refund_goes_out_of_the_journal_that_the_payment_came_into() -> None:
    options = MappingOptions(journals={"cash": "CSH2"})
    assert {row.values["journal_id"] for row in rows(options, payment_method="cash", status="refunded")} == {
        "code/CSH2"
    }


class TestKeys:
    """One charge may pay for several bookings, so a transaction is no key."""

    def test_payments_of_one_transaction_are_told_apart_by_their_ids(self) -> None:
        assert [received(id=each).external_id for each in (1, "2")] == ["1", "2"]

    @pytest.mark.parametrize("absent", [{"id": None}, {"id": " "}])
    def test_without_an_id_transaction_and_booking_are_the_key(self, absent: dict[str, Any]) -> None:
        row = received(**absent)
        assert (row.external_id, row.former) == ("booking:1001/tx-1", ("transaction:tx-1",))
        assert received(**absent, booking_id="1002").external_id == "booking:1002/tx-1"

    def test_no_two_pairs_of_booking_and_transaction_have_one_key(self) -> None:
        one = received(id=None, booking_id="a/b", transaction_id="c")
        other = received(id=None, booking_id="a", transaction_id="b/c")
        assert one.external_id != other.external_id

    @pytest.mark.parametrize("own", ["booking:1001/tx-1", "transaction:tx-1", "id:transaction:tx-1"])
    def test_an_id_that_looks_made_up_is_nobody_elses(self, own: str) -> None:
        row = received(id=own)
        assert row.external_id == f"id:{own}"
        assert sync_parts("payment", row.external_id)[:2] == ("payment", "id")

    def test_an_id_that_equals_the_transaction_of_another_has_another_sync_key(self) -> None:
        former = sync_parts("payment", received(id="1", transaction_id="2").former[-1])
        assert former == ("payment", "2")
        assert sync_parts("payment", received(id="2", transaction_id="1").external_id) == ("payment", "id", "2")

    def test_the_extraction_names_it_as_the_mapping_does(self) -> None:
        for changes in ({}, {"id": None}, {"id": "id:transaction:1"}, {"id": None, "booking_id": "a/b"}):
            raw = payment(**changes)
            assert payment_id(raw) == received(**changes).external_id

    def test_with_an_id_it_needs_no_transaction(self) -> None:
        row = received(transaction_id=None)
        assert (row.external_id, row.former, row.values["x_external_transaction_id"]) == ("9001", (), None)
        unreadable = received(transaction_id=[])
        assert unreadable.warnings == ("transaction_id: invalid_id",)
        assert "x_external_transaction_id" not in unreadable.values


class TestPartialRefunds:
    def test_the_amount_is_what_came_in_and_the_refunded_amount_what_went_out(self) -> None:
        for status in ("refunded", "received"):
            came_in, went_out = rows(status=status, refunded_amount="30.00")
            assert (came_in.values["amount"], went_out.values["amount"]) == (276.9, 30.0)
            assert (went_out.state, went_out.follows) == ("posted", "")

    def test_where_only_the_status_tells_all_of_it_went_out_whatever_came_in(self) -> None:
        _, went_out = rows(status="refunded", amount=30)
        assert (went_out.values["amount"], went_out.follows) == (30.0, "payment")

    def test_nothing_that_was_given_back_is_no_refund(self) -> None:
        for status in ("refunded", "received"):
            assert no_refund(rows(status=status, refunded_amount=0)[1])
