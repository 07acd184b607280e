"""What a webhook run reads: the records that its claim names, and nothing else that may be new.

An event only says where to look. What it carries counts while the external system cannot be asked, and then only if it
was signed and is newer than what is in Odoo.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo_pipelines.engine.diff import is_newer
from odoo_pipelines.errors import ExternalUnavailableError, RowRejectedError
from odoo_pipelines.pipeline.by_id import Fetched, fetch_named, register, write
from odoo_pipelines.pipeline.extraction import Extracted, Extraction, raw_row, received, server_time
from odoo_pipelines.pipeline.payloads import payload_of
from odoo_pipelines.pipeline.session import WEBHOOK, Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.inbox import ClaimedEvent
from odoo_pipelines.systems.base import Stream, System
from odoo_pipelines.systems.records import Key
from odoo_pipelines.webhooks.events import read_event
from odoo_pipelines.webhooks.manual import SyncRequest

UNAVAILABLE = "unavailable"
"""Why an event is tried again: nobody could be asked, and it does not tell itself what has changed."""

NOT_FOUND = "not_found"
"""Why an event is tried again: the external system does not show the record that it names."""
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)

log = logging.getLogger(__name__)


def extract_windows(session: Session, stream: Stream, windows: Sequence[Window]) -> list[Extracted]:
    """Extracts a stream; in a webhook run only looks for the records that its claim names.

    Raises:
        ExternalError: the external system could not be asked, and no event tells what it would have said.
    """
    if session.mode != WEBHOOK:
        walk = Extraction(session, stream)
        return [walk.extract(window) for window in windows]
    try:
        find_claimed(session, stream)
    except ExternalUnavailableError:
        if not _can_do_without(session):
            raise
        take_payloads(session, stream)
    return []


def find_claimed(session: Session, stream: Stream) -> Fetched:
    """Looks in a list for the records that events are about, where the external system gives none of them by its id.

    The recent changes are read, and only if a record is not among them all that came before. Events of records that
    are nowhere are tried again, since a list may be late. No watermark moves.

    Raises:
        ExternalError: the external system could not be asked.
    """
    events = _by_record(session, stream)
    if not events:
        return Fetched()
    recently, wanted = _since(session, stream, events), _Wanted(session.system, stream, events)
    for since, before in ((recently, None), (None, recently)):
        if wanted.missing:
            _look(session, stream, (since, before), wanted)
    batch = write(session, stream, wanted.rows, asked_for=()) if wanted.rows else None  # nothing gives them by id
    if batch:
        register(session, stream, batch)
    missing = [event.job_id for external_id in wanted.missing for event in events[external_id]]
    if missing:
        session.inbox.fail(session.claim_id, NOT_FOUND, missing)
    log.info(
        "%s: %d of %d records that events name were found",
        stream.name,
        len(events) - len(wanted.missing),
        len(events),
    )
    return Fetched(len(events), batch)


class _Wanted:
    """Records of a list that events name; which of the rows they are is told by whoever reads the events.

    An event may name a record by less than the list shows of it: then every row counts that would be named so.
    """

    def __init__(self, system: System, stream: Stream, events: Mapping[str, Sequence[ClaimedEvent]]) -> None:
        self._entity = system.entity_of(stream.name)
        self._readers = {
            (system.events[event.event_type], frozenset(read_event(event.body.encode()).data))
            for some in events.values()
            for event in some
        }
        self._stream = stream
        self._found: dict[str, dict[str, Any]] = {}
        self.missing = set(events)
        self._names = frozenset(events)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was found, as a batch keeps it; of each record what came last."""
        return list(self._found.values())

    def take(self, payloads: Sequence[Any]) -> list[dict[str, Any]]:
        """Takes what is wanted out of a page, and gives it."""
        taken = []
        for payload in payloads:
            if named := self._named(payload):
                row = raw_row(payload, self._stream.id_of)
                self._found[row["external_id"]] = row
                self.missing -= named
                taken.append(row)
        return taken

    def _named(self, payload: Any) -> set[str]:
        if not isinstance(payload, dict):
            return set()
        keys = (
            key
            for reader, fields in self._readers
            for key in reader({name: value for name, value in payload.items() if name in fields})[:1]
        )
        return {external_id for entity, external_id in keys if entity == self._entity} & self._names


def _since(session: Session, stream: Stream, events: Mapping[str, Sequence[ClaimedEvent]]) -> datetime:
    """From when on records must have changed, as far as their events, the last sync and what is known of them tell."""
    name = session.integration.name
    known = session.state.bindings(name, session.system.entity_of(stream.name), events)
    told = [_carried_row(stream, event)["updated_at"] for some in events.values() for event in some]
    times: list[datetime | None] = [
        session.state.watermark(name, stream.name),
        *(each.updated_at for each in known.values()),
        *(event.occurred_at or event.received_at for some in events.values() for event in some),
        *told,
    ]
    overlap = timedelta(minutes=session.integration.overlap_minutes)
    return max(min(time for time in times if time is not None), _EARLIEST) - overlap


