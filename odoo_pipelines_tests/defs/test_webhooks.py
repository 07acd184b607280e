"""What came in over HTTP becomes runs: one request for many events, and no event is over before its run is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.sensor import MIN_INTERVAL_LOOP_TIME

from odoo_pipelines.defs.jobs import RANGE_END_TAG, RANGE_START_TAG, jobs_of
from odoo_pipelines.defs.resources import CLAIM_TAG, MODE_TAG
from odoo_pipelines.defs.webhooks import (
    ASKED_BY_TAG,
    BY_MANUAL_SYNC,
    BY_WEBHOOKS,
    INTERVAL_SECONDS,
    NOTHING_DUE,
    RUN_CANCELED,
    RUN_DIED,
    RUN_FAILED,
    evaluate,
    sensor_of,
)
from odoo_pipelines.integration import Integration
from odoo_pipelines.stores.inbox import LEASE, PAUSES, EventFilter, Inbox, NewEvent
from odoo_pipelines.systems import get_system
from odoo_pipelines.webhooks.events import new_event
from odoo_pipelines.webhooks.manual import new_sync
from odoo_pipelines_tests.environment import unset_all

PMS = Integration(name="pms")
MINUTE = timedelta(minutes=1)
BY_ITSELF = {"dagster/failure_reason": "STEP_FAILURE"}
LATE = timedelta(days=1)
"""After every pause."""


@dataclass
class Desk:
    """The inbox, with a clock that a test moves, and the sensor that looks into it.

    Attributes:
        engine: of its database.
        instance: where the runs are that the sensor looks for.
        now: what the clock shows.
    """

    engine: sa.Engine
    instance: dg.DagsterInstance
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: int = 0
    last: str | None = None

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.engine, lambda: self.now)

    def receives(self, event_type: str, data: Mapping[str, Any], **envelope: Any) -> None:
        """Stores an event as the receiver does."""
        self.sent += 1
        event = {"id": f"evt-{self.sent}", "event_type": event_type, "data": data, **envelope}
        self.store(new_event("pms", get_system("pms").events, json.dumps(event).encode()))

    def is_asked_for(self, flow: str, **asked: Any) -> None:
        """Stores a manual sync as the receiver does."""
        self.store(new_sync("pms", flow, json.dumps(asked).encode()))

    def store(self, event: NewEvent) -> None:
        self.inbox.store([event])

    def look(self) -> dg.RunRequest | dg.SkipReason:
        """One tick of the sensor."""
        found = evaluate(PMS, self.inbox, self.instance, self.last)
        if isinstance(found, dg.RunRequest):
            self.last = found.tags[ASKED_BY_TAG]
        return found

    def request(self) -> dg.RunRequest:
        """One tick that has to request a run."""
        found = self.look()
        assert isinstance(found, dg.RunRequest), found
        return found

    def skipped(self) -> str:
        """Why a tick does not."""
        found = self.look()
        assert isinstance(found, dg.SkipReason), found
        return str(found.skip_message)

    def run(self, request: dg.RunRequest, status: dg.DagsterRunStatus, **tags: str) -> str:
        """A run as the daemon makes one of a request."""
        made: dg.DagsterRun = create_run_for_test(
            self.instance, job_name=str(request.job_name), status=status, tags={**request.tags, **tags}
        )
        return made.run_id

    def states(self) -> dict[str, int]:
        """How many events are in each state."""
        return self.inbox.states("pms")

    def reasons(self) -> set[str]:
        with self.engine.connect() as connection:
            return set(connection.scalars(sa.text("select reason from odoo_pipelines.webhook_event")))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: dg.DagsterInstance) -> Desk:
    unset_all(monkeypatch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    return Desk(engine, instance)


def claim_of(request: dg.RunRequest) -> str:
    claim: str = request.tags[CLAIM_TAG]
    return claim


class TestTheSensor:
    def test_is_due_whenever_dagster_looks_unless_nothing_is_to_be_synced_by_itself(self) -> None:
        sensor = sensor_of(PMS, jobs_of(PMS))
        assert (sensor.name, sensor.minimum_interval_seconds) == ("pms_webhook_sensor", INTERVAL_SECONDS)
        assert INTERVAL_SECONDS < MIN_INTERVAL_LOOP_TIME
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        idle = Integration(name="pms", auto_sync=False)
        assert sensor_of(idle, jobs_of(idle)).default_status is dg.DefaultSensorStatus.STOPPED

    def test_asks_for_one_run_for_all_that_waits(self, desk: Desk) -> None:
        for booking in (7, 8, 7):
            desk.receives("booking.updated", {"id": booking})
        sensor = sensor_of(PMS, jobs_of(PMS))
        with dg.build_sensor_context(instance=desk.instance) as context:
            [request] = sensor.evaluate_tick(context).run_requests or []
        assert request.job_name == "pms_webhook_sync"
        assert request.run_key == request.tags[CLAIM_TAG]
        assert {RANGE_START_TAG, RANGE_END_TAG} <= request.tags.keys()
        assert desk.states() == {"claimed": 3}

    def test_says_why_it_asks_for_none(self, desk: Desk) -> None:
        assert desk.skipped() == NOTHING_DUE

    def test_takes_no_more_while_a_run_waits_and_keeps_what_that_run_has(self, desk: Desk) -> None:
        """Or a full sync of an hour would be followed by hundreds of runs, each for a few events."""
        desk.receives("booking.updated", {"id": 7})
        waiting = desk.run(desk.request(), dg.DagsterRunStatus.STARTING)
        desk.receives("booking.updated", {"id": 8})
        for _ in range(3):
            desk.now += LEASE - MINUTE
            assert waiting in desk.skipped()
        assert desk.states() == {"claimed": 1, "pending": 1}

    def test_prepares_the_next_run_while_one_works(self, desk: Desk) -> None:
        desk.receives("booking.updated", {"id": 7})
        first = desk.request()
        desk.run(first, dg.DagsterRunStatus.STARTED)
        desk.receives("booking.updated", {"id": 8})
        desk.now += LEASE - MINUTE
        assert desk.request().run_key != first.run_key
        desk.now += LEASE - MINUTE
        assert desk.inbox.begin(first.tags[CLAIM_TAG], "a-run") is not None

    def test_other_integrations_are_none_of_its_business(self, desk: Desk) -> None:
        body = json.dumps({"event_type": "booking.updated", "data": {"id": 7}}).encode()
        desk.store(new_event("beach", get_system("pms").events, body))
        assert desk.skipped() == NOTHING_DUE


class TestHowAClaimEnds:
    """Whatever dies, the next tick finds the events where they were left."""

    @pytest.fixture
    def request_(self, desk: Desk) -> dg.RunRequest:
        desk.receives("booking.updated", {"id": 7})
        return desk.request()

    def test_done_when_its_run_has_succeeded_however_late_that_is_seen(
        self, desk: Desk, request_: dg.RunRequest
    ) -> None:
        desk.run(request_, dg.DagsterRunStatus.SUCCESS)
        desk.now += LATE
        assert desk.skipped() == NOTHING_DUE
        assert desk.states() == {"done": 1}

    def test_back_after_a_pause_when_its_run_has_failed(self, desk: Desk, request_: dg.RunRequest) -> None:
        desk.inbox.begin(claim_of(request_), desk.run(request_, dg.DagsterRunStatus.FAILURE, **BY_ITSELF))
        assert desk.skipped() == NOTHING_DUE
        assert (desk.states(), desk.reasons()) == ({"failed": 1}, {RUN_FAILED})
        desk.now += PAUSES[0]
        assert desk.request().run_key != request_.run_key

    def test_back_when_somebody_has_cancelled_its_run(self, desk: Desk, request_: dg.RunRequest) -> None:
        desk.run(request_, dg.DagsterRunStatus.CANCELED)
        desk.skipped()
        assert (desk.states(), desk.reasons()) == ({"failed": 1}, {RUN_CANCELED})

    def test_given_up_after_three_runs_until_a_person_has_it_replayed(self, desk: Desk) -> None:
        desk.receives("booking.updated", {"id": 7})
        for _ in range(3):
            request = desk.request()
            desk.inbox.begin(claim_of(request), desk.run(request, dg.DagsterRunStatus.FAILURE, **BY_ITSELF))
            desk.skipped()
            desk.now += max(PAUSES)
        assert desk.states() == {"dead": 1}
        assert desk.skipped() == NOTHING_DUE
        desk.inbox.replay(EventFilter("pms"))
        assert desk.request()

    def test_asked_for_anew_when_the_sensor_died_before_it_could_ask(self, desk: Desk, request_: dg.RunRequest) -> None:
        again = desk.request()
        assert again.run_key != request_.run_key
        assert desk.inbox.begin(claim_of(request_), "late") is None
        assert desk.inbox.begin(claim_of(again), "in-time") is not None

    def test_its_run_is_launched_when_the_daemon_died_before_it_could(
        self, desk: Desk, request_: dg.RunRequest
    ) -> None:
        """Dagster launches a run that was never started when it is asked for it again under its key."""
        desk.run(request_, dg.DagsterRunStatus.NOT_STARTED)
        again = desk.request()
        assert (again.run_key, again.job_name) == (request_.run_key, request_.job_name)

    def test_back_at_once_when_its_run_was_found_dead(self, desk: Desk, request_: dg.RunRequest) -> None:
        """It was hardly the events' fault; if it was, they are given up in the end."""
        for tries in (1, 2):
            desk.inbox.begin(claim_of(request_), desk.run(request_, dg.DagsterRunStatus.FAILURE))
            request_ = desk.request()
            assert desk.reasons() == {RUN_DIED}, tries
        desk.inbox.begin(claim_of(request_), desk.run(request_, dg.DagsterRunStatus.FAILURE))
        assert desk.skipped() == NOTHING_DUE
        assert desk.states() == {"dead": 1}

    def test_back_after_a_pause_when_its_run_was_dead_before_it_began(
        self, desk: Desk, request_: dg.RunRequest
    ) -> None:
        """Or a process that cannot even start would be started every five seconds."""
        desk.run(request_, dg.DagsterRunStatus.FAILURE)
        assert desk.skipped() == NOTHING_DUE
        desk.now += PAUSES[0]
        assert desk.request()

    def test_never_in_the_hands_of_dagsters_own_retry(self, request_: dg.RunRequest) -> None:
        assert request_.tags["dagster/max_retries"] == "0"


