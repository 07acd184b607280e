"""Replay batches: the newest rows of records that are tried again, as one more mapped batch of their flow.

These are dead letters whose time has come, in a retry run, and in every run the records whose conflict was resolved.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from odoo_pipelines.engine.diff import is_newer
from odoo_pipelines.errors import UnreadableBatchError
from odoo_pipelines.pipeline.consumers import load_consumer
from odoo_pipelines.pipeline.extraction import raw_row
from odoo_pipelines.pipeline.mapping import Mapped, map_rows, with_columns
from odoo_pipelines.pipeline.payloads import payload_of
from odoo_pipelines.pipeline.session import RETRY, Session
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
from odoo_pipelines.stores.rows import from_columns, mapped_schema
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.base import Flow, MappedRow, RejectedRow
from odoo_pipelines.systems.clocks import is_believed
from odoo_pipelines.systems.records import REPLAY, Batch, Key

R = TypeVar("R")
log = logging.getLogger(__name__)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version(Generic[R]):
    """One row of a record in one batch.

    Attributes:
        row: as the batch keeps it.
        batch: that holds it.
        time: its change time; where it tells none, it counts as the newest of its batch.
        is_whole_row: not a mere reference to the record.
    """

    row: R
    batch: Batch
    time: datetime
    is_whole_row: bool = True

    def supersedes(self, other: Version[R] | None) -> bool:
        """Whether it counts more than one from before it in the batches."""
        return other is None or (self.is_whole_row, self.time) >= (other.is_whole_row, other.time)


@dataclass(slots=True)
class Replay:
    """What is done about the records that are to be tried again.

    Attributes:
        rows: to be loaded.
        mapped: letters whose rows are among them, as rows of other records.
        over: letters whose record is in Odoo in a newer version.
        lost: letters whose row nobody has any more.
        tried: records whose rows are to be loaded.
        missing: records without a letter whose row nobody has any more.
    """

    rows: list[MappedRow | RejectedRow] = field(default_factory=list)
    mapped: list[Key] = field(default_factory=list)
    over: list[Key] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)
    tried: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)


def add_replay(session: Session, flow: Flow) -> Mapped:
    """Registers a replay batch of the flow if anything is to be tried again, unless one waits to be loaded.

    What was in one that cannot be read any more is to be tried again, too.
    """
    name, state, unreadable = session.integration.name, session.state, session.unreadable
    due = state.letters(LetterFilter(name, flow.name, due=True)) if session.mode == RETRY else []
    again = {key for batch in unreadable.replays(flow.name) for key in batch.records}
    wanted: dict[Key, DeadLetter | None] = dict.fromkeys([*_answered(session, flow), *sorted(again)])
    wanted |= {letter.record: letter for letter in due}
    pending = unreadable.readable(state.pending(name, "mapped", [flow.name], load_consumer(flow)))
    if not wanted or any(batch.partition == REPLAY for batch in pending):
        return Mapped()
    replay = _Search(session, flow, wanted, frozenset(batch.id for batch in pending)).replay()
    state.end_letters(name, flow.name, over=replay.over, lost=replay.lost)
    mapped = _write(session, flow, replay)
    if again.isdisjoint(replay.missing):
        unreadable.replaced.update(each.id for each in unreadable.replays(flow.name))
    return mapped


def _answered(session: Session, flow: Flow) -> list[Key]:
    """Records whose conflict was answered; what has vanished has no row any more and waits for the next full sync."""
    keys = list(session.flow_state(flow.name).resolutions())
    own = [external_id for entity, external_id in keys if entity == flow.entity]
    vanished = session.state.vanished_among(session.integration.name, flow.entity, own) if own else ()
    return [(entity, each) for entity, each in keys if entity != flow.entity or each not in vanished]


def _write(session: Session, flow: Flow, replay: Replay) -> Mapped:
    name, mapped = session.integration.name, Mapped(rows_in=len(replay.rows))
    if not replay.rows:
        return mapped
    mapped.path = session.batches.path_for(name, "mapped", flow.name, REPLAY, session.run_id)
    with session.batches.writer(mapped.path, mapped_schema(flow.target)) as writer:
        for row, columns in with_columns(flow, sorted(replay.rows, key=lambda row: row.updated_at or _BEGINNING)):
            mapped.count(row)
            writer.write([columns])
    rows, newest = mapped.rows + mapped.rejected, mapped.newest
    batch = Batch(
        id=0,
        integration=name,
        layer="mapped",
        name=flow.name,
        partition=REPLAY,
        run_id=session.run_id,
        path=mapped.path,
        rows=rows,
        newest=newest,
        records=tuple(replay.tried),
    )
    session.state.register(batch, mapped=replay.mapped)
    return mapped


class _Search:
    """Finds the newest version of each record that is wanted."""

    def __init__(
        self, session: Session, flow: Flow, wanted: Mapping[Key, DeadLetter | None], pending: frozenset[int]
    ) -> None:
        self._session = session
        self._flow = flow
        self._wanted = wanted
        self._pending = pending
        self._streams = {session.system.entity_of(stream): stream for stream in flow.mappers}
        self._unreadable = False  # what is in no batch that can be read may be in one that cannot
        self._raw = self._newest_raw()
        self._mapped = self._newest_mapped()

    def replay(self) -> Replay:
        """What is to be done about each of them."""
        replay, synced = Replay(), self._synced()
        for key, letter in self._wanted.items():
            if self._is_loaded_anyway(key):
                continue
            rows = self._rows(key, letter)
            if letter is None:  # there is no use in rejecting a row again that nobody asked for
                found = [row for row in rows or () if isinstance(row, MappedRow)]
                replay.rows += found
                replay.tried += [key] if found else []
                replay.missing += [key] if rows is None else []
            elif rows is None:
                replay.lost += [] if self._unreadable else [key]
            elif all(is_newer(synced.get(row.key), row.updated_at) for row in rows):
                replay.over.append(key)
            else:
                replay.rows += rows
                replay.tried.append(key)
                replay.mapped += [] if any(_settles(row, letter) for row in rows) else [key]
        return replay

    def _rows(self, key: Key, letter: DeadLetter | None) -> list[MappedRow | RejectedRow] | None:
        """The newest version, made by the present mapping where its raw row is there; None where nothing is."""
        raw, mapped = self._raw.get(key), self._mapped.get(key)
        newer = mapped and (raw is None or (mapped.is_whole_row and mapped.time > raw.time))
        if mapped and newer and isinstance(mapped.row, MappedRow):
            return [replace(mapped.row, weight=1)]
        payload = raw.row if raw else self._kept(letter)
        stream = self._streams.get(key[0], "")
        return [*map_rows(self._session, self._flow, stream, [payload])] if payload else None

    def _kept(self, letter: DeadLetter | None) -> dict[str, Any] | None:
        """The letter's payload, if it is a row as it came and not what was made of one."""
        stream = self._streams.get(letter.entity) if letter else None
        if letter is None or stream is None:
            return None
        raw = raw_row(payload_of(letter.payload), self._session.system.streams[stream].id_of)
        row = {**raw, "payload": letter.payload}
        if letter.external_id in ("", storable(raw["external_id"])):
            return row
        mapped = map_rows(self._session, self._flow, stream, [row])
        former = {each for one in mapped if isinstance(one, MappedRow) for each in one.former}
        return row if letter.external_id in former else None

    def _is_loaded_anyway(self, key: Key) -> bool:
        """Whether the newest version is in a batch that waits, as the present mapping has made it."""
        raw, mapped = self._raw.get(key), self._mapped.get(key)
        if mapped is None or mapped.batch.id not in self._pending or (raw and raw.time > mapped.time):
            return False
        return isinstance(mapped.row, MappedRow) or mapped.batch.run_id == self._session.run_id

    def _newest_raw(self) -> dict[Key, Version[dict[str, Any]]]:
        found: dict[Key, Version[dict[str, Any]]] = {}
        for entity, stream in self._streams.items():
            ids = sorted({external_id for kind, external_id in self._wanted if kind == entity})
            batches = self._session.state.batches(self._session.integration.name, "external", [stream])
            for batch, row in self._select(batches, ids):
                version = Version(row, batch, _time_of(row["updated_at"], batch, self._session.clock()))
                _keep_newest(found, (entity, row["external_id"]), version)
        return found

    def _newest_mapped(self) -> dict[Key, Version[MappedRow | RejectedRow]]:
        found: dict[Key, Version[MappedRow | RejectedRow]] = {}
        ids, now = sorted({external_id for _, external_id in self._wanted}), self._session.clock()
        batches = self._session.state.batches(self._session.integration.name, "mapped", [self._flow.name])
        for batch, columns in self._select(batches, ids):
            row = from_columns(columns, self._flow.target)
            is_stub = isinstance(row, MappedRow) and row.only_create
            version = Version(row, batch, _time_of(row.updated_at, batch, now), is_whole_row=not is_stub)
            _keep_newest(found, row.key, version)
        return found

    def _select(self, batches: list[Batch], external_ids: list[str]) -> Iterator[tuple[Batch, dict[str, Any]]]:
        for batch in since_complete(batches) if external_ids else ():
            try:
                for row in self._session.batches.select(batch.path, external_ids):
                    yield batch, row
            except UnreadableBatchError as error:
                self._unreadable = True
                log.warning("%s: %s. What it held is tried again after the next full sync", self._flow.name, error)

    def _synced(self) -> dict[Key, datetime | None]:
        """Change times of what is in Odoo."""
        times: dict[Key, datetime | None] = {}
        for entity in {entity for entity, _ in self._wanted}:
            ids = [external_id for kind, external_id in self._wanted if kind == entity]
            bindings = self._session.state.bindings(self._session.integration.name, entity, ids)
            times |= {(entity, external_id): binding.updated_at for external_id, binding in bindings.items()}
        return times


def _settles(row: MappedRow | RejectedRow, letter: DeadLetter) -> bool:
    """Whether the outcome of a row will be that of the letter's."""
    return (isinstance(row, RejectedRow) and not row.external_id) or row.key == (letter.entity, letter.external_id)


def _time_of(told: datetime | None, batch: Batch, now: datetime) -> datetime:
    """The change time of a row in a batch; those of older versions may hold times that nobody believes any more."""
    return told if told is not None and is_believed(told, now) else batch.newest or _BEGINNING


def _keep_newest(found: dict[Key, Version[R]], key: Key, version: Version[R]) -> None:
    if version.supersedes(found.get(key)):
        found[key] = version
