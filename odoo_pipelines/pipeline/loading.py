"""Loads mapped batches into Odoo and reconciles the row counts of the flow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.report import FlowReport, merged
from odoo_pipelines.errors import RowCountError
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.pipeline.competing import Competition
from odoo_pipelines.pipeline.consumers import load_consumer
from odoo_pipelines.pipeline.duplicates import end_notes
from odoo_pipelines.pipeline.mapping import abandoned_partitions, batches_to_do, with_believed_time, without_partition
from odoo_pipelines.pipeline.requirements import Required, examine_requirement
from odoo_pipelines.pipeline.session import FlowState, Session
from odoo_pipelines.pipeline.uniqueness import Uniqueness, examine_uniqueness
from odoo_pipelines.pipeline.unreadable import settle
from odoo_pipelines.pipeline.vanished import VanishedRecords, detect_missing, is_whole, treat_vanished
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.claims import BatchClaims
from odoo_pipelines.stores.conflicts import ConflictFilter
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.rows import from_columns
from odoo_pipelines.systems.base import Flow, MappedRow, RejectedRow
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import TOTAL_DIFFERS, Batch

READ_ROWS = 1_000

log = logging.getLogger(__name__)


def partitions_to_load(session: Session, flow: Flow, keys: Sequence[str]) -> list[str]:
    """The partitions that a run over these keys loads: those of streams without partitions, and old ones, too."""
    abandoned = abandoned_partitions(session, "mapped", [flow.name], load_consumer(flow))
    return [*without_partition(session.system, flow), *abandoned, *keys]


@dataclass(frozen=True, slots=True)
class FlowLoad:
    """One flow's load in one run.

    Attributes:
        report: of all partitions together.
        by_partition: of each; batches without a partition are under WHOLE.
        rows_in: rows of the batches, counted when they were mapped.
        balanced: every one of them has exactly one outcome.
        uniqueness: records by external id, afterwards.
        required: records that must have something in Odoo, afterwards.
        vanished: records that the external system has no more.
        dead_letters: rejected rows that wait, by class, whichever run rejected them.
        totals: external ids of records whose total waits for a person, whichever run has compared it.
        requests: made to Odoo.
        seconds: that it took.
    """

    report: FlowReport
    by_partition: Mapping[str, FlowReport]
    rows_in: int
    balanced: bool
    uniqueness: Uniqueness
    required: Required
    vanished: VanishedRecords
    dead_letters: Mapping[str, int]
    totals: Sequence[str]
    requests: int
    seconds: float


def load_flow(
    session: Session, flow: Flow, partitions: Sequence[str], progress: Callable[[str, int, int], None]
) -> FlowLoad:
    """Loads a flow's batches, partition by partition, and closes the accounts.

    Args:
        session: of the run; loads must be switched on.
        flow: what is loaded.
        partitions: keys, WHOLE for batches that have none.
        progress: told the flow's name, rows done and rows in all, after every chunk.

    Raises:
        OdooPipelinesError: Odoo cannot be reached, or refuses everything; what was done so far is remembered.
    """
    detect_missing(session)
    started, requests_before = time.monotonic(), _requests(session)
    state, work = session.flow_state(flow.name), _work(session, flow, partitions)
    state.state.start(state.run, session.mode)
    with marked_as_failed(state):
        by_partition = _load_partitions(session, flow, state, work, progress)
        vanished = treat_vanished(session, flow, state)
        end_notes(session, flow)
        balanced = reconcile_counts(state, work.rows, work.consumer, work.done_with)
        if balanced and is_whole(session):
            settle(session.state, flow, session.unreadable)
    return FlowLoad(
        report=merged(by_partition.values()),
        by_partition=by_partition,
        rows_in=work.rows,
        balanced=balanced,
        uniqueness=examine_uniqueness(session, flow),
        required=examine_requirement(session, flow),
        vanished=vanished,
        totals=_totals_that_wait(session, flow),
        dead_letters=session.state.count_letters(LetterFilter(session.integration.name, flow.name)),
        requests=_requests(session) - requests_before,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """The batches that a load takes up.

    Attributes:
        consumer: under which they are marked as done.
        waiting: by partition, all that wait.
        readable: by partition, those of them whose rows are loaded.
        done_with: ids of the batches that are done afterwards.
    """

    consumer: str
    waiting: Mapping[str, Sequence[Batch]]
    readable: Mapping[str, Sequence[Batch]]
    done_with: Sequence[int]

    @property
    def batches(self) -> list[Batch]:
        """All that are loaded."""
        return [batch for some in self.readable.values() for batch in some]

    @property
    def rows(self) -> int:
        """Rows of all of them."""
        return sum(batch.rows for batch in self.batches)


def _work(session: Session, flow: Flow, partitions: Sequence[str]) -> _Work:
    consumer, lost = load_consumer(flow), session.unreadable
    waiting = {part: batches_to_do(session, "mapped", [flow.name], consumer, part) for part in partitions}
    readable = {partition: lost.readable(since_complete(some)) for partition, some in waiting.items()}
    return _Work(consumer, waiting, readable, [batch.id for some in waiting.values() for batch in lost.over(some)])


def _load_partitions(
    session: Session, flow: Flow, state: FlowState, work: _Work, progress: Callable[[str, int, int], None]
) -> dict[str, FlowReport]:
    loader = _loader(session, flow, state, [batch.path for batch in work.batches])
    fresh = [batch for batch in work.batches if not batch.begun]
    competition = Competition(session, fresh, flow.target, verify=session.verify)
    by_partition: dict[str, FlowReport] = {}
    for partition, some in work.readable.items():
        done = sum(report.counts.extracted for report in by_partition.values())
        state.state.begin(work.consumer, [batch.id for batch in some])
        ready = _as_begun(some, work.waiting[partition])
        on_chunk = _on_chunk(progress, flow, done, work.rows)
        by_partition[partition] = _load_batches(
            loader, session, flow, ready, competition=competition, on_chunk=on_chunk
        )
    return by_partition


def _requests(session: Session) -> int:
    return session.odoo.requests.total if session.odoo else 0


def _totals_that_wait(session: Session, flow: Flow) -> list[str]:
    waiting = session.state.conflicts(ConflictFilter(session.integration.name, flow.name))
    return [each.external_id for each in waiting if each.code == TOTAL_DIFFERS]


def _as_begun(batches: Sequence[Batch], to_do: Sequence[Batch]) -> Sequence[Batch]:
    """What stands for a batch that an earlier run had begun with, and that cannot be read any more, counts as begun."""
    if all(each in batches for each in to_do if each.begun):
        return batches
    return [replace(batch, begun=True) for batch in batches]


def _load_batches(
    loader: FlowLoader,
    session: Session,
    flow: Flow,
    batches: Sequence[Batch],
    *,
    competition: Competition,
    on_chunk: Callable[[int, FlowReport], None],
) -> FlowReport:
    """Loads a partition's batches; first those that an earlier run began with, for their rows are the older ones.

    Of these none is left out: a part of it may have been written, which must be recognised.
    """
    begun = [batch for batch in batches if batch.begun]
    fresh = [batch for batch in batches if not batch.begun]
    resumed = loader.load(_rows(session, flow, begun), partial(on_chunk, 0), resumed=True)
    rows = (competition.marked(row) if isinstance(row, MappedRow) else row for row in _rows(session, flow, fresh))
    return merged([resumed, loader.load(rows, partial(on_chunk, resumed.counts.extracted))])


def _loader(session: Session, flow: Flow, state: FlowState, paths: Sequence[str]) -> FlowLoader:
    odoo = session.integration.connections().odoo
    if odoo is None or session.odoo is None:
        message = "loads are switched off"
        raise RuntimeError(message)
    context = FlowContext(
        session.integration.name,
        session.target(flow).comparing(session.integration.compare_total),
        session.schemas,
        state,
        PlanOptions(
            verify=session.verify,
            unlock=session.integration.unlock_orders,
            policies=session.integration.policies(flow.name),
            whole=is_whole(session),
            lost=session.disaster is Disaster.ODOO_BACKUP,
        ),
    )
    model = OdooModel(
        context,
        session.engine_odoo,
        session.reference_data,
        BatchClaims(session.batches, paths, flow.target),
        calls=CallOptions(odoo.chunk_size, odoo.connections, session.sleep),
        dry_run=session.planned_odoo,
    )
    return FlowLoader(context, model, session.still_writer, Concurrency(odoo.connections))


def _rows(session: Session, flow: Flow, batches: Sequence[Batch]) -> Iterator[MappedRow | RejectedRow]:
    for batch in batches:
        for rows in session.batches.rows(batch.path, READ_ROWS):
            for columns in rows:
                row = from_columns(columns, flow.target)
                if isinstance(row, MappedRow) and row.seen_at is None:  # mapped by an older version
                    row = with_believed_time(row, session.clock())
                yield row


def _on_chunk(
    progress: Callable[[str, int, int], None], flow: Flow, before: int, total: int
) -> Callable[[int, FlowReport], None]:
    return lambda already, report: progress(flow.name, before + already + report.counts.extracted, total)


def reconcile_counts(state: FlowState, rows_in: int, consumer: str, batch_ids: Sequence[int]) -> bool:
    """Reconciles the row counts of a flow; numbers that do not add up fail the run through its blocking check.

    Args:
        state: of the flow.
        rows_in: rows that went in.
        consumer: who has done the batches.
        batch_ids: that they came from.
    """
    try:
        state.state.finish(state.run, rows_in, consumer=consumer, batch_ids=batch_ids)
    except RowCountError:
        log.exception("%s: the row counts do not add up", state.run.flow)
        return False
    return True


@contextmanager
def marked_as_failed(state: FlowState) -> Iterator[None]:
    """Notes in the row counts of a flow that what happens inside has failed."""
    try:
        yield
    except BaseException as error:  # a signal to stop, too
        state.state.fail(state.run, type(error).__name__)
        raise
