"""From the PMS into Odoo: what runs do with batches, with failures and with Odoo switched off."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace

import dagster as dg
import pytest

from odoo_pipelines.pipeline.loading import load_flow
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage, flow_named
from odoo_pipelines_tests.engine.fakes import KilledError


def orders_in_odoo(stage: Stage) -> list[dict[str, object]]:
    fields = ["x_external_id", "x_external_status", "state", "amount_total"]
    rows: list[dict[str, object]] = stage.odoo("sale.order", "search_read", domain=[], fields=fields)
    return rows


def failed_steps(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.step_key or "" for event in result.all_events if event.is_step_failure}


class TestFullSync:
    def test_every_booking_arrives_once_and_the_next_run_changes_nothing(
        self, stage: Stage, synced: dg.ExecuteInProcessResult
    ) -> None:
        assert stage.counts(synced) == {"extracted": BOOKINGS, "created": BOOKINGS}
        assert Counter(str(row["x_external_id"]) for row in orders_in_odoo(stage)) == Counter(
            str(row["id"]) for row in stage.served()
        )
        again = stage.sync("full")
        assert stage.counts(again) == {"extracted": BOOKINGS, "unchanged": BOOKINGS}

    @pytest.mark.usefixtures("synced")
    def test_progress_is_told_up_to_the_last_row_of_every_flow(self, stage: Stage) -> None:
        last = {flow: (done, total) for flow, done, total in stage.progress}
        assert set(last) == {"partners", "products", "orders", "payments"}
        assert all(done == total > 0 for done, total in last.values())


class TestDelta:
    @pytest.mark.usefixtures("synced")
    def test_exactly_what_has_changed_is_written(self, stage: Stage) -> None:
        stage.edit(stage.confirmed()["id"], special_requests="A quiet room")
        result = stage.sync("delta")
        assert stage.counts(result)["updated"] == 1
        assert stage.counts(result).keys() <= {"extracted", "updated", "unchanged", "superseded"}

    @pytest.mark.usefixtures("synced")
    def test_without_a_change_nothing_is_asked_of_odoo_but_reading(self, stage: Stage) -> None:
        writes = stage.odoo_statistics()["writes"]
        assert stage.sync("delta").success
        assert stage.odoo_statistics()["writes"] == writes


class TestFailure:
    def test_batches_of_a_failed_load_are_taken_by_the_next_run(self, stage: Stage) -> None:
        stage.refuse_logins()
        failed = stage.sync("full")
        assert not failed.success
        assert all(step.startswith("pms__odoo__") for step in failed_steps(failed))
        assert stage.pending("orders")
        assert [batch.begun for batch in stage.pending("partners")] == [False, False], "none came to writing"
        stage.allow_logins()
        result = stage.sync("delta")
        assert result.success
        assert stage.counts(result)["created"] == BOOKINGS
        assert stage.pending("orders") == []

    def test_a_failed_extraction_leaves_the_watermark_and_the_next_run_catches_up(self, stage: Stage) -> None:
        stage.pms_fault(kind="status", status=400, path="/bookings")
        assert failed_steps(stage.sync("full")) == {"pms__external__bookings"}
        assert stage.watermark("bookings") is None
        assert stage.watermark("guests") is not None
        result = stage.sync("delta")
        assert result.success
        assert stage.counts(result)["created"] == BOOKINGS

    @pytest.mark.parametrize("pms", [{"bad_rows": 3}], indirect=True)
    def test_bad_rows_are_rejected_and_the_others_go_on(self, stage: Stage) -> None:
        result = stage.sync("full")
        assert result.success
        assert stage.counts(result) == {"extracted": BOOKINGS, "created": BOOKINGS - 3, "rejected": 3}
        letters = stage.state.letters(LetterFilter("pms", "orders"))
        assert len(letters) == len({letter.external_id for letter in letters})

    def test_a_row_that_was_repaired_gets_through_and_leaves_the_dead_letters(self, stage: Stage) -> None:
        broken = stage.confirmed()
        stage.edit(broken["id"], check_in="soon")
        assert stage.counts(stage.sync("full"))["rejected"] == 1
        stage.edit(broken["id"], check_in=broken["check_in"])
        assert stage.counts(stage.sync("delta"))["created"] == 1
        assert stage.state.letters(LetterFilter("pms", "orders")) == []


class TestBegun:
    def test_batches_of_a_load_that_died_are_loaded_again_along_with_the_complete_ones_that_came_later(
        self, stage: Stage
    ) -> None:
        """What it wrote would look like somebody's work in Odoo, were its rows not there to tell."""
        for key in stage.keys:
            stage.materialize(stage.extracted("guests"), stage.mapped("partners"), partition=key)
        first, second = stage.pending("partners")
        load_and_die(stage, "partners")
        assert stage.pending("partners") == [replace(first, begun=True), second]
        result = stage.sync("full")
        assert result.success
        newest = stage.batches("mapped", "partners")[-2:]
        assert stage.counts(result, "partners")["extracted"] == sum(each.rows for each in (first, *newest))
        assert stage.pending("partners") == []


