"""Rows of the inbox: what is written when events come in, and what a run gets to know of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import document_of
from odoo_pipelines.systems.clocks import believed
from odoo_pipelines.systems.records import Key

ACCEPTED, REPEATED, TOO_MANY = "accepted", "repeated", "too_many_syncs"
"""What became of a request whose event is new, was there before, or is a manual sync too many."""
BY_ID, BY_CONTENT, BY_REQUEST = "id:", "sha256:", "sync:"
"""How an event's key begins: after the sender's id of it, the hash of its body, or, of a manual sync, that of what is
asked for, with something random behind a colon."""
MOST_WAITING_SYNCS = 100
"""Manual syncs of an integration: each of them is a run."""

_TABLE = tables.webhook_event
_OF_EVENT = (
    *("integration", "event_key", "event_type", "body", "flow", "entity", "external_id", "occurred_at"),
    *("state", "reason", "signed"),
)
_ADDED = ("received_at", "last_received_at", "due_at", "finished_at", "deliveries", "claim_id", "run_id")
_WRITTEN = (*_OF_EVENT, *_ADDED)
_OVER = "stored.state in ('done', 'dead') and stored.entity <> '' and stored.event_key like 'sha256:%'"
# Written out: SQLAlchemy would compile a statement with ON CONFLICT anew each time, which takes longer than running it.
# A row version that nobody has locked or replaced yet has no xmax: it is new.
_INSERT_EVENTS = sa.text(f"""
    insert into {tables.SCHEMA}.webhook_event as stored ({", ".join(_WRITTEN)})
    select {", ".join(_WRITTEN)}
    from jsonb_populate_recordset(cast(null as {tables.SCHEMA}.webhook_event), cast(:document as jsonb))
    on conflict (integration, event_key) do update set
        deliveries = stored.deliveries + excluded.deliveries,
        last_received_at = excluded.last_received_at,
        signed = stored.signed or (excluded.signed and stored.body = excluded.body),
        state = case when {_OVER} then 'pending' else stored.state end,
        due_at = case when {_OVER} then excluded.due_at else stored.due_at end,
        attempts = case when {_OVER} then 0 else stored.attempts end,
        finished_at = case when {_OVER} then null else stored.finished_at end
    returning id, integration, event_key, stored.xmax = 0""")  # noqa: S608 - constants
_INSERT_COUNTS = sa.text(f"""
    insert into {tables.SCHEMA}.webhook_count as stored (integration, day, outcome, requests)
    select integration, day, outcome, requests
    from jsonb_populate_recordset(cast(null as {tables.SCHEMA}.webhook_count), cast(:document as jsonb))
    on conflict (integration, day, outcome) do update set requests = stored.requests + excluded.requests
    """)  # noqa: S608
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(hashtextextended('odoo_pipelines.manual_syncs', 0))")
WITHOUT_BODY = (
    _TABLE.c.id,
    _TABLE.c.event_type,
    _TABLE.c.flow,
    _TABLE.c.entity,
    _TABLE.c.external_id,
    _TABLE.c.occurred_at,
    _TABLE.c.received_at,
    _TABLE.c.signed,
)
CLAIMED_COLUMNS = (*WITHOUT_BODY, _TABLE.c.body)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event, or a manual sync, as it came in.

    Attributes:
        integration: name.
        event_key: the same on every redelivery: begins with BY_ID, BY_CONTENT or BY_REQUEST.
        event_type: as sent.
        body: as it came, JSON text.
        flow: of a manual sync; "" for an event.
        entity: kind of the record that it names; "" where it names none.
        external_id: of that record.
        occurred_at: as the sender says; kept as no later than it came.
        state: pending, or done or dead where no run can do anything.
        reason: why that is so.
        signed: its signature was checked. What an unsigned one carries is never taken for data.
    """

    integration: str
    event_key: str
    event_type: str
    body: str = field(repr=False)
    flow: str = ""
    entity: str = ""
    external_id: str = ""
    occurred_at: datetime | None = None
    state: str = "pending"
    reason: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an event.

    Attributes:
        job_id: its number; 0 if it is not stored.
        new: it was not there before.
        too_many: it is a manual sync, and is not stored, because so many wait.
    """

    job_id: int
    new: bool
    too_many: bool = False

    def outcome(self, event: NewEvent) -> str:
        """The word under which the event's request is counted."""
        if self.too_many:
            return TOO_MANY
        return event.reason or ACCEPTED if self.new else REPEATED


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """An event, or a manual sync, for a run. Times are UTC; the rest is as in `NewEvent`; `body` is "" if not read."""

    job_id: int
    event_type: str
    flow: str
    entity: str
    external_id: str
    occurred_at: datetime | None
    received_at: datetime
    signed: bool
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """Events that a run is to do, the newest first.

    Attributes:
        id: under which they are begun, acknowledged or failed.
        integration: name.
        events: never empty.
    """

    id: str
    integration: str
    events: tuple[ClaimedEvent, ...]

    @property
    def newest(self) -> dict[Key, ClaimedEvent]:
        """The newest event of each record."""
        return {(event.entity, event.external_id): event for event in reversed(self.events)}


