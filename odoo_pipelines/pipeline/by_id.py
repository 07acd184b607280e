"""Fetches records one by one: those that others name and that nobody has seen, such as the booking of a payment.

They become one more batch of their stream, in a partition of their own, which the mappings and loads of the same run
take up like those of partitions that are none any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Any

from odoo_pipelines.errors import ExternalProtocolError, ExternalRequestError, RowRejectedError
from odoo_pipelines.http.connection import record_path
from odoo_pipelines.pipeline.consumers import by_id_consumer, load_consumer, mapping_consumer
from odoo_pipelines.pipeline.extraction import newest_of, raw_row, received, require_all, server_time
from odoo_pipelines.pipeline.payloads import payload_of
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.rows import raw_schema
from odoo_pipelines.systems.base import ById, Stream
from odoo_pipelines.systems.records import BY_ID, Batch

AT_ONCE = 4
"""Requests in flight; the limiter slows them down to what the server allows."""
READ_ROWS = 10_000
IDS_IN_MEMORY = 50_000
_NO_SUCH_ID = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.GONE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""What servers answer, besides 404, to what cannot be an id of theirs; it must not stop all other records."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of the records that were asked for.

    Attributes:
        asked: how many.
        batch: with those that there are, to be registered; None where there are none.
    """

    asked: int = 0
    batch: Batch | None = None

    @property
    def rows(self) -> int:
        """How many were found."""
        return self.batch.rows if self.batch else 0

    @property
    def not_found(self) -> int:
        """How many the external system does not have."""
        return self.asked - self.rows


def asset_name(stream: Stream) -> str:
    """Name of the asset of a stream's single records."""
    return f"{stream.name}_by_id"


def fetch_named(session: Session, stream: Stream, asked_for: Collection[str] = ()) -> Fetched:
    """Fetches what rows name that are new, unless it is in Odoo or on its way there, and what lost batches held.

    Those rows count as done in the transaction that makes the fetched ones known, and not before.

    Args:
        session: of the run.
        stream: of the records.
        asked_for: ids that are fetched in any case.

    Raises:
        ExternalError: a record could not be asked for; the next run begins with all of them again.
        RowCountError: rows on the wire and rows in the batch differ.
    """
    name, consumer, state = session.integration.name, by_id_consumer(stream), session.state
    pending = state.pending(name, "external", list(_by_id(stream).named_by), consumer)
    wanted = {
        external_id
        for ids in _named(session, stream, session.unreadable.readable(since_complete(pending)))
        for external_id in _unknown(session, stream, ids)
    }
    again = {external_id for each in session.unreadable.single(stream.name) for _, external_id in each.records}
    fetched = fetch_by_id(session, stream, wanted | again | set(asked_for))
    done = [batch.id for batch in session.unreadable.over(pending)]
    if fetched.batch is None:
        state.done(consumer, done)
    else:
        register(session, stream, fetched.batch, consumer, done)
    session.unreadable.replaced.update(each.id for each in session.unreadable.single(stream.name))
    return fetched


def register(
    session: Session, stream: Stream, batch: Batch, consumer: str | None = None, consumed: Sequence[int] = ()
) -> None:
    """Makes a batch of single records known, together with what it was made of; no later batch will replace it."""
    awaited_by = [mapping_consumer(flow) for flow in session.system.flows if stream.name in flow.mappers]
    session.state.register(batch, consumer=consumer, consumed=consumed, awaited_by=awaited_by)


def fetch_by_id(session: Session, stream: Stream, external_ids: Collection[str]) -> Fetched:
    """Gets records, a few at a time, into one batch, which the caller registers together with what asked for them.

    Raises:
        ExternalError: one could not be asked for, or the answer was another one.
        RowCountError: rows on the wire and rows in the batch differ.
    """
    carried_before = session.external.requests.rows
    with ThreadPoolExecutor(AT_ONCE) as pool:  # when one fails, `map` gives up those that have not begun
        answers = pool.map(lambda external_id: _get(session, stream, external_id), sorted(external_ids))
        found = (row for row in answers if row is not None)
        first = next(found, None)
        batch = None if first is None else write(session, stream, chain([first], found), external_ids)
    if batch is not None:
        require_all(session, batch, session.external.requests.rows - carried_before)
    return Fetched(len(external_ids), batch)


