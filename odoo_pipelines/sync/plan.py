"""Plans one chunk: what each of its rows needs in Odoo. Reads Odoo and the state, and changes neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.bind import Binder
from odoo_pipelines.sync.chunks import Chunk, ChunkRow
from odoo_pipelines.sync.diff import agreed_base, latest, local_outcome, says_the_same
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.sync.lifecycle import Way, leaves_frozen_state, plan_way
from odoo_pipelines.sync.merge import LineChanges, LineMerger, changed_values, server_names
from odoo_pipelines.sync.ports import FlowState, Odoo, Schemas
from odoo_pipelines.sync.resolve import MISSING_REFERENCE, ResolvedRow, Resolver
from odoo_pipelines.systems.base import Lifecycle, MappedRow, Target
from odoo_pipelines.systems.records import Binding, Key, Outcome, Record

STAY = Way((), "", ())
NO_LINE_CHANGES = LineChanges()


@dataclass(frozen=True, slots=True)
class Planned:
    """What one row needs.

    Attributes:
        source: the row, with what was folded into it.
        resolved: its values for Odoo.
        odoo_id: of the record; None when it has to be created.
        changes: values to write.
        lines: changes of its lines.
        way: its way to the wanted state.
        odoo: the record as it was read, None where it was not.
        record: what the state knew of it.
    """

    source: ChunkRow
    resolved: ResolvedRow
    odoo_id: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    lines: LineChanges = NO_LINE_CHANGES
    way: Way = STAY
    odoo: Mapping[str, Any] | None = None
    record: Record | None = None

    @property
    def outcome(self) -> Outcome:
        """What the row ends as if all goes well."""
        if self.odoo_id is None:
            return Outcome.CREATED
        changed = self.changes or self.lines or not self.way.stands_still
        return Outcome.UPDATED if changed else Outcome.UNCHANGED


@dataclass(frozen=True, slots=True)
class Decided:
    """A row that needs nothing of Odoo, and why.

    Attributes:
        source: the row.
        outcome: what became of it.
        error: for rejections and conflicts.
        warnings: values that were dropped.
        record: to be remembered, because the row is newer than what was known.
    """

    source: ChunkRow
    outcome: Outcome
    error: RowRejectedError | None = None
    warnings: tuple[str, ...] = ()
    record: Record | None = None


@dataclass(slots=True)
class Plan:
    """What a chunk needs: the object that a dry run shows and that `apply` takes."""

    chunk: Chunk
    decided: list[Decided] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of a run.

    Attributes:
        verify: read Odoo's side of every row, also of those that have not changed in the external system.
        unlock: records may leave a frozen state to be written.
    """

    verify: bool = False
    unlock: bool = True


