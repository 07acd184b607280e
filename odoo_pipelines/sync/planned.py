"""What a chunk needs in Odoo: the object that a dry run shows and that `apply` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.chunks import Chunk, ChunkRow
from odoo_pipelines.sync.lifecycle import Way
from odoo_pipelines.sync.merge import LineChanges
from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.systems.records import Outcome, Record

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