class TestManualSyncs:
    @pytest.mark.parametrize(
        ("flow", "asked", "job", "mode"),
        [
            ("orders", {"mode": "delta"}, "pms_delta_sync", None),
            ("orders", {"mode": "full"}, "pms_full_sync", None),
            ("orders", {"ids": ["7"]}, "pms_webhook_sync", None),
            ("partners", {"ids": ["7"]}, "pms_full_sync", None),
            ("payments_out", {"mode": "delta"}, "pms_outbound_sync", None),
            ("payments_out", {"ids": ["7"]}, "pms_outbound_full_sync", None),
            (
                "orders",
                {"window": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}},
                "pms_full_sync",
                "partition",
            ),
        ],
        ids=str,
    )
    def test_become_the_run_that_they_ask_for(
        self, desk: Desk, flow: str, asked: dict[str, Any], job: str, mode: str | None
    ) -> None:
        desk.is_asked_for(flow, **asked)
        request = desk.request()
        assert (request.job_name, request.tags.get(MODE_TAG)) == (job, mode)
        assert request.run_key == request.tags[CLAIM_TAG]

    def test_a_window_takes_the_partitions_that_it_touches(self, desk: Desk) -> None:
        desk.is_asked_for("orders", window={"since": "2025-03-31T23:00:00Z", "until": "2025-05-01T00:00:00Z"})
        tags = desk.request().tags
        assert (tags[RANGE_START_TAG], tags[RANGE_END_TAG]) == ("2025-03-01", "2025-04-01")

    def test_take_turns_with_events_so_that_neither_waits_for_all_of_the_others(self, desk: Desk) -> None:
        for number in range(3):
            desk.is_asked_for(
                "orders", window={"since": f"2025-0{number + 1}-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
            )
        asked_by = []
        for number in range(6):
            desk.receives("booking.updated", {"id": number})  # there are always some
            request = desk.request()
            asked_by.append(request.tags[ASKED_BY_TAG])
            desk.run(request, dg.DagsterRunStatus.STARTED)
        assert asked_by == [BY_MANUAL_SYNC, BY_WEBHOOKS] * 3

    def test_run_one_after_another_where_no_events_wait(self, desk: Desk) -> None:
        desk.is_asked_for("orders", mode="delta")
        desk.is_asked_for("orders", mode="full")
        jobs = []
        for _ in range(2):
            request = desk.request()
            jobs.append(request.job_name)
            desk.run(request, dg.DagsterRunStatus.STARTED)
        assert jobs == ["pms_delta_sync", "pms_full_sync"]

    def test_whose_turn_it_is_is_kept_from_tick_to_tick(self, desk: Desk) -> None:
        desk.is_asked_for("orders", mode="delta")
        desk.is_asked_for("orders", mode="full")
        desk.receives("booking.updated", {"id": 7})
        sensor, cursor, asked_by = sensor_of(PMS, jobs_of(PMS)), None, []
        for _ in range(3):
            with dg.build_sensor_context(instance=desk.instance, cursor=cursor) as context:
                [request] = sensor.evaluate_tick(context).run_requests or []
            cursor = context.cursor
            asked_by.append(request.tags[ASKED_BY_TAG])
            desk.run(request, dg.DagsterRunStatus.STARTED)
        assert asked_by == [BY_MANUAL_SYNC, BY_WEBHOOKS, BY_MANUAL_SYNC]
