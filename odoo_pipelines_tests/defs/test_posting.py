"""Payments that were registered in Odoo, on their way into the PMS: assets, accounts, dead letters, one integration."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pytest
import requests

from odoo_pipelines.defs.keys import sent_key, source_key
from odoo_pipelines.defs.outbound_assets import SWITCHED_OFF
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines.systems.records import WHOLE, Batch
from odoo_pipelines_tests.defs.stage import Stage


def register(stage: Stage, booking: str, amount: float = 120.5, **values: Any) -> int:
    """Somebody registers a payment in Odoo and posts it."""
    orders = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking]], fields=["partner_id"])
    partner = orders[0]["partner_id"][0] if orders else False
    usual = {"partner_id": partner, "amount": amount, "x_related_booking_id": booking, "date": "2026-03-01"}
    [payment] = stage.odoo("account.payment", "create", vals_list=[usual | values])
    stage.odoo("account.payment", "action_post", ids=[payment])
    return int(payment)


def booking_of(stage: Stage) -> str:
    """One that has an order."""
    return str(stage.served()[0]["id"])


def held(stage: Stage, payment: int) -> dict[str, Any]:
    """The payment in Odoo."""
    fields = ["name", "state", "x_external_synced", "x_external_transaction_id", "x_sync_key"]
    rows: list[dict[str, Any]] = stage.odoo("account.payment", "read", ids=[payment], fields=fields)
    return rows[0]


def recorded(stage: Stage) -> list[dict[str, Any]]:
    """What the PMS was told."""
    return stage.pms.sandbox.ledger.payments


def told(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    """The metadata of an asset's materialization."""
    [event] = [each for each in result.get_asset_materialization_events() if each.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}