class Planner:
    """Plans the chunks of one flow; safe to use from several threads."""

    def __init__(
        self,
        *,
        integration: str,
        target: Target,
        odoo: Odoo,
        schemas: Schemas,
        resolver: Resolver,
        binder: Binder,
        state: FlowState,
        options: PlanOptions,
    ) -> None:
        self._target = target
        self._odoo = odoo
        self._schema = schemas(target.model)
        self._create_only = server_names(self._schema, target.fields, only_on_create=True)
        self._resolver = resolver
        self._binder = binder
        self._state = state
        self._options = options
        self._line_merger = self._line_fields = None
        if target.lines:
            schema = schemas(target.lines.model)
            create_only = server_names(schema, target.lines.fields, only_on_create=True)
            self._line_merger = LineMerger(target.lines, schema, create_only, integration)
            compared = server_names(schema, target.lines.fields, only_on_create=False)
            self._line_fields = sorted(compared | create_only | {SYNC_KEY_FIELD, target.lines.parent})

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
        ids = {row.key: known[_key(row.row)].odoo_id for row in rows if _key(row.row) in known}
        odoo = self._read(rows, ids.values())
        found = self._binder.find([row for row in rows if ids.get(row.key) not in odoo])
        ids = {key: odoo_id for key, odoo_id in ids.items() if odoo_id in odoo} | dict(found.ids)
        odoo |= self._read(rows, found.ids.values())
        lines = self._read_lines(ids.values())
        for row in rows:
            source = sources[_key(row.row)]
            try:
                if row.key in found.ambiguous:
                    raise found.ambiguous[row.key]
                planned = self._plan_row(source, row, odoo.get(ids.get(row.key, 0)), lines)
                plan.planned.append(replace(planned, record=known.get(_key(row.row))))
            except RowRejectedError as error:
                outcome = Outcome.CONFLICT if error.code in _FOR_A_HUMAN else Outcome.REJECTED
                plan.decided.append(Decided(source, outcome, error, row.warnings))

    def _plan_row(
        self,
        source: ChunkRow,
        row: ResolvedRow,
        odoo: Mapping[str, Any] | None,
        lines: Mapping[int, list[dict[str, Any]]],
    ) -> Planned:
        if odoo is None:
            return Planned(source, row, way=self._way_of_new(row.row))
        if row.row.only_create:
            adopted = changed_values({SYNC_KEY_FIELD: row.key}, odoo, self._schema, frozenset())
            return Planned(source, row, odoo["id"], adopted, odoo=odoo)
        changes = changed_values(row.values, odoo, self._schema, self._create_only, row.as_good)
        line_changes, way = self._lines_and_way(row, odoo, lines.get(odoo["id"], []), changes)
        self._refuse_fixed(changes, way)
        return Planned(source, row, odoo["id"], changes, line_changes, way, odoo)

    def _lines_and_way(
        self, row: ResolvedRow, odoo: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], changes: Mapping[str, Any]
    ) -> tuple[LineChanges, Way]:
        """The lines' fate depends on the state in which they are written, and that state on what there is to write."""
        lifecycle = self._target.lifecycle
        if lifecycle is None:
            return self._line_changes(row, lines, keep=False), STAY
        current = lifecycle.state_of(odoo)
        wanted = row.row.state or current
        keep = {current, wanted} <= set(lifecycle.lines_kept)
        way = self._way(lifecycle, current, wanted, writes=bool(changes or self._line_changes(row, lines, keep=keep)))
        return self._line_changes(row, lines, keep=way.written_in in lifecycle.lines_kept), way

    def _refuse_fixed(self, changes: Mapping[str, Any], way: Way) -> None:
        lifecycle = self._target.lifecycle
        if lifecycle is None or way.written_in not in lifecycle.lines_kept:
            return
        for name in sorted(changes.keys() & set(lifecycle.fixed)):
            reason = f"{name}: Odoo does not let it change any more in state '{way.written_in}'"
            raise RowRejectedError(name, "fixed_field", reason)

    def _line_changes(self, row: ResolvedRow, lines: Sequence[Mapping[str, Any]], *, keep: bool) -> LineChanges:
        if self._line_merger is None or row.lines is None:
            return LineChanges()
        return self._line_merger.changes(row.lines, lines, keep=keep)

    def _way_of_new(self, row: MappedRow) -> Way:
        lifecycle = self._target.lifecycle
        if lifecycle is None or row.state is None:
            return STAY
        return plan_way(lifecycle, lifecycle.initial, row.state, writes=False)

    def _way(self, lifecycle: Lifecycle, current: str, wanted: str, *, writes: bool) -> Way:
        way = plan_way(lifecycle, current, wanted, writes=writes)
        if leaves_frozen_state(lifecycle, way) and not self._options.unlock:
            reason = f"state: the record is '{current}' in Odoo, and unlock_orders is off"
            raise RowRejectedError("state", "frozen", reason)
        return way

    def _read(self, rows: Sequence[ResolvedRow], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        names = {name for row in rows for name in row.values} | {"write_date"}
        if self._target.lifecycle:
            names |= set(self._target.lifecycle.read)
        if self._target.total:
            names.add(self._target.total)
        return {row["id"]: row for row in self._odoo.read(self._target.model, wanted, sorted(names))}

    def _read_lines(self, ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
        wanted = sorted(set(ids))
        lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
        if not wanted or self._target.lines is None or self._line_fields is None:
            return lines
        parent = self._target.lines.parent
        for line in self._odoo.search_read(self._target.lines.model, [(parent, "in", wanted)], self._line_fields):
            lines[line[parent]].append(line)
        return lines


_FOR_A_HUMAN = frozenset({"ambiguous_match", "frozen", "fixed_field"})
TRANSIENT_CODES = frozenset({MISSING_REFERENCE})


def _key(row: MappedRow) -> Key:
    return row.entity, row.external_id


def _is_news(row: MappedRow, binding: Binding) -> bool:
    return latest(binding.updated_at, row.updated_at) != binding.updated_at


def _remembered(row: ResolvedRow, record: Record) -> Record:
    """The record, with the row that last said the same."""
    updated_at = latest(record.updated_at, row.row.updated_at)
    return replace(record, hash=row.row.hash, base=agreed_base(row, record.base), updated_at=updated_at)
