"""What became of a chunk and of a flow: outcomes, and records to remember. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.chunks import ChunkRow
from odoo_pipelines.engine.destination import MISSING_REFERENCE, Applied
from odoo_pipelines.engine.diff import latest
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.planned import Decided, Plan, Planned
from odoo_pipelines.engine.totals import TotalCheck
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import Conflict, Counts, FieldChange, Outcome, PossibleDuplicate, Record, RowOutcome

_SAMPLE = 20
_REFUSED = frozenset({Outcome.REJECTED, Outcome.CONFLICT})
_OF_RECORDS = frozenset({Outcome.CREATED, Outcome.UPDATED})
"""Outcomes that count records: of equal rows one has made or changed it, and there was nothing left for the others."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected or conflicting row, without a value of it: fit for metadata."""

    external_id: str
    field: str
    code: str


@dataclass(slots=True)
class ChunkReport:
    """What the state has to take in, in one transaction.

    Attributes:
        records: bindings and bases as they are now.
        outcomes: of every row.
        counts: the same, added up.
    """

    records: list[Record] = field(default_factory=list)
    outcomes: list[RowOutcome] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def add(self, outcome: RowOutcome) -> None:
        """Takes in what became of a row."""
        self.outcomes.append(outcome)
        self.counts.add(outcome.outcome, outcome.weight)


@dataclass(slots=True)
class FlowReport:
    """What became of all rows of a flow in a run.

    Attributes:
        counts: rows and outcomes.
        rejections: a sample.
        warnings: how often each kind of value was dropped.
        missing_fields: fields that the server lacks.
        adopted: records without a sync key that rows were bound to.
        possible_duplicates: records that may be the same as a row's own, and were not adopted.
    """

    counts: Counts = field(default_factory=Counts)
    rejections: list[Rejection] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    missing_fields: tuple[str, ...] = ()
    adopted: int = 0
    possible_duplicates: int = 0

    def add(self, chunk: ChunkReport) -> None:
        """Takes in a chunk that the state has recorded."""
        self.counts.extracted += chunk.counts.extracted
        for outcome, count in chunk.counts.by_outcome.items():
            self.counts.add(outcome, count)
        for each in chunk.outcomes:
            if each.outcome in (Outcome.REJECTED, Outcome.CONFLICT) and len(self.rejections) < _SAMPLE:
                self.rejections.append(Rejection(each.external_id, each.field, each.code))
            for warning in each.warnings:
                self.warnings[warning] = self.warnings.get(warning, 0) + 1
            self.adopted += each.adopted is not None
            self.possible_duplicates += len(each.duplicates)


def merged(reports: Iterable[FlowReport]) -> FlowReport:
    """Several reports of one flow as one."""
    total = FlowReport()
    for report in reports:
        total.counts.extracted += report.counts.extracted
        for outcome, count in report.counts.by_outcome.items():
            total.counts.add(outcome, count)
        total.rejections = (total.rejections + report.rejections)[:_SAMPLE]
        for warning, count in report.warnings.items():
            total.warnings[warning] = total.warnings.get(warning, 0) + count
        total.missing_fields = report.missing_fields or total.missing_fields
        total.adopted += report.adopted
        total.possible_duplicates += report.possible_duplicates
    return total


def report_chunk(plan: Plan, applied: Applied, check: TotalCheck) -> ChunkReport:
    """The outcomes of a chunk; every row has exactly one.

    Args:
        plan: of the chunk.
        applied: what became of it in Odoo.
        check: compares totals.
    """
    report = ChunkReport()
    report.counts.extracted = plan.chunk.weight
    for rejected in plan.chunk.rejected:
        report.add(_rejected_by_mapping(rejected))
    for decided in plan.decided:
        _add_decided(report, decided)
    for planned in plan.planned:
        _add_planned(report, planned, applied, check)
    return report


def _add_decided(report: ChunkReport, decided: Decided) -> None:
    if decided.record:
        report.records.append(decided.record)
    source, warnings = decided.source, decided.warnings
    outcome = _outcome(
        source, decided.outcome, decided.error, warnings, compared=decided.compared, conflicts=decided.conflicts
    )
    _add(report, replace(outcome, renamed=decided.renamed) if decided.renamed else outcome, source)


def _add_planned(report: ChunkReport, planned: Planned, applied: Applied, check: TotalCheck) -> None:
    key, model = planned.resolved.key, check.target.model
    error, odoo_id = applied.refused.get(key), applied.ids.get(key)
    warnings = (*planned.resolved.warnings, *applied.warnings.get(key, ()))
    if error is None and odoo_id is not None:
        asked, base = check.resolve(planned, applied.after.get(odoo_id))
        record = _agreed(planned, odoo_id, model, base)
        if not _is_known(record, planned.record):
            report.records.append(record)
        conflicts = (*planned.conflicts, *([asked] if asked else []))
        outcome = _outcome(
            planned.source,
            Outcome.CONFLICT if asked else planned.outcome,
            _question(conflicts),
            warnings,
            compared=True,
            conflicts=conflicts,
            changes=planned.written,
        )
        duplicates = tuple(PossibleDuplicate(model, odoo_id, each.candidate_id, each.code) for each in planned.doubts)
        if planned.adopts or duplicates:
            outcome = replace(outcome, adopted=odoo_id if planned.adopts else None, duplicates=duplicates)
    else:
        if odoo_id is not None and _is_bound(planned):
            report.records.append(_bound_only(planned, odoo_id, model))
        outcome = _outcome(planned.source, Outcome.REJECTED, error, warnings)
    _add(report, replace(outcome, renamed=planned.renamed) if planned.renamed else outcome, planned.source)


