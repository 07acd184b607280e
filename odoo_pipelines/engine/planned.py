"""What a chunk needs in Odoo: the object that a dry run shows and that `apply` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.chunks import Chunk, ChunkRow
from odoo_pipelines.engine.lifecycle import TransitionPath
from odoo_pipelines.engine.lines import LineChanges
from odoo_pipelines.engine.rows import Doubt, ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.policies import FlowPolicies, UnlockPolicy
from odoo_pipelines.systems.records import Conflict, FieldChange, Outcome, Record, Resolution

NO_TRANSITIONS = TransitionPath((), "", ())
NO_LINE_CHANGES = LineChanges()
NOTHING_AGREED = Base()


@dataclass(frozen=True, slots=True)
class Planned:
    """What one row needs.

    Attributes:
        source: the row, with what was folded into it.
        resolved: its values for Odoo.
        odoo_id: of the record; None when it has to be created.
        changes: values to write.
        lines: changes of its lines.
        path: its way to the wanted state.
        odoo: the record as it was read, None where it was not.
        record: what the state knew of it.
        base: what is remembered of it once all of this is done.
        written: the same changes as a person reads them.
        conflicts: fields that only a human can decide; they are left as they are.
        left: fields, as in `Base.kept`, in which Odoo's value stays although the external one differs.
        adopts: the record had no sync key, and becomes the row's.
        doubts: records that may be the same as the row's own.
        renamed: external id under which the state knew the record until now.
        total_counts: the total must be the external one: nobody has cancelled the record, or chosen other lines.
        total_answer: a human's to the question about the total.
    """

    source: ChunkRow
    resolved: ResolvedRow
    odoo_id: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    lines: LineChanges = NO_LINE_CHANGES
    path: TransitionPath = NO_TRANSITIONS
    odoo: Mapping[str, Any] | None = None
    record: Record | None = None
    base: Base = NOTHING_AGREED
    written: tuple[FieldChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    left: frozenset[str] = frozenset()
    adopts: bool = False
    doubts: tuple[Doubt, ...] = ()
    renamed: str = ""
    total_counts: bool = True
    total_answer: Resolution | None = None

    @property
    def touches(self) -> bool:
        """Whether anything of an existing record is written."""
        return bool(self.changes or self.lines or not self.path.is_empty)

    @property
    def outcome(self) -> Outcome:
        """What the row ends as if all goes well."""
        if self.odoo_id is None:
            return Outcome.CREATED
        if self.conflicts:
            return Outcome.CONFLICT
        return Outcome.UPDATED if self.touches else Outcome.UNCHANGED


@dataclass(frozen=True, slots=True)
class Decided:
    """A row that needs nothing of Odoo, and why.

    Attributes:
        source: the row.
        outcome: what became of it.
        error: for rejections and conflicts.
        warnings: values that were dropped.
        record: to be remembered, because the row is newer than what was known.
        compared: Odoo's side was looked at, and nothing is left to ask.
        conflicts: questions for a human.
        renamed: external id under which the state knew the record until now.
    """

    source: ChunkRow
    outcome: Outcome
    error: RowRejectedError | None = None
    warnings: tuple[str, ...] = ()
    record: Record | None = None
    compared: bool = False
    conflicts: tuple[Conflict, ...] = ()
    renamed: str = ""


@dataclass(slots=True)
class Plan:
    """What a chunk needs: the object that a dry run shows and that `apply` takes.

    Attributes:
        chunk: the rows.
        resumed: an earlier run began to write them and did not get to its end.
        decided: rows that need nothing of Odoo.
        planned: the others.
    """

    chunk: Chunk
    resumed: bool = False
    decided: list[Decided] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of a run.

    Attributes:
        verify: read Odoo's side of every row, also of those that have not changed in the external system.
        unlock: when records may leave a read-only state to be written.
        policies: who wins where both sides differ.
        whole: with `verify`: nothing of the external system was left out.
        lost: Odoo was restored from a backup, so a record that it lacks was lost, unless it was known to be deleted.
    """

    verify: bool = False
    unlock: UnlockPolicy = UnlockPolicy.OWN
    policies: FlowPolicies = field(default_factory=FlowPolicies)
    whole: bool = False
    lost: bool = False
