"""What a webhook run reads: the records that its claim names, and nothing else that may be new.

An event only says where to look. What it carries counts while the external system cannot be asked, and then only if it
was signed and is newer than what is in Odoo.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from odoo_pipelines.defs.by_id import Fetched, fetch_named, register, write
from odoo_pipelines.defs.extraction import Extracted, Extraction, Window, raw_row
from odoo_pipelines.defs.payloads import payload_of
from odoo_pipelines.defs.session import WEBHOOK, Session
from odoo_pipelines.errors import ExternalUnavailableError, RowRejectedError
from odoo_pipelines.stores.inbox import ClaimedEvent
from odoo_pipelines.sync.diff import is_newer
from odoo_pipelines.systems.base import Stream, System
from odoo_pipelines.systems.records import Key
from odoo_pipelines.webhooks.events import read_event
from odoo_pipelines.webhooks.manual import SyncRequest

UNAVAILABLE = "unavailable"
"""Why an event is tried again: nobody could be asked, and it does not tell itself what has changed."""

log = logging.getLogger(__name__)


def extract_windows(session: Session, stream: Stream, windows: Sequence[Window]) -> list[Extracted]:
    """Extracts a stream; in a webhook run only what is new since the last sync, of which there must have been one.

    Raises:
        ExternalError: the external system could not be asked, and no event tells what it would have said.
    """
    walk = Extraction(session, stream)
    if session.mode != WEBHOOK:
        return [walk.extract(window) for window in windows]
    if session.state.watermark(session.integration.name, stream.name) is None:
        return []
    try:
        return [walk.extract(window) for window in windows]
    except ExternalUnavailableError:
        if not _can_do_without(session):
            raise
        take_payloads(session, stream)
        return []


def fetch_single(session: Session, stream: Stream) -> Fetched:
    """Fetches the records of a stream that rows name and, in a webhook run, those that its claim names.

    Raises:
        ExternalError: the external system could not be asked, and no event tells what it would have said.
        AccountingError: rows on the wire and rows in the batch differ.
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
    batch = write(session, stream, rows) if rows else None
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
    entity = session.system.entity_of(stream.name)
    by_record = defaultdict[str, list[ClaimedEvent]](list)
    for event in session.claim.events if session.claim else ():
        if event.entity == entity:
            by_record[event.external_id].append(event)
    return {external_id: (_newest_row(stream, events), events) for external_id, events in by_record.items()}


def _newest_row(stream: Stream, events: Iterable[ClaimedEvent]) -> dict[str, Any] | None:
    rows = (raw_row(dict(read_event(event.body.encode()).data), stream.id_of) for event in events)
    usable = [row for row, event in zip(rows, events, strict=True) if _is_usable(stream, row, event)]
    return max(usable, key=lambda row: row["updated_at"], default=None)


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
