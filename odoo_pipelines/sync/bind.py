"""Finds the Odoo record of an external record that the state does not know: by sync key, then by matching.

A match is adopted: its sync key is written with the other changes. It has no xmlid, so it must never go through `load`,
which would create it a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.sync.ports import Odoo
from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.systems.base import Match, Target

_EVEN_ARCHIVED = ("active", "in", [True, False])


@dataclass(frozen=True, slots=True)
class Found:
    """Where rows belong.

    Attributes:
        ids: Odoo ids by sync key; a key that is missing here has no record yet.
        ambiguous: sync keys that more than one record answers to, with the reason for a human to decide.
    """

    ids: Mapping[str, int]
    ambiguous: Mapping[str, RowRejectedError]


class Binder:
    """Binds the rows of one flow.

    Args:
        odoo: where records are searched.
        target: their model, and how its records are matched.
        archivable: whether the model has the field `active`.
    """

    def __init__(self, odoo: Odoo, target: Target, *, archivable: bool) -> None:
        self._odoo = odoo
        self._target = target
        self._also = [_EVEN_ARCHIVED] if archivable else []
        self._adopted: set[int] = set()
        self._lock = Lock()

    def find(self, rows: Sequence[ResolvedRow]) -> Found:
        """Finds the records of rows that the state does not know."""
        if not rows:
            return Found({}, {})
        ids, ambiguous = self._by_sync_key(rows)
        for match in self._target.matches:
            open_rows = [row for row in rows if row.key not in ids and row.key not in ambiguous]
            self._by_match(match, open_rows, ids, ambiguous)
        return Found(ids, ambiguous)

    def ids_by_key(self, model: str, keys: Iterable[str]) -> dict[str, list[int]]:
        """All records with these sync keys: what tells which of several writes got through."""
        domain: list[Any] = [(SYNC_KEY_FIELD, "in", sorted(keys))]
        if model == self._target.model:
            domain = [*domain, *self._also]
        found: dict[str, list[int]] = defaultdict(list)
        for row in self._odoo.search_read(model, domain, [SYNC_KEY_FIELD]):
            found[row[SYNC_KEY_FIELD]].append(row["id"])
        return found

    def _by_sync_key(self, rows: Sequence[ResolvedRow]) -> tuple[dict[str, int], dict[str, RowRejectedError]]:
        found = self.ids_by_key(self._target.model, [row.key for row in rows])
        ids = {key: each[0] for key, each in found.items() if len(each) == 1}
        ambiguous = {key: _ambiguous(SYNC_KEY_FIELD, each) for key, each in found.items() if len(each) > 1}
        return ids, ambiguous

    def _by_match(
        self, match: Match, rows: Sequence[ResolvedRow], ids: dict[str, int], ambiguous: dict[str, RowRejectedError]
    ) -> None:
        wanted = {row.key: row.values.get(match.value) for row in rows if row.row.entity == match.entity}
        values = sorted({str(value) for value in wanted.values() if value})
        if not values:
            return
        candidates = self._candidates(match, values)
        for key, value in wanted.items():
            found = candidates.get(str(value), []) if value else []
            if len(found) > 1:
                ambiguous[key] = _ambiguous(match.value, found)
            elif found and self._claim(found[0]):
                ids[key] = found[0]

    def _candidates(self, match: Match, values: list[str]) -> dict[str, list[int]]:
        domain: list[Any] = [(match.search, "in", values), (SYNC_KEY_FIELD, "=", False), *match.also, *self._also]
        found: dict[str, list[int]] = defaultdict(list)
        for row in self._odoo.search_read(self._target.model, domain, [match.search]):
            found[str(row[match.search])].append(row["id"])
        return found

    def _claim(self, odoo_id: int) -> bool:
        """Takes a record for one row; a second row that matches it in this run is a new record."""
        with self._lock:
            if odoo_id in self._adopted:
                return False
            self._adopted.add(odoo_id)
            return True


def _ambiguous(field: str, ids: Sequence[int]) -> RowRejectedError:
    found = f"{field}: {len(ids)} records of Odoo match (ids {sorted(ids)[:5]})"
    return RowRejectedError(field, "ambiguous_match", f"{found}; merge them, or clear the field on all but one")
