"""Maps batches of streams into one batch of a flow: every row that goes in comes out mapped or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from odoo_pipelines.engine.diff import latest
from odoo_pipelines.engine.versions import joined
from odoo_pipelines.errors import RowCountError, RowRejectedError
from odoo_pipelines.pipeline.consumers import mapping_consumer
from odoo_pipelines.pipeline.payloads import payload_of, payload_text
from odoo_pipelines.pipeline.sayings import Sayings
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.rows import mapped_schema, row_hash, to_columns
from odoo_pipelines.systems.base import Flow, MappedRow, RejectedRow, System
from odoo_pipelines.systems.clocks import FROM_THE_FUTURE, believed, is_believed
from odoo_pipelines.systems.records import WHOLE, Batch, Key, Layer

CHUNK_ROWS = 2_000


@dataclass(slots=True)
class Mapped:
    """What one partition's batches became.

    Attributes:
        sources: batches that were mapped.
        rows_in: rows in them.
        rows: mapped rows; equal ones count each.
        rejected: rows that could not be mapped.
        rejections: how many of each code.
        warnings: how many values of each kind were dropped.
        path: of the batch; "" when there was nothing to map.
        newest: newest change time.
    """

    sources: int = 0
    rows_in: int = 0
    rows: int = 0
    rejected: int = 0
    rejections: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    path: str = ""
    newest: datetime | None = None

    def count(self, row: MappedRow | RejectedRow) -> None:
        """Takes a row into the numbers."""
        if isinstance(row, RejectedRow):
            self.rejected += 1
            kind = f"{row.error.field}: {row.error.code}"
            self.rejections[kind] = self.rejections.get(kind, 0) + 1
            return
        self.rows += row.weight
        for warning in row.warnings:
            self.warnings[warning] = self.warnings.get(warning, 0) + row.weight
        if row.updated_at and (self.newest is None or row.updated_at > self.newest):
            self.newest = row.updated_at


def batches_to_do(session: Session, layer: Layer, names: Sequence[str], consumer: str, partition: str) -> list[Batch]:
    """Batches that a consumer has not done or, when asked for by hand and there is none, all of the partition."""
    name = session.integration.name
    pending = session.state.pending(name, layer, names, consumer, [partition])
    if pending or session.incremental:
        return pending
    return session.state.batches(name, layer, names, [partition])


def abandoned_partitions(session: Session, layer: Layer, names: Sequence[str], consumer: str) -> list[str]:
    """Partitions with batches to do that are no partitions any more, since the partition size was changed."""
    known = {WHOLE, *session.partition_keys}
    pending = session.state.pending(session.integration.name, layer, names, consumer, None)
    return sorted({batch.partition for batch in pending} - known)


def without_partition(system: System, flow: Flow) -> list[str]:
    """WHOLE, if the flow takes a stream that has no partitions."""
    return [WHOLE] if any(not system.streams[stream].partitioned for stream in flow.mappers) else []


def partitions_to_map(session: Session, flow: Flow, keys: Sequence[str]) -> list[str]:
    """The partitions that a run over these keys maps: those of streams without partitions, and old ones, too."""
    abandoned = abandoned_partitions(session, "external", list(flow.mappers), mapping_consumer(flow))
    return [*without_partition(session.system, flow), *abandoned, *keys]


def map_partition(session: Session, flow: Flow, partition: str) -> Mapped:
    """Maps a partition's batches and registers the result, with the sources marked as done, in one transaction."""
    name, streams = session.integration.name, list(flow.mappers)
    mapped, to_do = Mapped(), batches_to_do(session, "external", streams, mapping_consumer(flow), partition)
    if not to_do:
        session.covered.add(("mapped", flow.name, partition))
        return mapped
    letters, through = letters_of_others(session, flow), set[Key]()
    readable = session.unreadable.readable(since_complete(to_do))
    if not readable:
        session.state.done(mapping_consumer(flow), [source.id for source in session.unreadable.over(to_do)])
        return mapped
    sayings = Sayings(session, flow)
    sources = sorted(readable, key=lambda batch: (streams.index(batch.name), batch.id))
    path = session.batches.path_for(name, "mapped", flow.name, partition, session.run_id)
    with session.batches.writer(path, mapped_schema(flow.target)) as writer:
        for batch in sources:
            for raw in session.batches.rows(batch.path, CHUNK_ROWS):
                mapped.rows_in += len(raw)
                rows = list(with_columns(flow, sayings.compared(batch, map_rows(session, flow, batch.name, raw))))
                for row, _ in rows:
                    mapped.count(row)
                writer.write([columns for _, columns in rows])
                if letters:
                    seen = {(session.system.entity_of(batch.name), row["external_id"]) for row in raw}
                    through = (through | (letters & seen)) - {row.key for row, _ in rows}
        _require_all(flow, sources, mapped.rows_in)
    mapped.sources, mapped.path = len(sources), path
    batch = Batch(
        id=0,
        integration=name,
        layer="mapped",
        name=flow.name,
        partition=partition,
        run_id=session.run_id,
        path=path,
        rows=mapped.rows + mapped.rejected,
        newest=mapped.newest,
        complete=_is_complete(session, flow, sources),
    )
    session.unreadable.note_mapped(flow, partition, to_do)
    consumed = [source.id for source in session.unreadable.over(to_do)]
    said = sayings.news()
    session.state.register(batch, consumer=mapping_consumer(flow), consumed=consumed, mapped=[*through], said=said)
    session.covered.add(("mapped", flow.name, partition))
    return mapped


