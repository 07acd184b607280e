"""Which partitions a sync takes, and when its schedule starts one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test, instance_for_test

from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.jobs import (
    RANGE_END_TAG,
    RANGE_START_TAG,
    delta_range,
    full_range,
    job_name,
    jobs_of,
    range_of,
    range_tags,
    run_tags,
    schedules_of,
)
from odoo_pipelines.defs.partitions import partitions_of
from odoo_pipelines.defs.resources import log_progress
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import BOTH_CHANGED, Batch, Conflict, Counts, Layer, Outcome, RowOutcome
from odoo_pipelines_tests.environment import unset_all

INTEGRATION = Integration(name="grand-hotel", history_start=dt.date(2026, 1, 1))
KEYS = list(partitions_of(INTEGRATION).get_partition_keys())
NOW = KEYS[-1]
STREAMS = ("guests", "bookings", "payments")
LOADS = {
    "partners": "res_partner",
    "products": "product_product",
    "orders": "sale_order",
    "payments": "account_payment",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    unset_all(monkeypatch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


def batch(name: str, partition: str, layer: Layer = "external", integration: str = "grand-hotel") -> Batch:
    path = f"{integration}/{layer}/{name}/{partition}"
    return Batch(0, integration, layer, name, partition, "a-run", path, 1, None, complete=True)


def extracted_up_to(state: State, moment: dt.datetime) -> None:
    """As if a full sync had done everything up to a moment."""
    for number, stream in enumerate(STREAMS):
        done = state.register(batch(stream, f"{number}"), watermark=(stream, moment))
        for flow in LOADS:
            state.register(batch(flow, f"{number}", "mapped"), consumer=f"mapped/{flow}", consumed=[done.id])
    for flow, model in LOADS.items():
        for mapped in state.batches("grand-hotel", "mapped", [flow]):
            state.register(mapped, consumer=f"odoo/{model}", consumed=[mapped.id])


class TestRange:
    def test_a_full_sync_takes_all_partitions(self) -> None:
        assert full_range(INTEGRATION) == (KEYS[0], NOW)

    def test_the_first_delta_takes_all_partitions(self) -> None:
        assert delta_range(INTEGRATION) == (KEYS[0], NOW)

    def test_a_delta_goes_from_the_partition_of_the_watermark_to_now(self, state: State) -> None:
        extracted_up_to(state, dt.datetime(2026, 9, 17, 12, tzinfo=dt.UTC))
        assert delta_range(INTEGRATION) == ("2026-09-01", NOW)

    def test_the_stream_that_is_furthest_behind_decides(self, state: State) -> None:
        extracted_up_to(state, dt.datetime(2026, 9, 17, 12, tzinfo=dt.UTC))
        state.register(batch("guests", "2026-10-01"), watermark=("guests", dt.datetime(2026, 10, 5, tzinfo=dt.UTC)))
        assert delta_range(INTEGRATION)[0] == "2026-09-01"

    def test_a_watermark_before_the_history_is_in_the_first_partition(self, state: State) -> None:
        extracted_up_to(state, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        assert delta_range(INTEGRATION) == (KEYS[0], NOW)

    @pytest.mark.parametrize(("layer", "name"), [("external", "bookings"), ("mapped", "orders")])
    def test_what_an_earlier_run_left_undone_is_taken_along(self, state: State, layer: Layer, name: str) -> None:
        extracted_up_to(state, dt.datetime(2026, 9, 17, tzinfo=dt.UTC))
        state.register(batch(name, "2026-03-01", layer))
        assert delta_range(INTEGRATION) == ("2026-03-01", NOW)

    def test_other_integrations_do_not_count(self, state: State) -> None:
        extracted_up_to(state, dt.datetime(2026, 9, 17, tzinfo=dt.UTC))
        state.register(batch("bookings", "2026-03-01", integration="beach"))
        assert delta_range(INTEGRATION)[0] == "2026-09-01"

    def test_both_ends_go_into_the_tags(self) -> None:
        assert range_tags("2026-01-01", "2026-03-01") == {
            "dagster/asset_partition_range_start": "2026-01-01",
            "dagster/asset_partition_range_end": "2026-03-01",
        }


class TestByHand:
    def test_what_goes_out_of_odoo_is_asked_for_without_a_range(self) -> None:
        assert run_tags(INTEGRATION, "outbound") == {}

    def test_it_has_no_partition_and_no_dry_run(self) -> None:
        with pytest.raises(ConfigurationError, match="no partitions"):
            run_tags(INTEGRATION, "outbound", KEYS[0])
        with pytest.raises(ConfigurationError, match="no dry run"):
            range_of(INTEGRATION, "outbound", None)

    def test_its_job_takes_the_assets_of_its_own_group(self) -> None:
        found = build_definitions([INTEGRATION], log_progress).resolve_job_def("grand_hotel_outbound_sync")
        keys = {key.to_user_string() for key in found.asset_layer.executable_asset_keys}
        assert {"grand-hotel/odoo/payments", "grand-hotel/external/payments_out"} <= keys
        assert "grand-hotel/external/payments" not in keys


class TestSchedules:
    def test_they_run_unless_the_integration_says_no(self) -> None:
        on, off = INTEGRATION, INTEGRATION.model_copy(update={"auto_sync": False})
        assert {each.default_status for each in schedules_of(on)} == {dg.DefaultScheduleStatus.RUNNING}
        assert {each.default_status for each in schedules_of(off)} == {dg.DefaultScheduleStatus.STOPPED}

    def test_when_is_a_setting(self) -> None:
        changes = {
            "delta_cron": "*/10 * * * *",
            "full_cron": "15 2 * * *",
            "retry_cron": "5 * * * *",
            "outbound_cron": "20 * * * *",
            "time_zone": "Europe/Vienna",
        }
        schedules = schedules_of(INTEGRATION.model_copy(update=changes))
        crons = ["*/10 * * * *", "15 2 * * *", "5 * * * *", "20 * * * *", "15 2 * * *"]
        assert [each.cron_schedule for each in schedules] == crons
        assert {each.execution_timezone for each in schedules} == {"Europe/Vienna"}

    def test_by_default_every_half_hour_every_night_and_between_and_out_of_odoo_after_the_delta(self) -> None:
        crons = [each.cron_schedule for each in schedules_of(INTEGRATION)]
        assert crons == ["*/30 * * * *", "0 3 * * *", "15,45 * * * *", "10,40 * * * *", "0 3 * * *"]

    def test_each_starts_the_job_of_its_name(self) -> None:
        names = [job.name for job in jobs_of(INTEGRATION)]
        inbound = ["grand_hotel_delta_sync", "grand_hotel_full_sync", "grand_hotel_retry_dead_letters"]
        outbound = ["grand_hotel_outbound_sync", "grand_hotel_outbound_full_sync"]
        assert names == [*inbound, "grand_hotel_webhook_sync", *outbound]
        assert [each.job_name for each in schedules_of(INTEGRATION)] == [*inbound, *outbound]

    def test_a_tick_asks_for_one_run_over_the_range(self, state: State, instance: dg.DagsterInstance) -> None:
        extracted_up_to(state, dt.datetime(2026, 9, 17, tzinfo=dt.UTC))
        reject(state, "7")
        state.request_replay(LetterFilter("grand-hotel"))
        inbound = schedules_of(INTEGRATION)[:3]
        for schedule, first in zip(inbound, ("2026-09-01", KEYS[0], "2026-09-01"), strict=True):
            [request] = tick(schedule, instance).run_requests or []
            assert range_tags(first, NOW).items() <= request.tags.items()

    def test_what_goes_out_of_odoo_has_no_range(self, instance: dg.DagsterInstance) -> None:
        for schedule in schedules_of(INTEGRATION)[3:]:
            [request] = tick(schedule, instance).run_requests or []
            assert not {RANGE_START_TAG, RANGE_END_TAG} & request.tags.keys()

    @pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
    def test_while_a_run_of_the_job_waits_no_other_one_is_asked_for(
        self, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
    ) -> None:
        waiting = create_run_for_test(instance, job_name=job_name(INTEGRATION, "delta"), status=status)
        evaluated = tick(schedules_of(INTEGRATION)[0], instance)
        assert not evaluated.run_requests
        assert evaluated.skip_message == f"run {waiting.run_id} of this job has not started yet"

    @pytest.mark.parametrize(
        "status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    )
    def test_a_run_that_has_started_holds_nothing_up(
        self, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
    ) -> None:
        """It may be dead; and if it is not, the next one waits in the queue for it."""
        create_run_for_test(instance, job_name=job_name(INTEGRATION, "delta"), status=status)
        assert tick(schedules_of(INTEGRATION)[0], instance).run_requests

    def test_runs_of_other_jobs_hold_nothing_up(self, instance: dg.DagsterInstance) -> None:
        create_run_for_test(instance, job_name="beach_delta_sync", status=dg.DagsterRunStatus.STARTING)
        assert tick(schedules_of(INTEGRATION)[0], instance).run_requests


class TestRetry:
    def test_nothing_is_run_while_nothing_is_due(self, state: State, instance: dg.DagsterInstance) -> None:
        reject(state, "7")
        reject(state, "8", integration="beach")
        state.request_replay(LetterFilter("beach"))
        evaluated = tick(retry_schedule(), instance)
        assert not evaluated.run_requests
        assert evaluated.skip_message == "no dead letter is due, and no resolved conflict waits"

    def test_what_goes_out_of_odoo_is_tried_again_by_its_own_job(
        self, state: State, instance: dg.DagsterInstance
    ) -> None:
        reject(state, "PBNK1/2026/00001", flow="payments_out")
        state.request_replay(LetterFilter("grand-hotel"))
        assert not tick(retry_schedule(), instance).run_requests

    def test_a_conflict_that_was_resolved_is_reason_enough(self, state: State, instance: dg.DagsterInstance) -> None:
        question = Conflict("name", BOTH_CHANGED, external="Ann", odoo="Anna")
        outcome(state, RowOutcome("guest", "7", Outcome.CONFLICT, compared=True, conflicts=(question,)))
        assert not tick(retry_schedule(), instance).run_requests
        state.resolve([1], "external")
        assert tick(retry_schedule(), instance).run_requests


def retry_schedule() -> dg.ScheduleDefinition:
    [schedule] = [each for each in schedules_of(INTEGRATION) if each.name == "grand_hotel_retry_dead_letters_schedule"]
    return schedule


def reject(state: State, external_id: str, integration: str = "grand-hotel", flow: str = "partners") -> None:
    """Leaves a dead letter that waits for a person."""
    outcome(state, RowOutcome("guest", external_id, Outcome.REJECTED, payload="{}"), integration, flow)


def outcome(state: State, row: RowOutcome, integration: str = "grand-hotel", flow: str = "partners") -> None:
    run, counts = RunRef("a-run", integration, flow), Counts()
    counts.add(row.outcome)
    state.start(run, "delta")
    state.commit_chunk(run, [], [row], counts)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with instance_for_test() as instance:
        yield instance


def tick(schedule: dg.ScheduleDefinition, instance: dg.DagsterInstance) -> Any:
    """One evaluation, as by the daemon."""
    with dg.build_schedule_context(instance, dt.datetime.now(dt.UTC)) as context:
        return schedule.evaluate_tick(context)
