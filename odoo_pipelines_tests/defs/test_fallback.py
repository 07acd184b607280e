"""A whole webhook run while the PMS answers nothing: events count for what they tell, and the others wait for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.webhooks import NOTHING_DUE, evaluate
from odoo_pipelines.http import retries
from odoo_pipelines.pipeline.requested import UNAVAILABLE
from odoo_pipelines.stores.inbox import PAUSES, EventFilter, Inbox, StoredEvent
from odoo_pipelines.systems import get_system
from odoo_pipelines.webhooks.events import new_event
from odoo_pipelines_tests.defs.stage import Stage

NEWER = "2099-01-01T00:00:00Z"


class Desk:
    """A receiver and a sensor, which live `later` than the clock says."""

    def __init__(self, stage: Stage, engine: sa.Engine) -> None:
        self.later = timedelta()
        self._stage = stage
        self._inbox = Inbox(engine, lambda: datetime.now(UTC) + self.later)

    def receive(self, booking: Mapping[str, Any]) -> int:
        """The job id of an event that tells this of a booking."""
        body = json.dumps({"event_type": "booking.updated", "data": booking}).encode()
        [stored] = self._inbox.store([new_event("pms", get_system("pms").events, body, signed=True)])
        return stored.job_id

    def tick(self) -> dg.RunRequest | dg.SkipReason:
        return evaluate(self._stage.integration, self._inbox, self._stage.instance)

    def run(self) -> dg.ExecuteInProcessResult:
        """The run that is requested; afterwards it has been settled."""
        request = self.tick()
        assert isinstance(request, dg.RunRequest), request
        result = self._stage.requested(request)
        assert result.success
        assert self.tick().skip_message == NOTHING_DUE  # type: ignore[union-attr]
        return result

    def event(self, job_id: int) -> StoredEvent:
        [found] = self._inbox.events(EventFilter(states=None, job_ids=[job_id]), 1)
        return found


@pytest.fixture
def desk(stage: Stage, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Of an installation that is in step, and whose PMS fails from now on; nobody waits long between tries."""
    stage.sync("full")
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    stage.pms_fault(kind="status", status=503, times=None)
    return Desk(stage, engine)


def note_of(stage: Stage, booking: Mapping[str, Any]) -> str:
    [order] = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking["id"]]], fields=["note"])
    return str(order["note"])


def test_a_newer_payload_counts_an_older_one_does_not_and_an_id_waits_for_the_pms(stage: Stage, desk: Desk) -> None:
    newer, older, named = [row for row in stage.served() if row["status"] == "confirmed"][:3]
    told = desk.receive({**newer, "special_requests": "told by its event", "updated_at": NEWER})
    outdated = desk.receive({**older, "special_requests": "of yesterday", "updated_at": "2020-01-01T00:00:00Z"})
    silent = desk.receive({"id": named["id"]})
    stage.edit(named["id"], special_requests="to be asked for")

    assert stage.counts(desk.run()) == {"extracted": 1, "updated": 1}

    assert "told by its event" in note_of(stage, newer)
    assert "of yesterday" not in note_of(stage, older)
    assert [desk.event(each).state for each in (told, outdated)] == ["done", "done"]
    assert (desk.event(silent).state, desk.event(silent).reason) == ("failed", UNAVAILABLE)

    stage.pms.sandbox.faults.faults.clear()
    desk.later = PAUSES[0] + timedelta(minutes=1)

    assert stage.counts(desk.run()) == {"extracted": 1, "updated": 1}

    assert "to be asked for" in note_of(stage, named)
    assert (desk.event(silent).state, desk.event(silent).attempts) == ("done", 2)
