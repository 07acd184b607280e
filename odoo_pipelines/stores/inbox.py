"""The inbox: webhook events and manual syncs, kept from the moment they are answered until a run has done them.

An event is `pending`, then `claimed` for a run, then `done`. A claim is a lease: one that no run took up ends without a
trace; one whose run died counts as a failure. An event that failed comes back after a pause, and is `dead` after three
runs: then it waits for a person. Every method is one transaction; StateError as by `State`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import inbox_events, inbox_rows, tables
from odoo_pipelines.stores.inbox_events import EventFilter, StoredEvent
from odoo_pipelines.stores.inbox_rows import BY_CONTENT, Claim, ClaimedEvent, NewEvent, Stored, WaitingEvents
from odoo_pipelines.stores.transactions import Transactions, transaction

__all__ = ["Claim", "ClaimedEvent", "EventFilter", "Inbox", "NewEvent", "Stored", "StoredEvent", "WaitingEvents"]

LEASE = timedelta(minutes=15)
CLAIM_SIZE = 500
COALESCED = 1_000
"""Events at most that come along because they name a record of the claim: a tick has to take less than 200 ms."""
PAUSES = (timedelta(minutes=10), timedelta(hours=4))
"""Between the attempts; after one more, all within 24 hours, an event is dead."""
LEASE_EXPIRED, DISCARDED = "lease_expired", "discarded"

_TABLE = tables.webhook_event
_WAITING = tables.WAITING


def utc_now() -> datetime:
    """The clock of everybody who is not a test."""
    return datetime.now(UTC)


class Inbox:
    """What came in over HTTP, of all integrations.

    Args:
        engine: of a database that `migrate` has brought up to date.
        clock: gives the time, UTC.
    """

    def __init__(self, engine: Transactions, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def store(
        self, events: Sequence[NewEvent], counts: Mapping[tuple[str, date, str], int] | None = None
    ) -> list[Stored]:
        """Stores events, each once; when it returns they are committed.

        An event that came before is not stored again, nor is a manual sync while an equal one waits, or too many do.
        An event that is known by its content only, and was done already, is pending again: a sender without event ids
        may well mean a second change.

        Args:
            events: of any integration.
            counts: requests to be counted besides these, by integration, day and outcome.

        Returns:
            For each event, in the same order, its job id, and whether it is new.
        """
        now = self._clock()
        outcomes = Counter(counts or {})
        with transaction(self._engine) as connection:
            stored = _store(connection, events, now)
            for event, each in zip(events, stored, strict=True):
                outcomes[event.integration, now.date(), each.outcome(event)] += 1
            inbox_rows.add_counts(connection, outcomes)
        return stored

    def claim(self, integration: str, *, manual: bool = False, limit: int = CLAIM_SIZE) -> Claim | None:
        """Takes what waits longest, and other events of the same records; None if nothing is due.

        Two callers at the same time never get the same event. Bodies of events, which may be large, come with `begin`.

        Args:
            integration: name.
            manual: a manual sync instead of events; of these there is one in a claim.
            limit: events at most, not counting those that come along.
        """
        now, claim_id = self._clock(), uuid4().hex
        with transaction(self._engine) as connection:
            self._end_expired(connection, integration, now)
            wanted = _manual(integration, now) if manual else _due(integration, now, limit)
            claimed = sa.update(_TABLE).where(_TABLE.c.id.in_(wanted))
            claimed = claimed.values(
                state="claimed", claim_id=claim_id, lease_until=now + LEASE, run_id="", begun_at=None
            )
            columns = inbox_rows.CLAIMED_COLUMNS if manual else inbox_rows.WITHOUT_BODY
            events = inbox_rows.read_events(connection.execute(claimed.returning(*columns)))
        return Claim(claim_id, integration, events) if events else None

    def begin(self, claim_id: str, run_id: str) -> Claim | None:
        """Takes up a claim in a run, with a new lease; None if the lease has expired in the meantime."""
        now = self._clock()
        begun = (
            sa.update(_TABLE)
            .where(*_of_claim(claim_id))
            .values(
                attempts=_TABLE.c.attempts + sa.cast(_TABLE.c.run_id != run_id, sa.Integer),
                run_id=run_id,
                begun_at=now,
                lease_until=now + LEASE,
            )
        )
        with transaction(self._engine) as connection:
            rows = connection.execute(begun.returning(*inbox_rows.CLAIMED_COLUMNS, _TABLE.c.integration)).all()
        return Claim(claim_id, rows[0].integration, inbox_rows.read_events(rows)) if rows else None

    def open_claims(self, integration: str) -> list[str]:
        """Ids of the claims that hold events, whether their leases have expired or not."""
        held = (_TABLE.c.state == "claimed", _TABLE.c.integration == integration)
        query = sa.select(_TABLE.c.claim_id).where(*held).distinct().order_by(_TABLE.c.claim_id)
        with transaction(self._engine) as connection:
            return list(connection.scalars(query))

    def release(self, claim_id: str) -> int:
        """Puts events of a claim back that no run has begun with, and returns how many."""
        released = sa.update(_TABLE).where(*_of_claim(claim_id), _TABLE.c.begun_at.is_(None)).values(state="pending")
        with transaction(self._engine) as connection:
            return connection.execute(released).rowcount

    def renew(self, claim_id: str) -> bool:
        """Extends the lease of a claim; false if nothing of it is left."""
        renewed = sa.update(_TABLE).where(*_of_claim(claim_id)).values(lease_until=self._clock() + LEASE)
        with transaction(self._engine) as connection:
            return bool(connection.execute(renewed).rowcount)

    def acknowledge(self, claim_id: str, job_ids: Iterable[int] | None = None) -> int:
        """Notes that events of a claim are done, all of them or some; returns how many.

        One that is known by its content only, and came again after the run had begun, is pending once more.
        """
        again = _TABLE.c.event_key.startswith(BY_CONTENT) & (_TABLE.c.last_received_at > _TABLE.c.begun_at)
        now = self._clock()
        done = (
            sa.update(_TABLE)
            .where(*_of_claim(claim_id, job_ids))
            .values(
                state=sa.case((again, "pending"), else_="done"),
                finished_at=sa.case((again, sa.null()), else_=now),
                due_at=sa.case((again, now), else_=_TABLE.c.due_at),
                attempts=sa.case((again, 0), else_=_TABLE.c.attempts),
                reason="",
            )
        )
        with transaction(self._engine) as connection:
            return connection.execute(done).rowcount

    def fail(
        self, claim_id: str, reason: str, job_ids: Iterable[int] | None = None, *, after_pause: bool = True
    ) -> int:
        """Has events of a claim tried again later, or gives them up; returns how many.

        Args:
            claim_id: as `claim` has given it.
            reason: short, stable and free of personal data.
            job_ids: None: all of the claim.
            after_pause: false: at once, if a run had begun with them, for it was not their fault.
        """
        with transaction(self._engine) as connection:
            return _fail(connection, _of_claim(claim_id, job_ids), reason, self._clock(), after_pause=after_pause)

    def replay(self, wanted: EventFilter) -> int:
        """Has events tried again as if they had just come, and returns how many; claimed ones are left alone."""
        now = self._clock()
        again = sa.update(_TABLE).where(*wanted.replayable())
        values = {"state": "pending", "due_at": now, "attempts": 0, "reason": "", "finished_at": None}
        with transaction(self._engine) as connection:
            return connection.execute(again.values(values)).rowcount

    def replayable(self, wanted: EventFilter) -> int:
        """How many events `replay` would have tried again."""
        with transaction(self._engine) as connection:
            return connection.execute(sa.select(sa.func.count()).where(*wanted.replayable())).scalar_one()

    def discard(self, wanted: EventFilter) -> int:
        """Gives events up that wait or are dead, and returns how many; they stay visible as long as what is done."""
        given_up = sa.update(_TABLE).where(*wanted.discardable())
        values = {"state": "done", "reason": DISCARDED, "finished_at": self._clock()}
        with transaction(self._engine) as connection:
            return connection.execute(given_up.values(values)).rowcount

    def discardable(self, wanted: EventFilter) -> int:
        """How many events `discard` would give up."""
        with transaction(self._engine) as connection:
            return connection.execute(sa.select(sa.func.count()).where(*wanted.discardable())).scalar_one()

    def events(self, wanted: EventFilter, limit: int) -> list[StoredEvent]:
        """Events, those first that came last."""
        with transaction(self._engine) as connection:
            return inbox_events.find_events(connection, wanted, limit)

    def body(self, job_id: int) -> str:
        """What an event was sent with, JSON text, which may hold personal data; "" if there is no such event."""
        with transaction(self._engine) as connection:
            return connection.scalar(sa.select(_TABLE.c.body).where(_TABLE.c.id == job_id)) or ""

    def waiting(self) -> WaitingEvents:
        """What waits to be claimed, of all integrations, and since when."""
        query = sa.select(sa.func.count(), sa.func.min(_TABLE.c.received_at)).where(_WAITING)
        with transaction(self._engine) as connection:
            count, oldest = connection.execute(query).tuples().one()
        age = (self._clock() - oldest).total_seconds() if oldest else 0.0
        return WaitingEvents(count, max(0.0, age))

    def states(self, integration: str) -> dict[str, int]:
        """How many events of an integration are in each state."""
        query = sa.select(_TABLE.c.state, sa.func.count()).where(_TABLE.c.integration == integration)
        with transaction(self._engine) as connection:
            return dict(connection.execute(query.group_by(_TABLE.c.state)).tuples().all())

    def purge(self, before: datetime) -> int:
        """Deletes what was done or given up before a time, and counts of such days. Returns how many events."""
        with transaction(self._engine) as connection:
            counts = tables.webhook_count
            connection.execute(sa.delete(counts).where(counts.c.day < before.date()))
            ended = sa.func.coalesce(_TABLE.c.finished_at, _TABLE.c.last_received_at)
            old = sa.delete(_TABLE).where(_TABLE.c.state.in_(["done", "dead"]), ended < before)
            return connection.execute(old).rowcount

    def _end_expired(self, connection: Connection, integration: str, now: datetime) -> None:
        expired = [_TABLE.c.state == "claimed", _TABLE.c.integration == integration, _TABLE.c.lease_until < now]
        never_begun = sa.update(_TABLE).where(*expired, _TABLE.c.begun_at.is_(None)).values(state="pending")
        connection.execute(never_begun)
        _fail(connection, expired, LEASE_EXPIRED, now)


def _store(connection: Connection, events: Sequence[NewEvent], now: datetime) -> list[Stored]:
    syncs = [event for event in events if event.flow]
    if not syncs:
        return inbox_rows.insert_events(connection, events, now)
    of_syncs = iter(inbox_rows.insert_syncs(connection, syncs, now))
    others = iter(inbox_rows.insert_events(connection, [event for event in events if not event.flow], now))
    return [next(of_syncs if event.flow else others) for event in events]


def _due(integration: str, now: datetime, limit: int) -> sa.Select[tuple[int]]:
    """Ids of the events that wait longest, and of others that name the same records; others' locked ones are left."""
    waiting = (_TABLE.c.integration == integration, _TABLE.c.flow == "", _WAITING, _TABLE.c.due_at <= now)
    first = sa.select(_TABLE.c.id, _TABLE.c.entity, _TABLE.c.external_id).where(*waiting)
    first = first.order_by(_TABLE.c.due_at, _TABLE.c.id).limit(limit).with_for_update(skip_locked=True)
    oldest = first.cte("oldest")
    named = sa.select(oldest.c.entity, oldest.c.external_id).distinct().cte("named")
    same = sa.select(_TABLE.c.id).where(
        *waiting, _TABLE.c.entity == named.c.entity, _TABLE.c.external_id == named.c.external_id
    )
    same_each = same.limit(COALESCED).with_for_update(skip_locked=True).lateral("same")
    coalesced = (
        sa.select(same_each.c.id).select_from(named.join(same_each, sa.true())).limit(COALESCED).cte("coalesced")
    )
    return sa.select(sa.union(sa.select(oldest.c.id), sa.select(coalesced.c.id)).subquery().c.id)


