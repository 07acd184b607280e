"""Plans one row against its record in Odoo: which values to write, which lines, and which way to its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from odoo_pipelines.engine.base import RECORD, UNKNOWN, Agreement, Base, earliest_after
from odoo_pipelines.engine.chunks import ChunkRow
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import STATE, SYNC_KEY_FIELD, general_name, line_field, line_key
from odoo_pipelines.engine.lifecycle import (
    TransitionPath,
    always_writable_fields,
    is_immutable,
    is_unlocked_only_to_write,
    leaves_read_only_state,
    passed_states,
    plan_path,
)
from odoo_pipelines.engine.lines import LineChanges, LineMerger, MergedLines
from odoo_pipelines.engine.merge import Arbiter, FieldMerger, Times, server_names
from odoo_pipelines.engine.planned import NO_TRANSITIONS, Planned
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.policies import UnlockPolicy
from odoo_pipelines.systems.records import RECREATED, FieldChange, Record, Resolution
from odoo_pipelines.systems.targets import Lifecycle

FROZEN = "frozen"
FIXED_FIELD = "fixed_field"
INVOICED = "invoiced"
_KEPT_AS_FOUND = "the record that was found in Odoo has another one, which stays; correct it there if it is wrong"
NOT_UNLOCKED = {
    UnlockPolicy.OWN: "it was locked or changed there by somebody else; unlock it in Odoo",
    UnlockPolicy.NEVER: "unlock_orders is 'never'",
}


@dataclass(frozen=True, slots=True)
class InOdoo:
    """A record as it was read.

    Attributes:
        values: by field.
        lines: its lines.
    """

    values: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a row's record besides Odoo's side.

    Attributes:
        record: of the state, None if it knows none.
        answers: a human's to conflicts, by field.
        resumed: an earlier run began to write this row and did not get to its end.
        at: Odoo's clock when its side was read, UTC; None where it does not tell.
    """

    record: Record | None = None
    answers: Mapping[str, Resolution] = field(default_factory=dict)
    resumed: bool = False
    at: datetime | None = None

    @property
    def half_done(self) -> bool:
        """Whether actions of our own may have left the record between two states."""
        return self.resumed or (self.record is not None and not self.record.hash)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record is on its path.

    Attributes:
        current: the state that it has in Odoo.
        external: the state that the external system names; None where it names none.
        wanted: the state that it should have on this server.
        agreed: the state that both sides last agreed on, or in which our own actions have left it; None if unknown.
    """

    current: str
    external: str | None
    wanted: str | None
    agreed: str | None


class RowPlanner:
    """Plans rows of one flow; makes no request.

    Args:
        flow: whose target, schemas and policies decide.
    """

    def __init__(self, flow: FlowContext) -> None:
        integration, target, schemas = flow.integration, flow.target, flow.schemas
        self._target = target
        self._policies = flow.options.policies
        self._unlock = flow.options.unlock
        schema = schemas(target.model)
        watched = server_names(schema, [each for each in target.fields if each.watched], only_on_create=True)
        self._fields = FieldMerger(schema, server_names(schema, target.fields, only_on_create=True), watched)
        self._free = always_writable_fields(target)
        self._lines = None
        if target.lines:
            schema = schemas(target.lines.model)
            fields = FieldMerger(schema, server_names(schema, target.lines.fields, only_on_create=True))
            self._lines = LineMerger(
                target.lines, fields, integration, frozenset({*target.lines.always_writable, SYNC_KEY_FIELD})
            )

    def plan(self, source: ChunkRow, row: ResolvedRow, odoo: InOdoo | None, known: Known) -> Planned:
        """Merges a row with its record.

        Args:
            source: the row, with what was folded into it.
            row: its values for Odoo.
            odoo: the record, None if there is none.
            known: what else is known of it.

        Raises:
            RowRejectedError: Odoo would not let it be written.
        """
        if odoo is None:
            return self._plan_new(source, row, known)
        if row.row.only_create:
            return self._plan_stub(source, row, odoo, known)
        arbiter = self._arbiter(row, odoo, known)
        values = self._own_values(row, odoo.values)
        merged = self._fields.merge(values, odoo.values, arbiter, arbiter.base.value)
        kept = self._fields.found_differing(values, odoo.values, arbiter.base.value)
        row = replace(row, warnings=(*row.warnings, *(f"{name}: {_KEPT_AS_FOUND}" for name in kept)))
        told = self._lines if row.lines is not None else None
        lines = told.merge(row.lines or (), odoo.lines, arbiter, row.untold, at=known.at) if told else None
        standing = self._standing(row.row, odoo.values, known, arbiter.base)
        state = self._merge_state(standing, arbiter)
        changes, path = self._lines_and_way(standing, merged.changes, lines, state, arbiter)
        self._refuse_fixed(merged.changes, path)
        if self._lines and lines is not None:
            self._lines.remember_emptied(lines, arbiter.base, keep=not changes.deleted)
        base = self._base(standing, state, arbiter, {**arbiter.base.agreed.values, **merged.agreed}, lines, values)
        seen = self._seen(
            arbiter.base,
            odoo.values,
            at=known.at if merged.changes or changes or not path.is_empty else None,
            compared=values.keys() if row.row.state is None else {*values, STATE},
        )
        planned = Planned(
            source,
            row,
            odoo.values["id"],
            merged.changes,
            changes,
            path,
            odoo.values,
            known.record,
            base=replace(base, seen={**seen, **self._seen_lines(arbiter.base, odoo.lines, lines, changes)}),
            written=self._shown(arbiter.written, path),
            conflicts=tuple(arbiter.conflicts),
            left=frozenset({*arbiter.kept, *(each.field for each in arbiter.conflicts)}),
            total_counts=state not in self._target.total_void_in and not _lines_chosen(arbiter),
            total_answer=known.answers.get(self._target.total),
        )
        self._refuse_invoiced(planned, arbiter.written, lines, odoo.lines)
        return planned

    def _plan_new(self, source: ChunkRow, row: ResolvedRow, known: Known) -> Planned:
        lines = {line.key: line.values for line in row.lines or ()}
        before = Base.of(known.record.base).seen.get(RECORD) if known.record else None  # an older one may come back
        seen = {RECORD: earliest_after(before, known.at)} if before else {}
        if known.record:
            row = replace(row, warnings=(*row.warnings, RECREATED))
        lifecycle, state = self._target.lifecycle, row.row.state
        path = NO_TRANSITIONS
        if lifecycle and state is not None:
            state = lifecycle.equivalents.get(state, state)
            path = plan_path(lifecycle, lifecycle.initial, state, writes=False)
        return Planned(
            source,
            row,
            path=path,
            record=known.record,
            base=Base(Agreement(row.values, lines, state), seen=seen),
            total_counts=row.row.state not in self._target.total_void_in,
        )

    def _plan_stub(self, source: ChunkRow, row: ResolvedRow, odoo: InOdoo, known: Known) -> Planned:
        """A row that only says that its record exists: nothing but the adoption is written."""
        adopted = {SYNC_KEY_FIELD: row.key}
        if not self._fields.differences(adopted, odoo.values):
            adopted = {}
        written = tuple(FieldChange(name, odoo.values[name], value) for name, value in adopted.items())
        return Planned(source, row, odoo.values["id"], adopted, odoo=odoo.values, record=known.record, written=written)

    def _arbiter(self, row: ResolvedRow, odoo: InOdoo, known: Known) -> Arbiter:
        base = Base.of(known.record.base if known.record else None)
        times = Times(row.row.updated_at, str(odoo.values["write_date"] or ""), base.seen.get(RECORD, ""))
        ours = {SYNC_KEY_FIELD}
        if known.half_done and self._target.lifecycle:
            ours |= {name for step in self._target.lifecycle.transitions for name in step.overwrites}
        lifecycle = self._target.lifecycle
        return Arbiter(
            self._policies,
            base,
            times,
            known.answers,
            frozenset(ours),
            immutable=lifecycle is not None and is_immutable(lifecycle, lifecycle.state_of(odoo.values)),
            always_writable=self._free,
        )

    def _own_values(self, row: ResolvedRow, odoo: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row's values, without what the record has from its parent, and with what Odoo has that is as good."""
        values = dict(row.values)
        inherits = self._target.inherits
        if inherits and odoo[inherits.parent] and odoo[inherits.when[0]] == inherits.when[1]:
            values = {name: value for name, value in values.items() if name not in inherits.fields}
        for name, candidates in row.equivalents.items():
            if name in values and (stored := self._fields.schema.canonical(name, odoo[name])) in candidates:
                values[name] = stored
        return values

    def _standing(self, row: MappedRow, odoo: Mapping[str, Any], known: Known, base: Base) -> Standing:
        """Where the record is on its path, and who has brought it there."""
        lifecycle = self._target.lifecycle
        if lifecycle is None:
            return Standing("", None, None, agreed=None)
        current, agreed, half_done = lifecycle.state_of(odoo), base.agreed.state, known.half_done
        if agreed and lifecycle.equivalents.get(agreed) == current:
            agreed = current
        wanted = _on_this_server(lifecycle, row.state, current, left_by_us=half_done and agreed in lifecycle.read_only)
        if half_done and wanted is not None:
            unlocks = self._unlock is UnlockPolicy.ALWAYS or not base.locked_in_odoo or bool(known.answers)
            states = _own_states(lifecycle, agreed or lifecycle.initial, wanted, base, unlocks=unlocks)
            agreed = current if current in states else agreed
        return Standing(current, row.state, wanted, agreed)

    def _merge_state(self, standing: Standing, arbiter: Arbiter) -> str:
        """The state that the record gets; its current one where Odoo keeps it."""
        lifecycle = self._target.lifecycle
        if lifecycle is None or standing.wanted is None or standing.wanted == standing.current:
            return standing.current
        # A immutable record that was found has been more than a draft before anybody knew of it.
        base = UNKNOWN if arbiter.immutable and not standing.agreed else standing.agreed or lifecycle.initial
        write = arbiter.resolve(STATE, base, standing.wanted, standing.current)
        return str(write.value) if write else standing.current

    def _lines_and_way(
        self,
        standing: Standing,
        changes: Mapping[str, Any],
        merged: MergedLines | None,
        wanted: str,
        arbiter: Arbiter,
    ) -> tuple[LineChanges, TransitionPath]:
        """The lines' fate depends on the state in which they are written, and that state on what there is to write."""
        lifecycle = self._target.lifecycle
        if lifecycle is None:
            return self._line_changes(merged, keep=False), NO_TRANSITIONS
        writes = bool(changes.keys() - self._free) or self._writes_lines(merged)
        path = plan_path(lifecycle, standing.current, wanted, writes=writes)
        if leaves_read_only_state(lifecycle, path):
            self._require_unlocking(standing, arbiter)
        return self._line_changes(merged, keep=path.written_in in lifecycle.lines_kept), path

    def _writes_lines(self, merged: MergedLines | None) -> bool:
        """Whether lines change in fields that may not always be written."""
        return bool(self._lines and merged and not self._lines.writes_only_free(merged))

    def _require_unlocking(self, standing: Standing, arbiter: Arbiter) -> None:
        if self._unlock is UnlockPolicy.ALWAYS:
            return
        if self._unlock is UnlockPolicy.OWN and (
            not self._is_locked_in_odoo(standing, arbiter) or arbiter.all_answered
        ):
            return
        reason = f"state: the record is '{standing.current}' in Odoo, and {NOT_UNLOCKED[self._unlock]}"
        raise RowRejectedError(STATE, FROZEN, reason)

    def _is_locked_in_odoo(self, standing: Standing, arbiter: Arbiter) -> bool:
        """Whether the read-only state that a record is in is not the pipelines' doing, or not any more.

        Where a base is not known, values that differ are somebody else's.
        """
        lifecycle = self._target.lifecycle
        if lifecycle is None or standing.current not in lifecycle.read_only:
            return False
        if lifecycle.equivalents.get(standing.external or "") == standing.current:
            return False  # Odoo locks all of them, so it means nothing
        by_somebody = arbiter.base.locked_in_odoo or bool(arbiter.moved)
        return by_somebody or standing.agreed not in (None, standing.current)

    def _shown(self, written: Sequence[FieldChange], path: TransitionPath) -> tuple[FieldChange, ...]:
        """What is written, between the unlocking and the locking for which the state's merge has no words."""
        if self._target.lifecycle is None or not is_unlocked_only_to_write(self._target.lifecycle, path):
            return tuple(written)
        first, last = path.before[0], path.after[-1]
        return (FieldChange(STATE, first.source, first.target), *written, FieldChange(STATE, last.source, last.target))

    def _line_changes(self, merged: MergedLines | None, *, keep: bool) -> LineChanges:
        return self._lines.changes(merged, keep=keep) if self._lines and merged else LineChanges()

    def _base(  # noqa: PLR0917
        self,
        standing: Standing,
        reached: str,
        arbiter: Arbiter,
        values: Mapping[str, Any],
        lines: MergedLines | None,
        compared: Mapping[str, Any],
    ) -> Base:
        """What is remembered once all of it is written."""
        before = arbiter.base.agreed
        state = before.state if standing.wanted is None or arbiter.left(STATE) else standing.wanted
        names = {*compared, STATE, *(() if lines is None else lines.compared)}
        agreed = Agreement(values, before.lines if lines is None else lines.agreed, state)
        kept = {**arbiter.remembered(names), **({} if lines is None else lines.emptied)}
        locked = reached == standing.current and self._is_locked_in_odoo(standing, arbiter)
        return Base(agreed, kept, locked_in_odoo=locked, asked=arbiter.still_asked(names))

    def _seen(
        self, before: Base, odoo: Mapping[str, Any], *, at: datetime | None, compared: Collection[str]
    ) -> dict[str, str]:
        """What `Base.seen` says of the record, and of fields that were agreed on before but not compared now.

        Args:
            before: what was known.
            odoo: the record as read.
            at: Odoo's clock before it is written; None where nothing is, or the clock is not known.
            compared: names of the fields.
        """
        now, earlier = earliest_after(str(odoo["write_date"] or ""), at), before.seen.get(RECORD, "")
        left = {*before.agreed.values, *([STATE] if self._target.lifecycle else [])}.difference(compared)
        seen = {name: before.seen.get(name, earlier) for name in sorted(left)}
        return {RECORD: now, **{name: each for name, each in seen.items() if each != now}}

    def _seen_lines(
        self,
        before: Base,
        odoo: Sequence[Mapping[str, Any]],
        merged: MergedLines | None,
        changes: LineChanges,
    ) -> Mapping[str, str]:
        """The same of its lines."""
        if self._lines is None:
            return {}
        if merged is None:
            return {key: before.seen.get(key, "") for key in before.agreed.lines}
        return self._lines.seen(merged, odoo, changes)

    def _refuse_fixed(self, changes: Mapping[str, Any], path: TransitionPath) -> None:
        lifecycle = self._target.lifecycle
        if lifecycle is None or path.written_in not in lifecycle.lines_kept:
            return
        for name in sorted(changes.keys() & set(lifecycle.fixed)):
            reason = f"{name}: Odoo does not let it change any more in state '{path.written_in}'"
            raise RowRejectedError(name, FIXED_FIELD, reason)

    def _refuse_invoiced(
        self,
        planned: Planned,
        written: Sequence[FieldChange],
        merged: MergedLines | None,
        lines: Sequence[Mapping[str, Any]],
    ) -> None:
        """What was invoiced is not touched any more: it is in the accounts. What may always be written is not."""
        invoiced = self._target.lines.invoiced if self._target.lines else ""
        if not invoiced or not any(line.get(invoiced) for line in lines):
            return
        steps = any(not step.allowed_when_invoiced for step in planned.path.steps)
        if planned.changes.keys() - self._free or self._writes_lines(merged) or steps:
            named = (change.field for change in written if general_name(change.field) not in self._free)
            what = ", ".join(dict.fromkeys(name.partition("[")[0] for name in named))
            reason = f"the record was invoiced in Odoo and is not touched any more; it differs in: {what}"
            raise RowRejectedError("", INVOICED, f"{reason}. Correct the invoice, or the external record")


