"""Loads one flow: chunk by chunk plan, apply, report, remember; several chunks at a time.

No two chunks in flight share a record. What a chunk did is in the state when it is done, in one transaction; a process
that dies in between leaves work that the next run finds by sync key and finishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from odoo_pipelines.engine.chunks import Chunk, chunks
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.destination import Destination
from odoo_pipelines.engine.plan import Planner
from odoo_pipelines.engine.report import ChunkReport, FlowReport, report_chunk
from odoo_pipelines.engine.row_plan import RowPlanner
from odoo_pipelines.engine.totals import TotalCheck
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import Key


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many chunks are worked on at a time.

    Attributes:
        connections: requests that the destination takes at a time.
        ahead: chunks for every connection besides the one that is with the destination: the next one is ready when that
            ends, and another one is planned or remembered meanwhile.
    """

    connections: int = 2
    ahead: int = 2

    @property
    def in_flight(self) -> int:
        """Chunks that are worked on at a time."""
        return self.connections * (1 + self.ahead)


class FlowLoader:
    """Loads the rows of one flow into a destination.

    Args:
        flow: what is loaded.
        destination: where the rows go.
        still_writer: raises when this process is no longer the one that may write for the integration.
        concurrency: chunks at a time.
        reached: told the name of every point between two effects; where a test stops the engine.
    """

    def __init__(
        self,
        flow: FlowContext,
        destination: Destination,
        still_writer: Callable[[], None],
        concurrency: Concurrency | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._state = flow.state
        self._destination = destination
        self._still_writer = still_writer
        self._in_flight = (concurrency or Concurrency()).in_flight
        self._reached = reached
        self._planner = Planner(flow, destination, RowPlanner(flow))
        self._total_check = TotalCheck(flow.target, destination.unit)

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
            OdooPipelinesError: the destination cannot be reached, or refuses everything; what was done so far is
                remembered.
        """
        report = FlowReport(missing_fields=tuple(self._destination.missing_fields))
        in_flight: dict[Future[ChunkReport], frozenset[Key]] = {}

        def take(finished: Iterable[Future[ChunkReport]]) -> None:
            for future in finished:
                del in_flight[future]
                report.add(future.result())
                on_chunk(report)

        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="load") as pool:
            for chunk in chunks(rows, self._destination.chunk_size):
                while len(in_flight) >= self._in_flight or _shares_a_record(chunk, in_flight.values()):
                    take(wait(in_flight, return_when=FIRST_COMPLETED).done)
                in_flight[pool.submit(self._load_chunk, chunk, resumed=resumed)] = chunk.keys
            while in_flight:
                take(wait(in_flight, return_when=FIRST_COMPLETED).done)
        return report

    def _load_chunk(self, chunk: Chunk, *, resumed: bool) -> ChunkReport:
        self._still_writer()
        plan = self._planner.plan(chunk, resumed=resumed)
        self._reached("planned")
        applied = self._destination.apply(plan)
        report = report_chunk(plan, applied, self._total_check)
        self._still_writer()
        self._state.commit(report.records, report.outcomes, report.counts)
        self._reached("committed")
        return report


def _shares_a_record(chunk: Chunk, in_flight: Iterable[frozenset[Key]]) -> bool:
    return any(not chunk.keys.isdisjoint(keys) for keys in in_flight)
