"""Plans one chunk: what each of its rows needs in Odoo. Reads Odoo and the state, and changes neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from odoo_pipelines.engine.base import Agreement, Base
from odoo_pipelines.engine.chunks import Chunk, ChunkRow
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.deleted import decide_deleted
from odoo_pipelines.engine.destination import (
    AMBIGUOUS_MATCH,
    BOUND_ELSEWHERE,
    FORMER_DIFFERS,
    MERGED,
    Answers,
    Destination,
    Found,
    known_former,
)
from odoo_pipelines.engine.diff import latest, local_outcome, says_the_same
from odoo_pipelines.engine.planned import Decided, Plan, Planned
from odoo_pipelines.engine.reuse import ReuseCheck
from odoo_pipelines.engine.row_plan import FIXED_FIELD, FROZEN, INVOICED, InOdoo, Known, RowPlanner
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import (
    POSSIBLE_MATCH,
    WHOLE_RECORD,
    Binding,
    Conflict,
    Key,
    Outcome,
    Record,
)

_FOR_A_HUMAN = frozenset({AMBIGUOUS_MATCH, BOUND_ELSEWHERE, FORMER_DIFFERS, MERGED, FROZEN, FIXED_FIELD, INVOICED})


class Planner:
    """Plans the chunks of one flow; safe to use from several threads.

    Args:
        flow: what is planned, and what was agreed on before.
        destination: finds and reads records.
        row_planner: compares a row with its record.
    """

    def __init__(self, flow: FlowContext, destination: Destination, row_planner: RowPlanner) -> None:
        self._destination = destination
        self._row_planner = row_planner
        self._reuse = ReuseCheck(flow.target, flow.schemas(flow.target.model))
        self._state = flow.state
        self._options = flow.options
        self._total = flow.target.total

    @cached_property
    def _answers(self) -> Answers:
        """A human's answers by record and field; those that come while the run goes on wait for the next."""
        return {key: {each.field: each for each in some} for key, some in self._state.resolutions().items()}

    def plan(self, chunk: Chunk, *, resumed: bool = False) -> Plan:
        """Plans a chunk: local diff, bind, merge.

        Args:
            chunk: the rows.
            resumed: an earlier run began to write these rows and did not get to its end.
        """
        plan = Plan(chunk, resumed)
        bindings = self._bindings(chunk)
        undecided, interrupted = self._undecided(chunk, bindings, plan)
        sources = {each.key: each for each in undecided}
        resolved, rejected = self._destination.resolve([each.row for each in sources.values()])
        for refused, error in rejected:
            old = refused.key in interrupted
            plan.decided.append(_rejected(sources[refused.key], error, refused.warnings, interrupted=old))
        records = self._state.records(row.row.key for row in resolved if row.row.key in bindings)
        former = self._state.records(
            key for row in resolved if row.row.key not in bindings for key in row.row.former_keys
        )
        rows = []
        for row in resolved:
            record = records.get(row.row.key)
            if record and row.row.key in interrupted:
                noted = _may_be_written(row, record)
                plan.decided.append(
                    Decided(sources[row.row.key], Outcome.SUPERSEDED, warnings=row.warnings, record=noted)
                )
            elif row.row.outdone:
                same = Outcome.UNCHANGED if record and _is_agreed(row, record, self._total) else Outcome.SUPERSEDED
                plan.decided.append(Decided(sources[row.row.key], same, warnings=row.warnings))
            elif record and not self._verify(row.row.key) and _is_agreed(row, record, self._total):
                remembered = _remembered(row, record)
                plan.decided.append(Decided(sources[row.row.key], Outcome.UNCHANGED, None, row.warnings, remembered))
            elif not self._options.verify and self._destination.superseded_by_former(row, former):
                plan.decided.append(Decided(sources[row.row.key], Outcome.SUPERSEDED, None, row.warnings))
            else:
                rows.append(row)
        self._plan_against_odoo(rows, records, former, sources, plan)
        return plan

    def _undecided(
        self, chunk: Chunk, bindings: Mapping[Key, Binding], plan: Plan
    ) -> tuple[list[ChunkRow], frozenset[Key]]:
        """The rows that are looked at, and the keys of those that count no more, but may be half written."""
        undecided, newer, interrupted = [], {}, set()
        for each in chunk.rows:
            binding = bindings.get(each.key)
            present, whole = self._options.verify, self._options.whole
            verify = self._verify(each.key)
            outcome = local_outcome(each.row, binding, verify=verify, present=present, whole=whole)
            if outcome is None:
                undecided.append(each)
            elif plan.resumed and outcome is Outcome.SUPERSEDED:
                undecided.append(each)
                interrupted.add(each.key)
            elif binding and outcome is Outcome.UNCHANGED and _is_news(each.row, binding):
                newer[each.key] = each
            else:
                plan.decided.append(Decided(each, outcome, warnings=each.row.warnings))
        for key, record in self._state.records(newer).items() if newer else ():
            remembered = replace(record, updated_at=newer[key].row.updated_at)
            plan.decided.append(Decided(newer[key], Outcome.UNCHANGED, None, newer[key].row.warnings, remembered))
        return undecided, frozenset(interrupted)

    def _verify(self, key: Key) -> bool:
        """Whether Odoo's side is looked at even if the row has not changed: also where a human has given an answer."""
        return self._options.verify or key in self._answers

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
        former: Mapping[Key, Record],
        sources: Mapping[Key, ChunkRow],
        plan: Plan,
    ) -> None:
        bound = {row.key: known[row.row.key].odoo_id for row in rows if row.row.key in known}
        odoo = self._destination.read(rows, bound.values())
        ids = self._destination.still_bound(bound, odoo)
        unbound = [row for row in rows if row.key not in ids]
        claims = self._destination.find_former(unbound, former)
        ids |= claims.ids
        settled = ids.keys() | claims.undecidable.keys() | claims.gone.keys()
        unbound = [row for row in unbound if row.key not in settled]
        found = self._destination.find(unbound, bound.keys() - ids.keys(), self._answers)
        ids |= found.ids
        undecidable = {**claims.undecidable, **found.undecidable}
        odoo |= self._destination.read(rows, [*claims.ids.values(), *found.ids.values()])
        lines, at = self._destination.read_lines(ids.values()), self._destination.server_time
        for row in rows:
            key, odoo_id = row.row.key, ids.get(row.key, 0)
            record = known.get(key) or claims.gone.get(row.key) or _known_before(row, odoo_id, former)
            answers = self._answers.get(record.key if record else key) or self._answers.get(key, {})
            known_row = Known(record and replace(record, external_id=key[1]), answers, plan.resumed, at)
            in_odoo = InOdoo(odoo[odoo_id], lines.get(odoo_id, [])) if odoo_id in odoo else None
            try:
                if row.key in undecidable:
                    raise undecidable[row.key]
                renamed = record.external_id if record and record.key != key else ""
                if in_odoo is None:
                    decided = self._decide_missing(sources[key], row, known_row, found)
                elif row.key in found.adopted:
                    decided = None
                else:
                    decided = self._reuse.decide(sources[key], row, in_odoo.values, record, answers)
                if decided is not None:
                    plan.decided.append(replace(decided, renamed=renamed))
                else:
                    planned = self._row_planner.plan(sources[key], row, in_odoo, known_row)
                    plan.planned.append(replace(_found(planned, row.key, found), renamed=renamed))
            except RowRejectedError as error:
                plan.decided.append(_refused(sources[key], row, error))

    def _decide_missing(self, source: ChunkRow, row: ResolvedRow, known: Known, found: Found) -> Decided | None:
        """What becomes of a row that has no record, or none any more; None if it is created."""
        if row.row.only_existing:
            return Decided(source, Outcome.UNCHANGED, warnings=row.warnings, compared=True)
        if asked := found.questions.get(row.key):
            error = RowRejectedError(asked.field, asked.code, asked.reason)
            return Decided(source, Outcome.CONFLICT, error, row.warnings, conflicts=(asked,))
        if row.key in found.waiting:
            error = RowRejectedError(WHOLE_RECORD, POSSIBLE_MATCH, "it waits for the answer to its conflict")
            return Decided(source, Outcome.CONFLICT, error, row.warnings)
        if known.record is None:
            return None
        options = self._options
        return decide_deleted(options.policies.deleted, source, row, known.record, known.answers, lost=options.lost)