@dataclass(frozen=True, slots=True)
class WaitingEvents:
    """How many events wait to be claimed, and for how long the oldest has."""

    count: int
    oldest_seconds: float


def insert_events(connection: Connection, events: Sequence[NewEvent], now: datetime) -> list[Stored]:
    """Stores events that are not there yet, and returns job ids in the order of the events."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    places = [(event.integration, event.event_key) for event in events]
    repeated = []
    for index, (place, event) in enumerate(zip(places, events, strict=True)):
        repeated.append(place in first)
        received_at = now + index * timedelta(microseconds=1)  # they are stored in another order than they came in
        first.setdefault(place, _row(event, now, received_at))["deliveries"] += 1
    if not first:
        return []
    # Sorted, so that two receivers that store the same events never wait for one another in a circle.
    document = document_of(first[place] for place in sorted(first))
    found = connection.execute(_INSERT_EVENTS, {"document": document})
    stored = {(integration, key): Stored(job_id, new) for job_id, integration, key, new in found}
    return [
        Stored(stored[place].job_id, stored[place].new and not again)
        for place, again in zip(places, repeated, strict=True)
    ]


def insert_syncs(connection: Connection, syncs: Sequence[NewEvent], now: datetime) -> list[Stored]:
    """Stores manual syncs, each unless an equal one waits or too many do. Locks: nothing else may be stored before."""
    connection.execute(_ONE_AT_A_TIME)
    return [_insert_sync(connection, sync, now) for sync in syncs]


def _insert_sync(connection: Connection, sync: NewEvent, now: datetime) -> Stored:
    waiting = (_TABLE.c.integration == sync.integration, _TABLE.c.flow > "", tables.WAITING)
    found = connection.execute(sa.select(_TABLE.c.id, _TABLE.c.flow, _TABLE.c.event_key).where(*waiting)).all()
    asked_for = sync.event_key.rpartition(":")[0]
    for row in found:
        if (row.flow, row.event_key.rpartition(":")[0]) == (sync.flow, asked_for):
            # One that has failed is tried at once: somebody asks for it now.
            again = {"state": "pending", "due_at": sa.func.least(_TABLE.c.due_at, now), "last_received_at": now}
            equal = sa.update(_TABLE).where(_TABLE.c.id == row.id)
            connection.execute(equal.values(**again, attempts=0, reason="", deliveries=_TABLE.c.deliveries + 1))
            return Stored(row.id, new=False)
    if len(found) >= MOST_WAITING_SYNCS:
        return Stored(0, new=False, too_many=True)
    return insert_events(connection, [sync], now)[0]


def add_counts(connection: Connection, counts: Mapping[tuple[str, date, str], int]) -> None:
    """Adds to the numbers of requests by integration, day and outcome."""
    if counts:
        names = ("integration", "day", "outcome", "requests")
        rows = [dict(zip(names, (*place, number), strict=True)) for place, number in sorted(counts.items())]
        connection.execute(_INSERT_COUNTS, {"document": document_of(rows)})


def read_events(rows: Iterable[sa.Row[Any]]) -> tuple[ClaimedEvent, ...]:
    """Events out of rows of CLAIMED_COLUMNS or WITHOUT_BODY, the newest first."""
    events = (
        ClaimedEvent(
            row.id,
            row.event_type,
            row.flow,
            row.entity,
            row.external_id,
            utc(row.occurred_at),
            row.received_at.astimezone(UTC),
            row.signed,
            getattr(row, "body", ""),
        )
        for row in rows
    )
    return tuple(sorted(events, key=_moment, reverse=True))


def _moment(event: ClaimedEvent) -> tuple[datetime, datetime, int]:
    """When it happened; what happened in the same second in the order of coming."""
    return event.occurred_at or event.received_at, event.received_at, event.job_id


def _row(event: NewEvent, now: datetime, received_at: datetime) -> dict[str, Any]:
    over = event.state != "pending"
    return {
        **{name: getattr(event, name) for name in _OF_EVENT},
        "occurred_at": event.occurred_at and believed(event.occurred_at, received_at),
        "received_at": received_at,
        "last_received_at": now,
        "due_at": now,
        "finished_at": now if over else None,
        "deliveries": 0,
        "claim_id": "",
        "run_id": "",
    }
