"""Loads one flow: chunk by chunk plan, apply, report, remember; several chunks at a time.

No two chunks in flight share a record. What a chunk did is in the state when it is done, in one transaction; a process
that dies in between leaves work that the next run finds by sync key and finishes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from odoo_pipelines.engine.caution import Caution
from odoo_pipelines.engine.chunks import Chunk, chunks
from odoo_pipelines.engine.pace import Pace
from odoo_pipelines.engine.patience import Patience
from odoo_pipelines.engine.plan import Planner
from odoo_pipelines.engine.planned import Plan, PlanOptions
from odoo_pipelines.engine.ports import Claims, FlowState, Odoo, Schemas
from odoo_pipelines.engine.report import ChunkReport, FlowReport, report_chunk
from odoo_pipelines.engine.reuse import ReuseCheck
from odoo_pipelines.engine.row_plan import RowPlanner
from odoo_pipelines.engine.totals import TotalCheck
from odoo_pipelines.odoo.apply import Applied, Applier
from odoo_pipelines.odoo.bind import Binder
from odoo_pipelines.odoo.followers import Followers
from odoo_pipelines.odoo.former import FormerRecords
from odoo_pipelines.odoo.reading import Reading
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.references import References
from odoo_pipelines.odoo.resolve import Resolver
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.targets import Target


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Choices of a run.

    Attributes:
        plan: what is looked at and what may be done.
        chunk_size: rows in one call, as long as the server is quick enough.
        connections: requests that the Odoo client makes at a time.
        ahead: chunks that are worked on for every connection besides the one that is with Odoo: the next one is ready
            when that ends, and another one is planned or remembered meanwhile.
    """

    plan: PlanOptions
    chunk_size: int = 500
    connections: int = 2
    ahead: int = 2

    @property
    def in_flight(self) -> int:
        """Chunks that are worked on at a time."""
        return self.connections * (1 + self.ahead)


class FlowLoader:
    """Loads the rows of one flow into Odoo.

    Args:
        integration: name, the first part of every sync key.
        target: where the rows go.
        odoo: the calls.
        schemas: the server's fields.
        reference_data: shared by all flows of a run.
        state: of this flow in this run.
        claims: the rows that it is going to load.
        options: choices of the run.
        still_writer: raises when this process is no longer the one that may write for the integration.
        sleep: takes seconds.
        clock: gives seconds; calls that take long make chunks smaller.
        reached: told the name of every point between two effects; where a test stops the engine.
        carry_out: what a dry run does with a plan instead of applying it to Odoo.
    """

    def __init__(
        self,
        *,
        integration: str,
        target: Target,
        odoo: Odoo,
        schemas: Schemas,
        reference_data: ReferenceData,
        state: FlowState,
        claims: Claims,
        options: LoadOptions,
        still_writer: Callable[[], None],
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
        reached: Callable[[str], None] = lambda _: None,
        carry_out: Callable[[Plan], Applied] | None = None,
    ) -> None:
        self._target = target
        self._state = state
        self._options = options
        self._still_writer = still_writer
        self._reached = reached
        self._pace = Pace(options.chunk_size, clock)
        archivable = schemas(target.model).server_name("active") is not None
        binder = Binder(
            integration, odoo, target, state, claims=claims, adopt=options.plan.policies.adopt, archivable=archivable
        )
        self._resolver = Resolver(
            integration=integration,
            target=target,
            schemas=schemas,
            reference_data=reference_data,
            references=References(integration, odoo, state),
        )
        self._planner = Planner(
            resolver=self._resolver,
            binder=binder,
            former=FormerRecords(odoo, target, schemas(target.model)),
            reading=Reading(odoo, target, schemas),
            row_planner=RowPlanner(
                integration, target, schemas, policies=options.plan.policies, unlock=options.plan.unlock
            ),
            reuse=ReuseCheck(target, schemas(target.model)),
            state=state,
            options=options.plan,
            total=target.total,
        )
        self._total_check = TotalCheck(target, reference_data.currencies.unit)
        applier = Applier(
            target=target,
            odoo=odoo,
            schemas=schemas,
            find=binder.ids_by_key,
            patience=Patience(sleep, self._pace),
            caution=Caution(options.connections),
            reached=reached,
        )
        self._carry_out = carry_out or (lambda plan: applier.apply(plan.planned))
        self._followers = Followers(odoo, target, schemas, reference_data.company_id)

    def load(
        self,
        rows: Iterable[MappedRow | RejectedRow],
        on_chunk: Callable[[FlowReport], None] = lambda _: None,
        *,
        resumed: bool = False,
    ) -> FlowReport:
        """Loads all rows.

        Args:
            rows: in the order in which they came; memory does not grow with their number.
            on_chunk: told of the progress after every chunk.
            resumed: an earlier run began to write these rows and did not get to its end.

        Raises:
            OdooError: Odoo cannot be reached, or refuses everything; what was done so far is remembered.
        """
        report = FlowReport(missing_fields=tuple(self._resolver.missing_fields))
        in_flight: dict[Future[ChunkReport], frozenset[Key]] = {}

        def take(finished: Iterable[Future[ChunkReport]]) -> None:
            for future in finished:
                del in_flight[future]
                report.add(future.result())
                on_chunk(report)

        with ThreadPoolExecutor(self._options.in_flight, thread_name_prefix="load") as pool:
            for chunk in chunks(rows, self._pace.size):
                while len(in_flight) >= self._options.in_flight or _shares_a_record(chunk, in_flight.values()):
                    take(wait(in_flight, return_when=FIRST_COMPLETED).done)
                in_flight[pool.submit(self._load_chunk, chunk, resumed=resumed)] = chunk.keys
            while in_flight:
                take(wait(in_flight, return_when=FIRST_COMPLETED).done)
        return report

    def _load_chunk(self, chunk: Chunk, *, resumed: bool) -> ChunkReport:
        self._still_writer()
        plan = self._planner.plan(chunk, resumed=resumed)
        self._reached("planned")
        applied = self._carry_out(plan)
        self._followers.warn(plan.planned, applied)
        report = report_chunk(plan, applied, self._total_check)
        self._still_writer()
        self._state.commit(report.records, report.outcomes, report.counts)
        self._reached("committed")
        return report


def _shares_a_record(chunk: Chunk, in_flight: Iterable[frozenset[Key]]) -> bool:
    return any(not chunk.keys.isdisjoint(keys) for keys in in_flight)
