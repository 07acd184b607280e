"""Who loads: the engine as a run drives it, and plain scripts that send the very same values by `create` and `load`."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.report import Measurement
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import xmlid
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.references import References
from odoo_pipelines.odoo.resolve import Resolver
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.pipeline.session import FlowState
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.claims import BatchClaims
from odoo_pipelines.stores.rows import from_columns, mapped_schema, to_columns
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import Target

_READ_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Tools:
    """What all of them work with.

    Attributes:
        client: calls Odoo; its context is the same for all.
        state: of the engine.
        batches: that the engine reads.
        batch: records in one call.
        threads: calls at a time.
    """

    client: OdooClient
    state: State
    batches: BatchStore
    batch: int
    threads: int


class Engine:
    """Loads batches of one flow as a run does: batch file, plan, calls, state.

    Args:
        tools: to work with.
        integration: name; another one knows nothing of this one's records.
        target: of the flow.
    """

    def __init__(self, tools: Tools, integration: str, target: Target) -> None:
        self._tools = tools
        self._integration = integration
        self._target = target
        self._runs = 0

    def prepare(self, rows: Sequence[MappedRow]) -> str:
        """Writes a batch, as the mapping has done when a load starts, and returns its path."""
        path = self._tools.batches.path_for(self._integration, "mapped", self._target.asset_name, "", "benchmark")
        with self._tools.batches.writer(path, mapped_schema(self._target)) as writer:
            writer.write([to_columns(row, self._target) for row in rows])
        return path

    def load(self, work: str, path: str, outcomes: Mapping[Outcome, int], *, verify: bool = False) -> Measurement:
        """Loads a batch.

        Args:
            work: what it is called.
            path: of the batch.
            outcomes: that there have to be, and no others.
            verify: as a full sync, which reads Odoo's side of every row.

        Raises:
            AssertionError: the outcomes are others.
        """
        self._runs += 1
        flow = self._target.asset_name
        state = FlowState(self._tools.state, RunRef(f"run-{self._runs}", self._integration, flow))
        requests = self._tools.client.requests
        _settle_memory()
        reads, writes, started = requests.reads, requests.writes, time.perf_counter()
        state.state.start(state.run, "full" if verify else "delta")
        report = self._loader(state, path, verify=verify).load(self._rows(path))
        state.state.finish(state.run, report.counts.extracted, consumer=f"odoo/{flow}", batch_ids=[])
        seconds = time.perf_counter() - started
        came = {outcome: count for outcome, count in report.counts.by_outcome.items() if count}
        if came != outcomes:
            raise AssertionError(f"{work}: the outcomes are {came}, and had to be {outcomes}")
        rows = report.counts.extracted
        return Measurement(work, "engine", rows, seconds, requests.reads - reads, requests.writes - writes)

    def _loader(self, state: FlowState, path: str, *, verify: bool) -> FlowLoader:
        schemas = Schemas(self._tools.client)  # asked for anew in every run
        context = FlowContext(self._integration, self._target, schemas, state, PlanOptions(verify=verify))
        model = OdooModel(
            context,
            self._tools.client,
            ReferenceData(self._tools.client, schemas, self._tools.client.company_id()),
            BatchClaims(self._tools.batches, [path], self._target),
            calls=CallOptions(self._tools.batch, self._tools.threads),
        )
        return FlowLoader(context, model, still_writer=lambda: None, concurrency=Concurrency(self._tools.threads))

    def _rows(self, path: str) -> Any:
        for rows in self._tools.batches.rows(path, _READ_ROWS):
            yield from (from_columns(row, self._target) for row in rows)


class Raw:
    """Sends the values that the engine would send, made ready beforehand, and remembers nothing.

    Args:
        tools: to work with.
        integration: of the engine that knows the records which rows refer to.
        target: of the flow.
    """

    def __init__(self, tools: Tools, integration: str, target: Target) -> None:
        self._tools = tools
        self._integration = integration
        self._target = target
        schemas = Schemas(tools.client)
        self._schemas = schemas
        self._reference_data = ReferenceData(tools.client, schemas, tools.client.company_id())

    def create(self, work: str, rows: Sequence[MappedRow]) -> Measurement:
        """Creates rows by `create`."""
        vals = [self._vals(row) for row in self._resolved("raw-create", rows)]
        return self._measured(
            work, "raw create", vals, lambda some: self._tools.client.create(self._target.model, some)
        )

    def load(self, work: str, rows: Sequence[MappedRow]) -> Measurement:
        """Creates rows by `load` under external ids."""
        records = [self._cells(row) for row in self._resolved("raw-load", rows)]
        columns = list(dict.fromkeys(column for lines in records for line in lines for column in line))
        table = [[[line.get(column, "") for column in columns] for line in lines] for lines in records]

        def send(some: Sequence[list[list[str]]]) -> None:
            result = self._tools.client.load(self._target.model, columns, [line for lines in some for line in lines])
            if result.ids is None:
                raise AssertionError(f"load refused the rows: {result.messages[0].message}")

        return self._measured(work, "raw load", table, send)

    def cells(self, rows: Sequence[MappedRow]) -> list[dict[str, str]]:
        """What an importer's file holds, one line for each row, under external ids of its own."""
        return [line for row in self._resolved("peer", rows) for line in self._cells(row)]

    def _measured(
        self, work: str, by: str, rows: Sequence[Any], send: Callable[[Sequence[Any]], object]
    ) -> Measurement:
        size = self._tools.batch
        batches = [rows[first : first + size] for first in range(0, len(rows), size)]
        requests = self._tools.client.requests
        _settle_memory()
        reads, writes, started = requests.reads, requests.writes, time.perf_counter()
        with ThreadPoolExecutor(self._tools.threads) as pool:
            list(pool.map(send, batches))
        seconds = time.perf_counter() - started
        return Measurement(work, by, len(rows), seconds, requests.reads - reads, requests.writes - writes)

    def _resolved(self, name: str, rows: Sequence[MappedRow]) -> Sequence[ResolvedRow]:
        """The rows with ids for references, under sync keys of their own."""
        state = FlowState(self._tools.state, RunRef("", self._integration, ""))
        resolver = Resolver(
            integration=f"{name}-{self._integration}",
            target=self._target,
            schemas=self._schemas,
            reference_data=self._reference_data,
            references=References(self._integration, self._tools.client, state),
        )
        resolved, rejected = resolver.resolve(rows)
        if rejected:
            raise AssertionError(f"not to be loaded: {rejected[0][1]}")
        return resolved

    def _vals(self, row: ResolvedRow) -> dict[str, Any]:
        vals = _written(self._schemas(self._target.model), row.values)
        if self._target.lines is None:
            return vals
        schema = self._schemas(self._target.lines.model)
        return {**vals, self._target.lines.field: [[0, 0, _written(schema, line.values)] for line in row.lines or ()]}

    def _cells(self, row: ResolvedRow) -> list[dict[str, str]]:
        header = {"id": xmlid(row.key), **self._schemas(self._target.model).cells(row.values)}
        if self._target.lines is None:
            return [header]
        schema, field = self._schemas(self._target.lines.model), self._target.lines.field
        lines = [{"id": xmlid(line.key), **schema.cells(line.values)} for line in row.lines or ()]
        below = [{f"{field}/{column}": cell for column, cell in line.items()} for line in lines]
        return [{**header, **below[0]}, *below[1:]]


def _settle_memory() -> None:
    """The rows that the benchmark keeps ready must not be searched for garbage again and again: a run has none."""
    gc.collect()
    gc.freeze()


def _written(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema.written(name, value) for name, value in values.items()}