def _require_all(flow: Flow, sources: Sequence[Batch], read: int) -> None:
    """What was read is what the extractions counted on the wire."""
    extracted = sum(batch.rows for batch in sources)
    if read != extracted:
        raise RowCountError(f"{flow.name}: {extracted} rows were extracted, but the mapping read {read}")


def letters_of_others(session: Session, flow: Flow) -> frozenset[Key]:
    """Dead letters of records that this flow takes only a part of: they have no outcome here when they get through."""
    entities = {session.system.entity_of(stream) for stream in flow.mappers} - {flow.entity}
    filters = [LetterFilter(session.integration.name, flow.name, entity) for entity in entities]
    return frozenset(letter.record for each in filters for letter in session.state.letters(each))


def _is_complete(session: Session, flow: Flow, sources: Sequence[Batch]) -> bool:
    """Whether every stream that has this partition is in the batch with all of it."""
    partitioned = sources[0].partition != WHOLE
    streams = {name for name in flow.mappers if session.system.streams[name].partitioned == partitioned}
    return streams <= {source.name for source in sources if source.complete}


def map_rows(
    session: Session, flow: Flow, stream: str, raw: Iterable[dict[str, Any]]
) -> Iterator[MappedRow | RejectedRow]:
    """Maps raw rows of one stream; a payload that no model can read becomes a rejected row.

    No mapping sees a change time that is not believed. Rows of older versions do not tell when they came: then it is
    now.
    """
    payload_model, mapper, options = (
        session.system.streams[stream].payload,
        flow.mappers[stream],
        session.mapping_options,
    )
    entity = session.system.entity_of(stream)
    others = {session.system.entity_of(each) for each in flow.mappers} - {entity}
    for row in raw:
        seen_at = row.get("seen_at")
        now = seen_at or session.clock()
        changed = row["updated_at"] and believed(row["updated_at"], now) if seen_at is None else row["updated_at"]
        try:
            payload = payload_model.parse(payload_of(row["payload"]))
            doubts = () if payload.updated_at == changed else (FROM_THE_FUTURE,)
            if doubts:
                payload = payload.model_copy(update={"updated_at": changed})
            for mapped in mapper(payload, options):
                inside = row["external_id"] if mapped.entity in others and not mapped.only_create else ""
                told = replace(mapped, seen_at=seen_at, inside=inside, warnings=(*doubts, *mapped.warnings))
                yield with_believed_time(told, latest(now, changed) or now)
        except RowRejectedError as error:
            yield RejectedRow(entity, row["external_id"], changed, error, row["payload"])


def with_believed_time(row: MappedRow, now: datetime) -> MappedRow:
    """The row, changed no later than now; a record inside another one may tell a time of its own."""
    if is_believed(row.updated_at, now):
        return row
    return replace(row, updated_at=now, warnings=(FROM_THE_FUTURE, *row.warnings))


def fold(rows: Iterable[MappedRow | RejectedRow]) -> list[MappedRow | RejectedRow]:
    """Folds equal rows of a record into the last, which then counts for all of them.

    Rows that only say that a record exists fold into any other row of it: a thousand bookings of one room type are one
    row, with a weight of a thousand.
    """
    every = list(rows)
    rejected = [row for row in every if isinstance(row, RejectedRow)]
    mapped: dict[tuple[str, ...], MappedRow] = {}
    times = Counter(row.key for row in every)
    for row in every:
        if isinstance(row, RejectedRow):
            continue
        alone = row.only_create or times[row.key] == 1  # hashes are dear
        identity = row.key if alone else (*row.key, row.hash or row_hash(row))
        first = mapped.pop(identity, None)  # where no time tells, the last one counts
        mapped[identity] = _merged(first, row) if first else row
    return [*mapped.values(), *rejected]


def _merged(first: MappedRow, row: MappedRow) -> MappedRow:
    return replace(joined(first, row), weight=first.weight + row.weight)


def with_columns(
    flow: Flow, rows: Iterable[MappedRow | RejectedRow]
) -> Iterator[tuple[MappedRow | RejectedRow, dict[str, Any]]]:
    """Folds rows, and gives each with its columns in the batch."""
    for row in fold(rows):
        yield from _columns(row, flow)


def _columns(row: MappedRow | RejectedRow, flow: Flow) -> Sequence[tuple[MappedRow | RejectedRow, dict[str, Any]]]:
    """The row and its columns; one whose values fit no column is rejected with them."""
    try:
        return [(row, to_columns(row, flow.target))]
    except RowRejectedError as error:
        if isinstance(row, RejectedRow):
            raise
        payload = payload_text({"values": row.values})
        rejected = RejectedRow(row.entity, row.external_id, row.updated_at, error, payload)
        return [(rejected, to_columns(rejected, flow.target))] * row.weight