def _found(planned: Planned, key: str, found: Found) -> Planned:
    """The plan of a row, with how its record was found."""
    if key not in found.adopted and key not in found.doubts:
        return planned
    return replace(planned, adopts=key in found.adopted, doubts=found.doubts.get(key, ()))


def _is_news(row: MappedRow, binding: Binding) -> bool:
    """Whether a row that says the same says it of a later time."""
    if row.only_create or row.repeated:
        return False
    return latest(binding.updated_at, row.updated_at) != binding.updated_at


def _is_agreed(row: ResolvedRow, record: Record, total: str) -> bool:
    return bool(record.hash) and says_the_same(row, Base.of(record.base), total)


def _remembered(row: ResolvedRow, record: Record) -> Record:
    """The record, with the row that last said the same."""
    return replace(
        record,
        hash=row.row.hash,
        updated_at=row.row.updated_at or record.updated_at,
        seen_at=row.row.seen_at or record.seen_at,
        inside=bool(row.row.inside),
    )


def _may_be_written(row: ResolvedRow, record: Record) -> Record:
    """The record, with a row that counts no more: the run that died may have written a part of it, as it saw things."""
    agreement = Agreement(row.values, {line.key: line.values for line in row.lines or ()}, row.row.state)
    return replace(record, hash="", base=Base.of(record.base).with_half_written(agreement).document())


def _rejected(source: ChunkRow, error: RowRejectedError, warnings: tuple[str, ...], *, interrupted: bool) -> Decided:
    if source.row.outdone or interrupted:  # the row that counts more will tell what is wrong, if anything is
        return Decided(source, Outcome.SUPERSEDED, warnings=warnings)
    return Decided(source, Outcome.REJECTED, error, warnings)


def _refused(source: ChunkRow, row: ResolvedRow, error: RowRejectedError) -> Decided:
    if error.code not in _FOR_A_HUMAN:
        return Decided(source, Outcome.REJECTED, error, row.warnings)
    conflict = Conflict(WHOLE_RECORD, error.code, error.reason, external_at=row.row.updated_at)
    return Decided(source, Outcome.CONFLICT, error, row.warnings, conflicts=(conflict,))


def _known_before(row: ResolvedRow, odoo_id: int, known: Mapping[Key, Record]) -> Record | None:
    """What the state knows of a row's record under a former key."""
    return next((record for record, _ in known_former(row, known) if record.odoo_id == odoo_id), None)