def _look(session: Session, stream: Stream, window: tuple[datetime | None, datetime | None], wanted: _Wanted) -> None:
    """Walks through a part of a list until every record that is wanted was found."""
    (since, before), seen_at = window, session.clock()
    before = before if stream.windowed else None
    for page in session.external.pages(stream.path, updated_since=since, updated_before=before):
        received(wanted.take(session.kept(stream, page.rows)), seen_at, server_time(session))
        if not wanted.missing:
            return


def fetch_single(session: Session, stream: Stream) -> Fetched:
    """Fetches the records of a stream that rows name and, in a webhook run, those that its claim names.

    Raises:
        ExternalError: the external system could not be asked, and no event tells what it would have said.
        RowCountError: rows on the wire and rows in the batch differ.
    """
    if session.mode != WEBHOOK:
        return fetch_named(session, stream)
    try:
        return fetch_named(session, stream, claimed_ids(session, stream))
    except ExternalUnavailableError:
        if not _can_do_without(session):
            raise
        return take_payloads(session, stream)


def claimed_ids(session: Session, stream: Stream) -> set[str]:
    """Ids of a stream's records that the claim of this run names."""
    entity = session.system.entity_of(stream.name)
    events = session.claim.newest.values() if session.claim else ()
    return {name for event in events for kind, name in _records(session.system, event) if kind == entity}


def take_payloads(session: Session, stream: Stream) -> Fetched:
    """Takes what events themselves tell of a stream's records into a batch; those that tell nothing are tried again."""
    told = _told(session, stream)
    rows = list(_newer(session, stream, {external_id: row for external_id, (row, _) in told.items() if row}))
    silent = [event.job_id for row, events in told.values() if row is None for event in events]
    batch = write(session, stream, rows, told) if rows else None
    if batch:
        register(session, stream, batch)
    if silent:
        session.inbox.fail(session.claim_id, UNAVAILABLE, silent)
    log.warning(
        "%s: the external system cannot be asked; %d of %d records are taken from their events, %d tried again later",
        stream.name,
        len(rows),
        len(told),
        sum(row is None for row, _ in told.values()),
    )
    return Fetched(len(rows), batch)


def _can_do_without(session: Session) -> bool:
    """Whether there are events that may tell themselves what has changed; who asked for a sync tells no such thing."""
    return session.claim is not None and not any(event.flow for event in session.claim.events)


def _records(system: System, event: ClaimedEvent) -> Iterable[Key]:
    if event.flow:
        ids = SyncRequest.model_validate_json(event.body).ids or ()
        return [(flow.entity, each) for flow in system.flows if flow.name == event.flow for each in ids]
    reader = system.events.get(event.event_type)
    return reader(read_event(event.body.encode()).data) if reader else ()


def _told(session: Session, stream: Stream) -> Mapping[str, tuple[dict[str, Any] | None, list[ClaimedEvent]]]:
    """By record, the newest row that its events carry, None where none does, and the events."""
    by_record = _by_record(session, stream)
    return {external_id: (_newest_row(stream, events), events) for external_id, events in by_record.items()}


def _by_record(session: Session, stream: Stream) -> Mapping[str, list[ClaimedEvent]]:
    """The events of the claim that are about records of a stream, by external id."""
    entity = session.system.entity_of(stream.name)
    by_record = defaultdict[str, list[ClaimedEvent]](list)
    for event in session.claim.events if session.claim else ():
        if event.entity == entity:
            by_record[event.external_id].append(event)
    return by_record


def _newest_row(stream: Stream, events: Iterable[ClaimedEvent]) -> dict[str, Any] | None:
    rows = [(_carried_row(stream, event), event) for event in events]
    usable = [row for row, event in rows if _is_usable(stream, row, event)]
    return max(usable, key=lambda row: row["updated_at"], default=None)


def _carried_row(stream: Stream, event: ClaimedEvent) -> dict[str, Any]:
    """The row that an event carries: as it was when it was changed, not when the event came, which may be repeated."""
    row = raw_row(dict(read_event(event.body.encode()).data), stream.id_of)
    received([row], event.received_at, event.received_at)
    return {**row, "seen_at": row["updated_at"]}


def _is_usable(stream: Stream, row: dict[str, Any], event: ClaimedEvent) -> bool:
    """Whether a row is what the list would show: its sender is known, it can be read, and tells when it was changed."""
    if not event.signed:
        return False
    if row["external_id"] != event.external_id or row["updated_at"] is None:
        return False
    try:
        stream.payload.parse(payload_of(row["payload"]))
    except RowRejectedError:
        return False
    return True


def _newer(session: Session, stream: Stream, rows: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those of the rows that are newer than what is in Odoo."""
    entity = session.system.entity_of(stream.name)
    bindings = session.state.bindings(session.integration.name, entity, rows)
    for external_id, row in rows.items():
        known = bindings.get(external_id)
        if known is None or is_newer(row["updated_at"], known.updated_at):
            yield row