def _question(conflicts: Sequence[Conflict]) -> RowRejectedError | None:
    if not conflicts:
        return None
    first = conflicts[0]
    return RowRejectedError(first.field, first.code, first.reason)


def _agreed(planned: Planned, odoo_id: int, model: str, base: Base) -> Record:
    row, before = planned.source.row, planned.record
    if row.only_create and planned.odoo_id is not None:
        return replace(before, odoo_id=odoo_id) if before else _bound_only(planned, odoo_id, model)
    return Record(
        entity=row.entity,
        external_id=row.external_id,
        model=model,
        odoo_id=odoo_id,
        hash=row.hash,
        base=base.document(),
        **_version(row, before),
    )


def _version(row: MappedRow, before: Record | None) -> dict[str, Any]:
    """Which version of a record this is; one that says what is known makes the known one no older.

    A stub row's change time is another record's: it must not make the record's own rows look old.
    """
    updated_at, seen_at = (None, None) if row.only_create else (row.updated_at, row.seen_at)
    inside = row.only_create or bool(row.inside)
    if before is None:
        return {"updated_at": updated_at, "seen_at": seen_at, "inside": inside}
    same = before.hash == row.hash
    return {
        "updated_at": latest(before.updated_at, updated_at) if same else updated_at or before.updated_at,
        "seen_at": seen_at or before.seen_at,
        "inside": inside and (before.inside or not same),
    }


def _is_known(record: Record, before: Record | None) -> bool:
    """Whether nothing has changed but that it was seen again, which is not worth a write for every record."""
    return before is not None and record == replace(before, seen_at=record.seen_at)


def _is_bound(planned: Planned) -> bool:
    """Whether a refused row's record is its own: not one that was matched and whose adoption may have failed."""
    read = planned.odoo
    return read is None or planned.record is not None or read[SYNC_KEY_FIELD] == planned.resolved.key


def _bound_only(planned: Planned, odoo_id: int, model: str) -> Record:
    """A record that Odoo may hold half written: without a hash, whatever row comes next is written."""
    row, before = planned.source.row, planned.record
    base = Base.of(before.base if before else None)
    if planned.base.agreed != base.agreed and not (row.only_create and planned.odoo_id is not None):
        base = base.with_half_written(planned.base.sent(planned.left))
    if before:
        return replace(before, odoo_id=odoo_id, hash="", base=base.document())
    return Record(row.entity, row.external_id, model, odoo_id, "", base.document(), None)


def _outcome(
    source: ChunkRow,
    outcome: Outcome,
    error: RowRejectedError | None,
    warnings: tuple[str, ...],
    *,
    compared: bool = False,
    conflicts: tuple[Conflict, ...] = (),
    changes: tuple[FieldChange, ...] = (),
) -> RowOutcome:
    row = source.row
    refused = outcome in _REFUSED
    return RowOutcome(
        row.entity,
        row.external_id,
        outcome,
        weight=_weight(source, outcome),
        field=error.field if error else "",
        code=error.code if error else "",
        reason=error.reason if error else "",
        transient=bool(error and error.code == MISSING_REFERENCE),
        payload=_payload(row) if refused else "",
        warnings=warnings,
        compared=compared,
        conflicts=conflicts,
        changes=changes,
        former=() if outcome is Outcome.UNCHANGED else row.former,
    )


def _add(report: ChunkReport, outcome: RowOutcome, source: ChunkRow) -> None:
    report.add(outcome)
    row = source.row
    if others := source.weight - outcome.weight:
        report.add(RowOutcome(row.entity, row.external_id, Outcome.UNCHANGED, weight=others))
    if source.outdone:
        report.add(RowOutcome(row.entity, row.external_id, Outcome.SUPERSEDED, weight=source.outdone))


def _weight(source: ChunkRow, outcome: Outcome) -> int:
    return min(1, source.weight) if outcome in _OF_RECORDS else source.weight


def _rejected_by_mapping(rejected: RejectedRow) -> RowOutcome:
    return RowOutcome(
        rejected.entity,
        rejected.external_id,
        Outcome.REJECTED,
        field=rejected.error.field,
        code=rejected.error.code,
        reason=rejected.error.reason,
        payload=rejected.payload,
    )


def _payload(row: MappedRow) -> str:
    lines = None if row.lines is None else [{"id": line.external_id, **line.values} for line in row.lines]
    return orjson.dumps({"values": row.values, "lines": lines, "state": row.state}).decode()
