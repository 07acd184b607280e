"""Plans one chunk: what each of its rows needs in Odoo. Reads Odoo and the state, and changes neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.bind import AMBIGUOUS_MATCH, BOUND_ELSEWHERE, MERGED, Binder
from odoo_pipelines.sync.chunks import Chunk, ChunkRow
from odoo_pipelines.sync.diff import agreed_base, latest, local_outcome, says_the_same
from odoo_pipelines.sync.planned import Decided, Plan, PlanOptions
from odoo_pipelines.sync.ports import FlowState
from odoo_pipelines.sync.reading import Reading
from odoo_pipelines.sync.resolve import ResolvedRow, Resolver
from odoo_pipelines.sync.row_plan import FIXED_FIELD, FROZEN, RowPlanner
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Key, Outcome, Record

_FOR_A_HUMAN = frozenset({AMBIGUOUS_MATCH, BOUND_ELSEWHERE, MERGED, FROZEN, FIXED_FIELD})


class Planner:
    """Plans the chunks of one flow; safe to use from several threads.

    Args:
        resolver: turns names into ids.
        binder: finds records that the state does not know.
        reading: reads records and lines.
        row_planner: compares a row with its record.
        state: what was agreed on before.
        options: choices of the run.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        binder: Binder,
        reading: Reading,
        row_planner: RowPlanner,
        state: FlowState,
        options: PlanOptions,
    ) -> None:
        self._resolver = resolver
        self._binder = binder
        self._reading = reading
        self._row_planner = row_planner
        self._state = state
        self._options = options

    def plan(self, chunk: Chunk) -> Plan:
        """Plans a chunk: local diff, bind, merge."""
        plan = Plan(chunk)
        bindings = self._bindings(chunk)
        sources = {each.key: each for each in self._undecided(chunk, bindings, plan)}
        resolved, rejected = self._resolver.resolve([each.row for each in sources.values()])
        for refused, error in rejected:
            plan.decided.append(Decided(sources[_key(refused)], Outcome.REJECTED, error, refused.warnings))
        records = self._state.records(_key(row.row) for row in resolved if _key(row.row) in bindings)
        rows = []
        for row in resolved:
            record = records.get(_key(row.row))
            if record and record.hash and not self._options.verify and says_the_same(row, record.base):
                remembered = _remembered(row, record)
                plan.decided.append(Decided(sources[_key(row.row)], Outcome.UNCHANGED, None, row.warnings, remembered))
            else:
                rows.append(row)
        self._plan_against_odoo(rows, records, sources, plan)
        return plan

    def _undecided(self, chunk: Chunk, bindings: Mapping[Key, Binding], plan: Plan) -> list[ChunkRow]:
        undecided, newer = [], {}
        for each in chunk.rows:
            binding = bindings.get(each.key)
            outcome = local_outcome(each.row, binding, verify=self._options.verify)
            if outcome is None:
                undecided.append(each)
            elif binding and not each.row.only_create and _is_news(each.row, binding):
                newer[each.key] = each
            else:
                plan.decided.append(Decided(each, outcome, warnings=each.row.warnings))
        for key, record in self._state.records(newer).items() if newer else ():
            remembered = replace(record, updated_at=newer[key].row.updated_at)
            plan.decided.append(Decided(newer[key], Outcome.UNCHANGED, None, newer[key].row.warnings, remembered))
        return undecided

    def _bindings(self, chunk: Chunk) -> dict[Key, Binding]:
        ids: dict[str, list[str]] = defaultdict(list)
        for each in chunk.rows:
            ids[each.row.entity].append(each.row.external_id)
        return {
            (entity, external_id): binding
            for entity, external_ids in ids.items()
            for external_id, binding in self._state.bindings(entity, external_ids).items()
        }

    def _plan_against_odoo(
        self,
        rows: Sequence[ResolvedRow],
        known: Mapping[Key, Record],
        sources: Mapping[Key, ChunkRow],
        plan: Plan,
    ) -> None:
        bound = {row.key: known[_key(row.row)].odoo_id for row in rows if _key(row.row) in known}
        odoo = self._reading.records(rows, bound.values())
        ids = self._binder.still_theirs(bound, odoo)
        found = self._binder.find([row for row in rows if row.key not in ids], lost=bound.keys() - ids.keys())
        ids |= found.ids
        odoo |= self._reading.records(rows, found.ids.values())
        lines = self._reading.lines(ids.values())
        for row in rows:
            source, odoo_id = sources[_key(row.row)], ids.get(row.key, 0)
            try:
                if row.key in found.undecidable:
                    raise found.undecidable[row.key]
                planned = self._row_planner.plan(source, row, odoo.get(odoo_id), lines.get(odoo_id, []))
                plan.planned.append(replace(planned, record=known.get(_key(row.row))))
            except RowRejectedError as error:
                outcome = Outcome.CONFLICT if error.code in _FOR_A_HUMAN else Outcome.REJECTED
                plan.decided.append(Decided(source, outcome, error, row.warnings))


def _key(row: MappedRow) -> Key:
    return row.entity, row.external_id


def _is_news(row: MappedRow, binding: Binding) -> bool:
    return latest(binding.updated_at, row.updated_at) != binding.updated_at


def _remembered(row: ResolvedRow, record: Record) -> Record:
    """The record, with the row that last said the same."""
    updated_at = latest(record.updated_at, row.row.updated_at)
    return replace(record, hash=row.row.hash, base=agreed_base(row, record.base), updated_at=updated_at)