def _on_this_server(lifecycle: Lifecycle, state: str | None, current: str, *, left_by_us: bool) -> str | None:
    """The state that a record should have where Odoo itself takes records on; what people have undone stays so."""
    if state is None or state not in lifecycle.equivalents or (state == current and not left_by_us):
        return state
    return lifecycle.equivalents[state]


def _lines_chosen(arbiter: Arbiter) -> bool:
    """Whether lines differ because somebody changed them in Odoo: then so does the total, and that was decided.

    A value of Odoo on which both sides never agreed was chosen by nobody.
    """
    asked = any(line_key(each.field) for each in arbiter.conflicts)
    return asked or any(_was_chosen(name, arbiter.base) for name in arbiter.kept)


def _was_chosen(name: str, base: Base) -> bool:
    line, field_of_line = base.agreed.lines.get(line_key(name)), line_field(name)
    return line is not None and (not field_of_line or field_of_line in line)


def _own_states(lifecycle: Lifecycle, agreed: str, wanted: str, base: Base, *, unlocks: bool) -> frozenset[str]:
    """The states in which our own actions may have left a record on their paths to the states that rows wanted."""
    states = frozenset({agreed})
    for target in (*(half.state for half in base.half_written), wanted):
        if target is not None:
            states = states.union(*(passed_states(lifecycle, each, target, unlocks=unlocks) for each in states))
    return states
