"""Events of the inbox as a person asks for them: which ones, and all that is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc

_TABLE = tables.webhook_event
_PLAIN = (
    *("integration", "event_type", "flow", "entity", "external_id", "state", "reason", "attempts", "deliveries"),
    "run_id",
)
_TIMES = ("received_at", "occurred_at", "due_at", "finished_at")
_WAITING = ("pending", "failed")


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant; None means all.

    Attributes:
        integration: name.
        states: such as "dead".
        event_type: as sent.
        received_from: inclusive.
        received_until: exclusive.
        job_ids: of these events.
    """

    integration: str | None = None
    states: Sequence[str] | None = ("dead", "failed")
    event_type: str | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None
    job_ids: Sequence[int] | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL."""
        found: list[sa.ColumnElement[bool]] = []
        if self.integration is not None:
            found.append(_TABLE.c.integration == self.integration)
        if self.states is not None:
            found.append(_TABLE.c.state.in_(self.states))
        if self.event_type is not None:
            found.append(_TABLE.c.event_type == self.event_type)
        if self.received_from is not None:
            found.append(_TABLE.c.received_at >= self.received_from)
        if self.received_until is not None:
            found.append(_TABLE.c.received_at < self.received_until)
        if self.job_ids is not None:
            found.append(_TABLE.c.id.in_(self.job_ids))
        return found

    def replayable(self) -> list[sa.ColumnElement[bool]]:
        """The same, without what a run is at, and what no run can do anything for: it names neither record nor flow."""
        can_be_done = (_TABLE.c.entity != "") | (_TABLE.c.flow != "")
        return [*self.conditions(), _TABLE.c.state != "claimed", can_be_done]

    def discardable(self) -> list[sa.ColumnElement[bool]]:
        """The same, without what a run is at, and what is over."""
        return [*self.conditions(), _TABLE.c.state.in_((*_WAITING, "dead"))]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event, or a manual sync, as the inbox has it, without its body, which may hold personal data.

    Attributes:
        job_id: number; the one of the answer.
        integration: name.
        event_type: as sent; `sync` for manual syncs.
        flow: of a manual sync.
        entity: kind of the record that it names; "" where it names none.
        external_id: of that record.
        state: pending, claimed, done, failed or dead.
        reason: why it failed, or why nothing is to be done.
        attempts: runs that have begun with it.
        deliveries: how often it came.
        received_at: when it came first.
        occurred_at: as the sender says.
        next_try: from when on it may be claimed; None unless it waits.
        finished_at: when it was done, or given up.
        run_id: Dagster run that had it last; "" while none had.
    """

    job_id: int
    integration: str
    event_type: str
    flow: str
    entity: str
    external_id: str
    state: str
    reason: str
    attempts: int
    deliveries: int
    received_at: datetime
    occurred_at: datetime | None
    next_try: datetime | None
    finished_at: datetime | None
    run_id: str


def find_events(connection: Connection, wanted: EventFilter, limit: int) -> list[StoredEvent]:
    """Events, those first that came last."""
    columns = [_TABLE.c[name] for name in ("id", *_PLAIN, *_TIMES)]
    query = sa.select(*columns).where(*wanted.conditions()).order_by(_TABLE.c.id.desc()).limit(limit)
    return [_event(row) for row in connection.execute(query)]


def _event(row: sa.Row[Any]) -> StoredEvent:
    return StoredEvent(
        row.id,
        **{name: getattr(row, name) for name in _PLAIN},
        received_at=row.received_at.astimezone(UTC),
        occurred_at=utc(row.occurred_at),
        next_try=utc(row.due_at) if row.state in _WAITING else None,
        finished_at=utc(row.finished_at),
    )
