"""Plans one row against its record in Odoo: which values to write, which lines, and which way to its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.chunks import ChunkRow
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.sync.lifecycle import Way, leaves_frozen_state, plan_way
from odoo_pipelines.sync.merge import LineChanges, LineMerger, changed_values, server_names
from odoo_pipelines.sync.planned import STAY, Planned
from odoo_pipelines.sync.ports import Schemas
from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.targets import Lifecycle, Target

FROZEN = "frozen"
FIXED_FIELD = "fixed_field"


class RowPlanner:
    """Plans rows of one target; makes no request.

    Args:
        integration: whose lines are compared.
        target: what the rows are for.
        schemas: the server's fields.
        unlock: records may leave a frozen state to be written.
    """

    def __init__(self, integration: str, target: Target, schemas: Schemas, *, unlock: bool) -> None:
        self._target = target
        self._unlock = unlock
        self._schema = schemas(target.model)
        self._create_only = server_names(self._schema, target.fields, only_on_create=True)
        self._line_merger = None
        if target.lines:
            schema = schemas(target.lines.model)
            create_only = server_names(schema, target.lines.fields, only_on_create=True)
            self._line_merger = LineMerger(target.lines, schema, create_only, integration)

    def plan(
        self,
        source: ChunkRow,
        row: ResolvedRow,
        odoo: Mapping[str, Any] | None,
        lines: Sequence[Mapping[str, Any]],
    ) -> Planned:
        """Compares a row with its record.

        Args:
            source: the row, with what was folded into it.
            row: its values for Odoo.
            odoo: the record as read, None if there is none.
            lines: the record's lines as read.

        Raises:
            RowRejectedError: Odoo would not let it be written.
        """
        if odoo is None:
            return Planned(source, row, way=self._way_of_new(row.row))
        if row.row.only_create:
            adopted = changed_values({SYNC_KEY_FIELD: row.key}, odoo, self._schema, frozenset())
            return Planned(source, row, odoo["id"], adopted, odoo=odoo)
        changes = changed_values(row.values, odoo, self._schema, self._create_only, row.as_good)
        line_changes, way = self._lines_and_way(row, odoo, lines, changes)
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
            raise RowRejectedError(name, FIXED_FIELD, reason)

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
        if leaves_frozen_state(lifecycle, way) and not self._unlock:
            reason = f"state: the record is '{current}' in Odoo, and unlock_orders is off"
            raise RowRejectedError("state", FROZEN, reason)
        return way
