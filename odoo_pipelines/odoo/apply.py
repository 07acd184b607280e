"""Applies a plan: creates, writes, moves. Every step may be repeated, and none relies on what an earlier run did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from odoo_pipelines.engine.destination import Applied
from odoo_pipelines.engine.keys import xmlid
from odoo_pipelines.engine.lifecycle import steps_to_lock_again
from odoo_pipelines.engine.planned import Planned
from odoo_pipelines.engine.ports import Schema, Schemas
from odoo_pipelines.engine.rows import ResolvedLine, ResolvedRow
from odoo_pipelines.errors import OdooError, RowRejectedError
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.loading import Loading, LoadItem
from odoo_pipelines.odoo.retries import RefusalBackoff, Retries
from odoo_pipelines.odoo.transitions import Transitions
from odoo_pipelines.odoo.writing import Failures, Writing
from odoo_pipelines.systems.targets import Target, Transition


class Applier:
    """Applies the plans of one flow; safe to use from several threads."""

    def __init__(
        self,
        *,
        target: Target,
        odoo: Odoo,
        schemas: Schemas,
        find: Callable[[str, Iterable[str]], Mapping[str, list[int]]],
        retries: Retries,
        backoff: RefusalBackoff,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._target = target
        self._odoo = odoo
        self._reached = reached
        self._schema = schemas(target.model)
        self._line_schema = schemas(target.lines.model) if target.lines else None
        self._writing = Writing(odoo, retries)
        self._loading = Loading(odoo, target.model, find, retries, backoff)
        self._line_loading = Loading(odoo, target.lines.model, find, retries, backoff) if target.lines else None
        self._transitions = (
            Transitions(odoo, self._writing, target.model, target.lifecycle) if target.lifecycle else None
        )

    def apply(self, planned: Sequence[Planned]) -> Applied:
        """Does what the rows need; rows that Odoo refuses are left as they are and reported."""
        applied = Applied(ids={row.resolved.key: row.odoo_id for row in planned if row.odoo_id is not None})
        self._create([row for row in planned if row.odoo_id is None], applied)
        self._reached("created")
        self._move(planned, lambda row: row.path.before, applied)
        self._reached("moved before")
        self._write(planned, applied)
        self._reached("written")
        self._write_lines(planned, applied)
        self._reached("lines written")
        self._move(planned, lambda row: row.path.after, applied)
        self._lock_again(planned, applied)
        self._reached("moved after")
        self._read_totals(planned, applied)
        return applied

    def _create(self, rows: Sequence[Planned], applied: Applied) -> None:
        loaded = self._loading.load([self._item(row.resolved) for row in rows])
        applied.ids.update(loaded.ids)
        applied.refused.update(loaded.refused)

    def _item(self, row: ResolvedRow) -> LoadItem:
        header = {"id": xmlid(row.key), **self._schema.cells(row.values)}
        lines = [self._line_cells(line) for line in row.lines or ()]
        return LoadItem(row.key, ({**header, **(lines[0] if lines else {})}, *lines[1:]))

    def _line_cells(self, line: ResolvedLine) -> dict[str, str]:
        if self._target.lines is None or self._line_schema is None:
            return {}
        cells = {"id": xmlid(line.key), **self._line_schema.cells(line.values)}
        return {f"{self._target.lines.field}/{column}": cell for column, cell in cells.items()}

    def _write(self, planned: Sequence[Planned], applied: Applied) -> None:
        changes = {row.odoo_id: row for row in self._going_on(planned, applied) if row.odoo_id and row.changes}
        vals = [(odoo_id, _vals(self._schema, row.changes)) for odoo_id, row in changes.items()]
        failures = self._writing.write(self._target.model, vals)
        self._refuse(failures, {odoo_id: row.resolved.key for odoo_id, row in changes.items()}, applied)

    def _write_lines(self, planned: Sequence[Planned], applied: Applied) -> None:
        rows = [row for row in self._going_on(planned, applied) if row.odoo_id and row.lines]
        if not rows or self._target.lines is None or self._line_schema is None:
            return
        model, schema = self._target.lines.model, self._line_schema
        self._create_lines(rows, applied)
        updated = {line_id: row.resolved.key for row in rows for line_id, _ in row.lines.updated}
        vals = [(line_id, _vals(schema, changes)) for row in rows for line_id, changes in row.lines.updated]
        failures = self._writing.write(model, vals)
        self._refuse(failures, updated, applied)
        deleted = {line_id: row.resolved.key for row in rows for line_id in row.lines.deleted}
        self._refuse(self._writing.unlink(model, list(deleted)), deleted, applied)

    def _create_lines(self, rows: Sequence[Planned], applied: Applied) -> None:
        if self._target.lines is None or self._line_loading is None or self._line_schema is None:
            return
        parent = self._target.lines.parent
        owners = {line.key: row for row in rows for line in row.lines.created}
        items = [
            LoadItem(
                line.key, ({"id": xmlid(line.key), **self._line_schema.cells({parent: row.odoo_id, **line.values})},)
            )
            for row in rows
            for line in row.lines.created
        ]
        for key, error in self._line_loading.load(items).refused.items():
            applied.refused[owners[key].resolved.key] = error

    def _move(
        self, planned: Sequence[Planned], steps: Callable[[Planned], tuple[Transition, ...]], applied: Applied
    ) -> None:
        moving = {applied.ids[row.resolved.key]: row for row in self._going_on(planned, applied) if steps(row)}
        if self._transitions is None or not moving:
            return
        failures = self._transitions.take(
            {odoo_id: steps(row) for odoo_id, row in moving.items()},
            {odoo_id: row.resolved.values for odoo_id, row in moving.items()},
        )
        self._refuse(failures, {odoo_id: row.resolved.key for odoo_id, row in moving.items()}, applied)

    def _lock_again(self, planned: Sequence[Planned], applied: Applied) -> None:
        """A record that was unlocked, and then refused what it was unlocked for, does not stay open until the next run.

        Where Odoo refuses this, too, the row is rejected already, and its next run locks the record.
        """
        lifecycle = self._target.lifecycle
        if self._transitions is None or lifecycle is None:
            return
        refused = (row for row in planned if row.odoo_id and row.resolved.key in applied.refused)
        left = {
            row.odoo_id: back for row in refused if (back := steps_to_lock_again(lifecycle, row.path)) and row.odoo_id
        }
        if left:
            read = self._odoo.read(self._target.model, list(left), lifecycle.read)
            states = {row["id"]: lifecycle.state_of(row) for row in read}
            self._transitions.take({each: back for each, (at, back) in left.items() if states.get(each) == at}, {})

    def _read_totals(self, planned: Sequence[Planned], applied: Applied) -> None:
        if not self._target.total:
            return
        touched = [
            applied.ids[row.resolved.key]
            for row in self._going_on(planned, applied)
            if row.odoo_id is None or row.touches
        ]
        read = self._odoo.read(self._target.model, touched, self._target.total_fields) if touched else []
        applied.after = {row.odoo_id: row.odoo for row in planned if row.odoo_id and row.odoo and not row.touches}
        applied.after |= {row["id"]: row for row in read}

    def _going_on(self, planned: Sequence[Planned], applied: Applied) -> list[Planned]:
        return [row for row in planned if row.resolved.key not in applied.refused and row.resolved.key in applied.ids]

    def _refuse(self, failures: Failures, keys: Mapping[int, str], applied: Applied) -> None:
        for odoo_id, error in failures.items():
            applied.refused[keys[odoo_id]] = _refusal(error)


def _vals(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema.written(name, value) for name, value in values.items()}


def _refusal(error: OdooError) -> RowRejectedError:
    return RowRejectedError("", "refused_by_odoo", f"{error.method}: {error.odoo_message or error}")
