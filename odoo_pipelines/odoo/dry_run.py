"""A dry run's Odoo: it answers as if everything planned so far had been done, and is never written.

So an order finds the guest that does not exist yet, and a second version of a record is compared with the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, NoReturn, TypeAlias

from odoo_pipelines.engine.destination import Applied
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.planned import Plan, Planned
from odoo_pipelines.engine.rows import ResolvedLine
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.systems.targets import LineTarget, Target

LAST_ID = 2**31 - 1
"""New records are numbered from the end of Odoo's ids, which no real record comes near."""
_READS = frozenset({"get_external_id", "check_object_reference"})
_WITHOUT_KEY = (SYNC_KEY_FIELD, "=", False)
_UNSET: Mapping[str, Any] = {"active": True}

Row: TypeAlias = dict[str, Any]


class PlannedOdoo:
    """Odoo with the plans of one run laid over it; safe to use from several threads, which share no record.

    Args:
        odoo: is only read.
        targets: whose actions are known.
        at: `write_date` of what is planned, as Odoo prints it.
    """

    def __init__(self, odoo: Odoo, targets: Iterable[Target], at: str) -> None:
        self._odoo = odoo
        self._at = at
        self._actions = {name: values for target in targets for name, values in _actions(target).items()}
        self._new_ids = count(LAST_ID, -1)
        self._planned: dict[tuple[str, int], Row] = {}
        self._new: dict[int, str] = {}
        self._new_lines: dict[tuple[str, str, int], list[int]] = {}
        self._deleted: set[tuple[str, int]] = set()

    @property
    def server_time(self) -> datetime | None:
        """Odoo's clock at its newest answer."""
        return self._odoo.server_time

    def key_of_new(self, odoo_id: int) -> str | None:
        """Sync key of a record that was planned; None for one that exists."""
        return self._new.get(odoo_id)

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, context: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Records that exist and still match, and new ones that are asked for by id or by parent.

        The engine looks for no other new ones: all of them are bound in the state.
        """
        found = self._odoo.search_read(model, domain, fields, context=context)
        shown = [self._shown(model, row) for row in found if self._still_matches(model, row["id"], domain)]
        return [*shown, *(self._shown_new(model, each, fields) for each in self._new_among(model, domain))]

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        """Records as they would be."""
        existing = [each for each in ids if each not in self._new]
        found = self._odoo.read(model, existing, fields) if existing else []
        shown = [self._shown(model, row) for row in found if (model, row["id"]) not in self._deleted]
        return [*shown, *(self._shown_new(model, each, fields) for each in ids if each in self._new)]

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **kwargs: Any) -> Any:
        """Calls a method that only reads; of an action notes what it would do."""
        action = self._actions.get((model, method))
        if action is not None:
            for each in ids or ():
                self._note(model, each, {**action, "write_date": self._at})
            return None
        if method not in _READS:
            _refuse(model, method)
        return self._odoo.call(model, method, ids, **kwargs)

    def load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> NoReturn:
        """Refuses."""
        _refuse(model, "load")

    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> NoReturn:
        """Refuses."""
        _refuse(model, "write")

    def web_save_multi(self, model: str, ids: Sequence[int], vals_list: Sequence[Mapping[str, Any]]) -> NoReturn:
        """Refuses."""
        _refuse(model, "web_save_multi")

    def unlink(self, model: str, ids: Sequence[int]) -> NoReturn:
        """Refuses."""
        _refuse(model, "unlink")

    def carry_out(self, target: Target, plan: Plan) -> Applied:
        """Notes what a plan would write, in place of the `Applier`: what that gives if Odoo accepts all of it."""
        applied = Applied()
        for row in plan.planned:
            odoo_id = self._create(target, row) if row.odoo_id is None else self._change(target, row, row.odoo_id)
            applied.ids[row.resolved.key] = odoo_id
            if row.odoo and not row.touches:
                applied.after[odoo_id] = row.odoo
        if target.total:
            self._predict_totals(target, plan, applied)
        return applied

    def _predict_totals(self, target: Target, plan: Plan, applied: Applied) -> None:
        """What the planned lines amount to, where Odoo adds nothing to them."""
        rows = {applied.ids[row.resolved.key]: row for row in plan.planned if row.source.row.total is not None}
        rows = {odoo_id: row for odoo_id, row in rows.items() if odoo_id not in applied.after}
        if not rows or target.lines is None or target.lines_total is None:
            return
        lines: dict[int, list[Row]] = {odoo_id: [] for odoo_id in rows}
        fields = [target.lines.parent, *target.lines_total_of]
        for line in self.search_read(target.lines.model, [(target.lines.parent, "in", list(rows))], fields):
            lines[line[target.lines.parent]].append(line)
        for odoo_id, row in rows.items():
            total = target.lines_total(lines[odoo_id])
            if total is None:
                applied.warnings[row.resolved.key] = (f"{target.total}: only Odoo can tell, for it adds taxes",)
            else:
                applied.after[odoo_id] = {**(row.odoo or {}), target.total: round(total, 2)}

    def _create(self, target: Target, row: Planned) -> int:
        odoo_id = self._number(row.resolved.key)
        state = target.lifecycle.values_in[target.lifecycle.initial] if target.lifecycle else {}
        self._planned[target.model, odoo_id] = {**row.resolved.values, **state, **self._moved(target, row)}
        if target.lines:
            self._create_lines(target.lines, odoo_id, row.resolved.lines or ())
        return odoo_id

    def _change(self, target: Target, row: Planned, odoo_id: int) -> int:
        if row.touches:
            self._note(target.model, odoo_id, {**row.changes, **self._moved(target, row)})
        if target.lines:
            self._create_lines(target.lines, odoo_id, row.lines.created)
            for line_id, values in row.lines.updated:
                self._note(target.lines.model, line_id, values)
            self._deleted |= {(target.lines.model, line_id) for line_id in row.lines.deleted}
        return odoo_id

    def _moved(self, target: Target, row: Planned) -> Row:
        """What tells the state after the row's path, and the time of the change."""
        steps = (*row.path.before, *row.path.after)
        state = target.lifecycle.values_in[steps[-1].target] if target.lifecycle and steps else {}
        return {**state, "write_date": self._at}

    def _create_lines(self, lines: LineTarget, parent: int, created: Iterable[ResolvedLine]) -> None:
        for line in created:
            line_id = self._number(line.key)
            self._planned[lines.model, line_id] = {**line.values, lines.parent: parent}
            self._new_lines.setdefault((lines.model, lines.parent, parent), []).append(line_id)

    def _note(self, model: str, odoo_id: int, values: Mapping[str, Any]) -> None:
        self._planned[model, odoo_id] = {**self._planned.get((model, odoo_id), {}), **values}

    def _number(self, key: str) -> int:
        odoo_id = next(self._new_ids)
        self._new[odoo_id] = key
        return odoo_id

    def _shown(self, model: str, row: Row) -> Row:
        planned = self._planned.get((model, row["id"]), {})
        return {name: planned.get(name, value) for name, value in row.items()}

    def _shown_new(self, model: str, odoo_id: int, fields: Iterable[str]) -> Row:
        values = {**_UNSET, "name": f"new {self._new[odoo_id]}", **self._planned[model, odoo_id]}
        return {"id": odoo_id, **{name: values.get(name, False) for name in fields}}

    def _still_matches(self, model: str, odoo_id: int, domain: Sequence[Any]) -> bool:
        """Only an adoption takes a record out of a search: whoever has a sync key is no candidate any more."""
        adopted = SYNC_KEY_FIELD in self._planned.get((model, odoo_id), {})
        return (model, odoo_id) not in self._deleted and not (adopted and _WITHOUT_KEY in domain)

    def _new_among(self, model: str, domain: Sequence[Any]) -> list[int]:
        if len(domain) != 1:
            return []
        [(field, _, wanted)] = domain
        if field == "id":
            return [each for each in wanted if (model, each) in self._planned and each in self._new]
        lines = [line for each in wanted for line in self._new_lines.get((model, field, each), ())]
        return [line for line in lines if (model, line) not in self._deleted]


def _actions(target: Target) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What the actions on a target's records set, by model and method."""
    actions: dict[tuple[str, str], Mapping[str, Any]] = {
        (target.model, "action_archive"): {"active": False},
        (target.model, "action_unarchive"): {"active": True},
    }
    if target.lifecycle:
        for step in target.lifecycle.transitions:
            actions |= {
                (target.model, action.method): target.lifecycle.values_in[step.target] for action in step.actions
            }
    return actions


def _refuse(model: str, method: str) -> NoReturn:
    message = f"a dry run writes nothing: {model}.{method}"
    raise RuntimeError(message)