def load_and_die(stage: Stage, flow: str) -> None:
    """Loads a flow's first chunk."""

    def die(*_told: object) -> None:
        raise KilledError

    session = stage.session("full")
    with closing(session), pytest.raises(KilledError):
        load_flow(session, flow_named(flow), stage.keys, die)


class TestByHand:
    @pytest.mark.usefixtures("synced")
    def test_one_partition_is_extracted_mapped_and_loaded_again(self, stage: Stage) -> None:
        partition = stage.keys[-1]
        keys = (stage.extracted("bookings"), stage.mapped("orders"), stage.loaded("orders"))
        result = stage.materialize(*keys, partition=partition)
        assert result.success
        counts = stage.counts(result)
        assert counts["extracted"] == counts[Outcome.UNCHANGED] > 0

    @pytest.mark.usefixtures("synced")
    def test_a_mapping_and_its_load_run_again_without_the_pms(self, stage: Stage) -> None:
        stage.pms_fault(kind="status", status=400, times=None)
        result = stage.materialize(stage.mapped("orders"), stage.loaded("orders"), partition=stage.keys[0])
        assert result.success
        counts = stage.counts(result)
        assert counts["extracted"] == counts[Outcome.UNCHANGED] > 0

    @pytest.mark.usefixtures("synced")
    def test_what_somebody_changed_in_odoo_stays(self, stage: Stage) -> None:
        booking = stage.confirmed()
        domain = [["x_external_id", "=", str(booking["id"])]]
        [order] = stage.odoo("sale.order", "search", domain=domain)
        stage.odoo("sale.order", "write", ids=[order], vals={"x_booking_channel": "carrier pigeon"})
        counts = stage.counts(stage.sync("full"))
        assert counts["extracted"] == counts[Outcome.UNCHANGED] > 0
        [order] = stage.odoo("sale.order", "read", ids=[order], fields=["x_booking_channel"])
        assert order["x_booking_channel"] == "carrier pigeon"

    def test_unpartitioned_streams_need_no_partition(self, stage: Stage) -> None:
        assert stage.materialize(stage.extracted("rooms")).success
        [batch] = stage.batches("external", "rooms")
        assert (batch.partition, batch.complete) == ("", True)


class TestSwitchedOff:
    def test_loads_are_skipped_and_say_so_and_nothing_is_lost(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        result = stage.sync("full")
        assert result.success
        [event] = result.asset_materializations_for_node("pms__odoo__sale_order")[:1]
        assert event.metadata["skipped"].value == "ODOO_ENABLED is off"
        assert orders_in_odoo(stage) == []
        assert not any(check.passed for check in result.get_asset_check_evaluations())
        monkeypatch.setenv("ODOO_ENABLED", "true")
        assert stage.counts(stage.sync("delta"))["created"] == BOOKINGS
