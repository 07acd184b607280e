"""Writes changed values with as few calls as the server allows, and finds the records that it refuses.

Records with equal changes share one `write`; the rest goes through `web_save_multi`, which takes values per record.
Writing the same values twice changes nothing, so a lost answer is simply repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from odoo_pipelines.errors import OdooError, OdooUnknownNameError, OdooValidationError
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.loading import REFUSALS
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.systems.targets import Action

_SAVE_MANY = "web_save_multi"

Change: TypeAlias = tuple[int, Mapping[str, Any]]
"""The id of a record, and the values to write."""
Failures: TypeAlias = dict[int, OdooError]
"""What Odoo refused, by id."""


class Writing:
    """Writes to one Odoo."""

    def __init__(self, odoo: Odoo, retries: Retries) -> None:
        self._odoo = odoo
        self._retries = retries
        self._saves_many = True

    def write(self, model: str, changes: Sequence[Change]) -> Failures:
        """Writes changes of different records; what the server refuses comes back, the others are written.

        Raises:
            OdooAccessError, OdooAuthenticationError, OdooUnknownNameError: nothing of this kind can be written.
            OdooTransientError, OdooConflictError: Odoo could not be reached for long.
        """
        groups: dict[str, list[Change]] = {}
        for change in changes:
            groups.setdefault(json.dumps(change[1], sort_keys=True), []).append(change)
        alike = [group for group in groups.values() if len(group) > 1]
        single = [group[0] for group in groups.values() if len(group) == 1]
        failures: Failures = {}
        for group in alike:
            failures |= self._write_alike(model, [odoo_id for odoo_id, _ in group], group[0][1])
        return failures | self._write_each(model, dict(single))

    def unlink(self, model: str, ids: Sequence[int]) -> Failures:
        """Deletes records; those that are gone already count as deleted."""

        def delete(some: Sequence[int]) -> None:
            existing = [row["id"] for row in self._odoo.search_read(model, [("id", "in", list(some))], ["id"])]
            if existing:
                self._odoo.unlink(model, existing)

        return self._isolated(list(ids), delete)

    def call(
        self, model: str, action: Action, ids: Sequence[int], still_to_do: Callable[[Sequence[int]], list[int]]
    ) -> Failures:
        """Calls a method on records; after a lost answer only on those that it has not reached.

        An answer that opens a wizard says that nothing was done: it asks a person something first.

        Args:
            model: technical name.
            action: the method, with what it is told.
            ids: of the records.
            still_to_do: reads which of some records the method has not changed yet.
        """

        def act(some: Sequence[int]) -> None:
            answer = self._odoo.call(model, action.method, some, **action.parameters)
            if isinstance(answer, Mapping) and (wizard := answer.get("res_model")) and still_to_do(some):
                asks = f"it opens the wizard {wizard}, which asks a person something; nothing was done"
                raise OdooValidationError(asks, model=model, method=action.method, ids=list(some), odoo_message=asks)

        return self._isolated(list(ids), act, still_to_do)

    def _write_alike(self, model: str, ids: list[int], vals: Mapping[str, Any]) -> Failures:
        return self._isolated(ids, lambda some: self._odoo.write(model, some, vals))

    def _write_each(self, model: str, changes: Mapping[int, Mapping[str, Any]]) -> Failures:
        if self._saves_many and len(changes) > 1:
            try:
                return self._isolated(list(changes), lambda ids: self._save_many(model, ids, changes))
            except OdooUnknownNameError as error:
                if error.method != _SAVE_MANY:
                    raise
                self._saves_many = False  # an older server: record by record, from now on
        failures: Failures = {}
        for odoo_id, vals in changes.items():
            failures |= self._write_alike(model, [odoo_id], vals)
        return failures

    def _save_many(self, model: str, ids: Sequence[int], changes: Mapping[int, Mapping[str, Any]]) -> None:
        self._odoo.web_save_multi(model, ids, [changes[odoo_id] for odoo_id in ids])

    def _isolated(
        self,
        ids: Sequence[int],
        call: Callable[[Sequence[int]], None],
        still_to_do: Callable[[Sequence[int]], Sequence[int]] = list,
    ) -> Failures:
        """Calls on all, and on halves where the server refuses: k refused records of n cost O(k log n) calls."""
        if not ids:
            return {}
        try:
            self._retries.send(ids, call, still_to_do)
        except REFUSALS as error:
            if len(ids) == 1:
                return {ids[0]: error}
            # Of a call that was lost first, and then sent in pieces, some are done.
            left = still_to_do(ids)
            middle = len(left) // 2
            return self._isolated(left[:middle], call, still_to_do) | self._isolated(left[middle:], call, still_to_do)
        return {}