def _by_id(stream: Stream) -> ById:
    if stream.by_id is None:
        message = f"records of {stream.name} cannot be fetched one by one"
        raise ValueError(message)
    return stream.by_id


def _get(session: Session, stream: Stream, external_id: str) -> dict[str, Any] | None:
    """One record, as a batch keeps it; None where there is none."""
    path, seen_at = _path(_by_id(stream), external_id), session.clock()
    if path is None:
        return None
    try:
        payload = session.external.get_record(path)
    except ExternalRequestError as error:
        if error.status in _NO_SUCH_ID:
            return None
        raise
    if payload is None:
        return None
    [kept] = session.kept(stream, [payload])
    row = raw_row(kept, stream.id_of)
    if row["external_id"] not in ("", external_id):  # a row without a readable id is rejected by the mapping, as ever
        raise ExternalProtocolError(
            f"GET {path} was answered with a record that has another id. Nothing of it was used; the external system "
            "has to be corrected before the rest can be read."
        )
    received([row], seen_at, server_time(session))
    return row


def _path(by_id: ById, external_id: str) -> str | None:
    try:
        return record_path(by_id.path, external_id)
    except ExternalRequestError:  # no URL can name it
        return None


def write(session: Session, stream: Stream, rows: Iterable[dict[str, Any]], asked_for: Collection[str]) -> Batch:
    """Writes single records into a batch, to be registered with the ids that they were asked for by."""
    name, newest = session.integration.name, None
    path = session.batches.path_for(name, "external", stream.name, BY_ID, session.run_id)
    with session.batches.writer(path, raw_schema()) as writer:
        for row in rows:
            writer.write([row])
            newest = newest_of([row], newest)
    entity = session.system.entity_of(stream.name)
    return Batch(
        id=0,
        integration=name,
        layer="external",
        name=stream.name,
        partition=BY_ID,
        run_id=session.run_id,
        path=path,
        rows=writer.rows,
        newest=newest,
        records=tuple((entity, external_id) for external_id in sorted(asked_for)),
    )


def _named(session: Session, stream: Stream, batches: Sequence[Batch]) -> Iterator[set[str]]:
    """Ids that the rows of batches name, in sets of a size that memory holds."""
    ids: set[str] = set()
    for batch in batches:
        payload_model, named_by = session.system.streams[batch.name].payload, _by_id(stream).named_by[batch.name]
        for rows in session.batches.rows(batch.path, READ_ROWS, ["payload"]):
            ids.update(_ids(payload_model, named_by, rows))
            if len(ids) >= IDS_IN_MEMORY:
                yield ids
                ids = set()
    yield ids


def _ids(payload_model: Any, named_by: Any, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        try:
            named = named_by(payload_model.parse(payload_of(row["payload"])))
        except RowRejectedError:  # the mapping rejects it, too, and says so
            continue
        if named is not None:
            yield named


def _unknown(session: Session, stream: Stream, ids: set[str]) -> set[str]:
    """Those that are not in Odoo, and in no batch that is still to be mapped or loaded."""
    entity = session.system.entity_of(stream.name)
    unknown = ids - session.state.bindings(session.integration.name, entity, ids).keys()
    for batch in session.unreadable.readable([*_on_their_way(session, stream, entity)]) if unknown else ():
        columns = ["external_id"] if batch.layer == "external" else ["entity", "external_id"]
        for rows in session.batches.rows(batch.path, READ_ROWS, columns):
            unknown -= {row["external_id"] for row in rows if row.get("entity", entity) == entity}
    return unknown


def _on_their_way(session: Session, stream: Stream, entity: str) -> Iterator[Batch]:
    name, state = session.integration.name, session.state
    for flow in session.system.flows:
        if flow.entity == entity and stream.name in flow.mappers:
            yield from since_complete(state.pending(name, "external", [stream.name], mapping_consumer(flow)))
            yield from since_complete(state.pending(name, "mapped", [flow.name], load_consumer(flow)))