@pytest.mark.parametrize("pms", [{"bookings": 4, "repeats": "ignored"}], indirect=True)
class TestOutbound:
    """The PMS recognises no repetition, so that everything depends on looking first."""

    def test_a_payment_arrives_once_is_marked_and_its_echo_makes_no_second_one(self, stage: Stage) -> None:
        assert stage.sync("full").success
        booking = booking_of(stage)
        payment = register(stage, booking)
        before = stage.odoo("account.payment", "search_count", domain=[])
        first = stage.sync("outbound")
        assert first.success
        assert stage.counts(first, "payments_out") == {"extracted": 1, "created": 1}
        kept = held(stage, payment)
        assert [(each["booking_id"], each["amount"], each["transaction_id"]) for each in recorded(stage)] == [
            (booking, 120.5, kept["name"])
        ]
        assert kept["x_external_synced"] is True
        assert kept["x_external_transaction_id"] == kept["name"]
        [touch] = stage.state.history("pms", "payment", kept["name"]).touches
        assert (touch.flow, touch.mode, touch.outcome) == ("payments_out", "outbound", "created")
        second = stage.sync("outbound")
        assert stage.counts(second, "payments_out") == {}
        echo = stage.sync("delta")
        assert echo.success
        assert "created" not in stage.counts(echo, "payments")
        assert stage.odoo("account.payment", "search_count", domain=[]) == before
        assert len(recorded(stage)) == 1

    def test_a_run_tells_its_numbers_and_checks_them(self, stage: Stage) -> None:
        register(stage, booking_of(stage))
        register(stage, "bk_00000099")
        result = stage.sync("outbound")
        captured = told(result, source_key(stage.integration, PAYMENTS_OUT))
        assert (captured["dagster/row_count"], captured["read_since"]) == (2, "beginning")
        sent = told(result, sent_key(stage.integration, PAYMENTS_OUT))
        assert (sent["extracted"], sent["created"], sent["rejected"]) == (2, 1, 1)
        checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
        assert checks["numbers_balance"] is True
        assert checks["dead_letters"] is False

    def test_what_the_pms_refuses_is_a_dead_letter_until_it_takes_it(self, stage: Stage) -> None:
        booking = booking_of(stage)
        register(stage, "bk_00000099")
        payment = register(stage, "bk_00000098")
        stage.sync("outbound")
        letters = stage.state.letters(LetterFilter("pms", "payments_out"))
        assert {(letter.code, letter.reason, letter.next_try) for letter in letters} == {
            ("refused_with_404", "no such record", None)
        }
        again = stage.sync("outbound")
        assert stage.counts(again, "payments_out") == {}, "they wait for a person"
        stage.odoo("account.payment", "write", ids=[payment], vals={"x_related_booking_id": booking})
        cured = stage.sync("outbound")
        assert stage.counts(cured, "payments_out") == {"extracted": 1, "created": 1}
        stage.state.request_replay(LetterFilter("pms", "payments_out"))
        replayed = stage.sync("outbound")
        assert stage.counts(replayed, "payments_out") == {"extracted": 1, "rejected": 1}
        assert len(stage.state.letters(LetterFilter("pms", "payments_out"))) == 1

    def test_a_dead_letter_ends_when_its_payment_is_cancelled(self, stage: Stage) -> None:
        payment = register(stage, "bk_00000099")
        stage.sync("outbound")
        stage.odoo("account.payment", "action_cancel", ids=[payment])
        stage.sync("outbound")
        assert stage.state.letters(LetterFilter("pms", "payments_out")) == []

    def test_a_nightly_run_reads_everything_and_finds_what_no_overlap_reached(self, stage: Stage) -> None:
        register(stage, booking_of(stage))
        _others_were_captured_much_later(stage)
        stage.odoo_server.db._clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
        register(stage, booking_of(stage), x_related_booking_id=False)
        assert stage.counts(stage.sync("outbound"), "payments_out") == {}
        assert stage.counts(stage.sync("outbound_full"), "payments_out") == {"extracted": 1, "created": 1}

    def test_where_nothing_in_odoo_is_as_late_as_the_watermark_everything_is_read(self, stage: Stage) -> None:
        """Odoo was restored from a backup, or its clock was set back."""
        register(stage, booking_of(stage))
        _others_were_captured_much_later(stage)
        result = stage.sync("outbound")
        assert stage.counts(result, "payments_out") == {"extracted": 1, "created": 1}
        assert told(result, source_key(stage.integration, PAYMENTS_OUT))["read_since"] == "beginning"

    def test_a_lost_answer_is_looked_up_on_a_server_that_recognises_nothing(self, stage: Stage) -> None:
        register(stage, booking_of(stage))
        stage.pms_fault(kind="drop_after", method="POST", path="/bookings")
        result = stage.sync("outbound")
        assert result.success
        assert len(recorded(stage)) == 1
        assert stage.pms.sandbox.ledger.repeats == 0

    def test_where_another_integration_uses_the_same_odoo_a_payment_waits_for_its_order(self, stage: Stage) -> None:
        config = load_settings().home / "integrations.yaml"
        own = config.read_text()
        config.write_text(f"{own}{own.replace('integrations:', '').replace('  pms:', '  beach:')}")
        register(stage, booking_of(stage))
        result = stage.sync("outbound")
        assert stage.counts(result, "payments_out") == {"extracted": 1, "rejected": 1}
        [letter] = stage.state.letters(LetterFilter("pms", "payments_out"))
        assert (letter.code, letter.transient) == ("missing_reference", True)
        assert letter.next_try is not None
        assert recorded(stage) == []

    def test_with_odoo_switched_off_nothing_is_read_or_sent(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = load_settings().home / "integrations.yaml"
        config.write_text(config.read_text() + "    odoo_enabled: false\n")
        result = stage.sync("outbound")
        assert result.success
        assert told(result, sent_key(stage.integration, PAYMENTS_OUT)) == {"skipped": SWITCHED_OFF}
        assert requests.get(f"{stage.odoo_url}/sandbox/stats", timeout=10).json()["requests"] <= 1


def _others_were_captured_much_later(stage: Stage) -> None:
    """The watermark as it is when a transaction was open for longer than the overlap."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    batch = Batch(0, "pms", "odoo", "payments_out", WHOLE, "another-run", "pms/odoo/another", 0, later)
    mark, sender = ("odoo/account.payment", later), "external/payments_out"
    registered = stage.state.register(batch, watermark=mark)
    stage.state.done(sender, [registered.id])
