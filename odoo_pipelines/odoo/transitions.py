"""Takes records to their states by actions, in lists, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.writing import Failures, Writing
from odoo_pipelines.systems.targets import Lifecycle, Transition


class Transitions:
    """The steps of one target's records.

    Args:
        odoo: where the states are read.
        writing: makes the calls.
        model: technical name.
        lifecycle: its states.
    """

    def __init__(self, odoo: Odoo, writing: Writing, model: str, lifecycle: Lifecycle) -> None:
        self._odoo = odoo
        self._writing = writing
        self._model = model
        self._lifecycle = lifecycle

    def take(self, paths: Mapping[int, Sequence[Transition]], values: Mapping[int, Mapping[str, Any]]) -> Failures:
        """Takes every record along its path; a record that Odoo refuses to move stops where it is.

        Args:
            paths: steps by Odoo id.
            values: what the records should hold by Odoo id, for fields that an action overwrites.
        """
        failures: Failures = {}
        longest = max((len(path) for path in paths.values()), default=0)
        for number in range(longest):
            steps: dict[Transition, list[int]] = {}
            for odoo_id, path in paths.items():
                if number < len(path) and odoo_id not in failures:
                    steps.setdefault(path[number], []).append(odoo_id)
            for step, ids in steps.items():
                failures |= self._step(step, ids, values)
        return failures

    def _step(self, step: Transition, ids: list[int], values: Mapping[int, Mapping[str, Any]]) -> Failures:
        failures: Failures = {}
        for action in step.actions:
            moving = [odoo_id for odoo_id in ids if odoo_id not in failures]
            failures |= self._writing.call(self._model, action, moving, lambda some: self._not_yet(step, some))
        rewritten = [
            (odoo_id, {name: values[odoo_id][name] for name in step.overwrites if name in values[odoo_id]})
            for odoo_id in ids
            if odoo_id not in failures
        ]
        return failures | self._writing.write(self._model, [change for change in rewritten if change[1]])

    def _not_yet(self, step: Transition, ids: Sequence[int]) -> list[int]:
        rows = self._odoo.read(self._model, ids, self._lifecycle.read)
        return [row["id"] for row in rows if self._lifecycle.state_of(row) != step.target]