def _manual(integration: str, now: datetime) -> sa.Select[tuple[int]]:
    waiting = (_TABLE.c.integration == integration, _TABLE.c.flow > "", _WAITING, _TABLE.c.due_at <= now)
    oldest = sa.select(_TABLE.c.id).where(*waiting).order_by(_TABLE.c.due_at, _TABLE.c.id)
    return oldest.limit(1).with_for_update(skip_locked=True)


def _of_claim(claim_id: str, job_ids: Iterable[int] | None = None) -> list[sa.ColumnElement[bool]]:
    """What a claim still holds: a lease that expired was taken over by another claim, or waits again."""
    held = [_TABLE.c.claim_id == claim_id, _TABLE.c.state == "claimed"]
    return held if job_ids is None else [*held, _TABLE.c.id == sa.any_(sa.cast(list(job_ids), sa.ARRAY(sa.BigInteger)))]


def _fail(
    connection: Connection,
    which: Sequence[sa.ColumnElement[bool]],
    reason: str,
    now: datetime,
    *,
    after_pause: bool = True,
) -> int:
    tried = _TABLE.c.attempts
    given_up = tried > len(PAUSES)
    pauses = [(tried <= index, now + pause) for index, pause in enumerate(PAUSES, 1)]
    at_once = [] if after_pause else [(_TABLE.c.begun_at.is_not(None), now)]
    failed = (
        sa.update(_TABLE)
        .where(*which)
        .values(
            state=sa.case((given_up, "dead"), else_="failed"),
            finished_at=sa.case((given_up, now), else_=sa.null()),
            due_at=sa.case(*at_once, *pauses, else_=now),
            reason=reason,
        )
    )
    return connection.execute(failed).rowcount
