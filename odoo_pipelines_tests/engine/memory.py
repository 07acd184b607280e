"""The state at the engine's port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from odoo_pipelines.errors import RowCountError
from odoo_pipelines.systems.records import Binding, Counts, Key, Outcome, Record, Resolution, RowOutcome


@dataclass
class MemoryState:
    """The state of one integration: what was committed, and nothing else."""

    kept: dict[Key, Record] = field(default_factory=dict)
    outcomes: list[RowOutcome] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    before: list[Callable[[], None]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    answers: dict[Key, list[Resolution]] = field(default_factory=dict)

    def bindings(self, entity: str, external_ids: Iterable[str]) -> dict[str, Binding]:
        found = {each: self.kept[entity, each] for each in external_ids if (entity, each) in self.kept}
        return {each: Binding(known.odoo_id, known.hash, known.updated_at) for each, known in found.items()}

    def records(self, keys: Iterable[Key]) -> dict[Key, Record]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    def owners(self, model: str, odoo_ids: Iterable[int]) -> dict[int, Key]:
        wanted = set(odoo_ids)
        return {each.odoo_id: key for key, each in self.kept.items() if each.model == model and each.odoo_id in wanted}

    def resolutions(self) -> dict[Key, list[Resolution]]:
        return self.answers

    def asked(self) -> set[Key]:
        return self._in_conflict("possible_match")

    def in_doubt(self) -> set[Key]:
        return self._in_conflict("id_reused")

    def _in_conflict(self, code: str) -> set[Key]:
        """From the last outcome of each record."""
        last = {(each.entity, each.external_id): each for each in self.outcomes if each.conflicts or each.compared}
        return {key for key, each in last.items() if any(one.code == code for one in each.conflicts)}

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        for hook in self.before:
            hook()
        places = [(each.model, each.odoo_id) for each in records]
        if len(places) != len(set(places)):
            raise RowCountError("two records are bound to one Odoo record")
        others = {key: each for key, each in self.kept.items() if (each.model, each.odoo_id) not in places}
        kept = others | {each.key: replace(each, base=orjson.loads(orjson.dumps(each.base))) for each in records}
        self.kept, self.outcomes, self.counts = kept, [*self.outcomes, *outcomes], [*self.counts, counts]

        for hook in self.after:
            hook()

    def outcome_of(self, external_id: str) -> list[Outcome]:
        """What became of a record, chunk by chunk."""
        return [each.outcome for each in self.outcomes if each.external_id == external_id]
