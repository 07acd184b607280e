"""Finds the Odoo record of an external record that the state does not know: by sync key, then by matching.

A match is adopted: its sync key is written with the other changes. It has no xmlid, so it must never go through `load`,
which would create it a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD, sync_key, xmlid
from odoo_pipelines.sync.ports import FlowState, Odoo
from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.sync.xmlids import record_of_xmlid
from odoo_pipelines.systems.targets import Match, Target

Condition: TypeAlias = tuple[str, str, Any]

_EVEN_ARCHIVED: Condition = ("active", "in", [True, False])


AMBIGUOUS_MATCH = "ambiguous_match"
BOUND_ELSEWHERE = "bound_elsewhere"
MERGED = "merged_in_odoo"


@dataclass(frozen=True, slots=True)
class Found:
    """Where rows belong.

    Attributes:
        ids: Odoo ids by sync key; a key that is missing here has no record yet.
        undecidable: sync keys that only a human can give a record, with the reason.
    """

    ids: Mapping[str, int]
    undecidable: Mapping[str, RowRejectedError]


@dataclass(frozen=True, slots=True)
class _Searched:
    """Ids of Odoo records by sync key, and by match and value where they carry no key."""

    by_key: dict[str, list[int]]
    by_match: dict[Match, dict[str, list[int]]]


class Binder:
    """Binds the rows of one flow.

    Args:
        integration: name, the first part of every sync key.
        odoo: where records are searched.
        target: their model, and how its records are matched.
        state: knows which records are bound already.
        archivable: whether the model has the field `active`.
    """

    def __init__(self, integration: str, odoo: Odoo, target: Target, state: FlowState, *, archivable: bool) -> None:
        self._integration = integration
        self._odoo = odoo
        self._target = target
        self._state = state
        self._also = [_EVEN_ARCHIVED] if archivable else []
        self._adopted: set[int] = set()
        self._lock = Lock()

    def still_theirs(self, bound: Mapping[str, int], odoo: Mapping[int, Mapping[str, Any]]) -> dict[str, int]:
        """The bindings that hold: the record is there, and carries the row's sync key or its xmlid.

        After Odoo was restored from a backup an id may be another record's, which must not be overwritten.
        """
        there = {key: odoo_id for key, odoo_id in bound.items() if odoo_id in odoo}
        doubtful = {key: odoo_id for key, odoo_id in there.items() if odoo[odoo_id][SYNC_KEY_FIELD] != key}
        xmlids = self._xmlids(sorted(doubtful.values()))
        return {key: each for key, each in there.items() if key not in doubtful or xmlids.get(each) == xmlid(key)}

    def find(self, rows: Sequence[ResolvedRow], lost: Set[str] = frozenset()) -> Found:
        """Finds the records of rows that the state does not know, or whose record it has lost.

        Args:
            rows: that have no record.
            lost: sync keys of those that had one.
        """
        if not rows:
            return Found({}, {})
        searched = self._search(rows)
        ids, undecidable = _by_sync_key(searched.by_key)
        for key in lost - ids.keys() - undecidable.keys():
            self._refuse_merged(key, undecidable)
        for match in self._target.matches:
            open_rows = [row for row in rows if row.key not in ids and row.key not in undecidable]
            matched = self._by_match(match, open_rows, searched, undecidable)
            self._refuse_bound(open_rows, matched, undecidable)
            ids |= matched
        return Found(ids, undecidable)

    def ids_by_key(self, model: str, keys: Iterable[str]) -> dict[str, list[int]]:
        """All records with these sync keys: what tells which of several writes got through."""
        domain: list[Any] = [(SYNC_KEY_FIELD, "in", sorted(keys))]
        if model == self._target.model:
            domain = [*domain, *self._also]
        found: dict[str, list[int]] = defaultdict(list)
        for row in self._odoo.search_read(model, domain, [SYNC_KEY_FIELD]):
            found[row[SYNC_KEY_FIELD]].append(row["id"])
        return found

    def _search(self, rows: Sequence[ResolvedRow]) -> _Searched:
        """Sync keys and simple matches in one request; a match with conditions of its own is searched when needed."""
        terms = [[(SYNC_KEY_FIELD, "in", [row.key for row in rows])]]
        wanted = {match: _values(match, rows) for match in self._target.matches if not match.also}
        terms += [_unkeyed(match, values) for match, values in wanted.items() if values]
        names = list(dict.fromkeys([SYNC_KEY_FIELD, *(match.search for match in wanted)]))
        searched = _Searched({}, {match: {} for match in wanted})
        for record in self._odoo.search_read(self._target.model, [*self._also, *_any_of(terms)], names):
            if record[SYNC_KEY_FIELD]:
                searched.by_key.setdefault(record[SYNC_KEY_FIELD], []).append(record["id"])
                continue
            for match, found in searched.by_match.items():
                if value := record[match.search]:
                    found.setdefault(str(value), []).append(record["id"])
        return searched

    def _by_match(
        self,
        match: Match,
        rows: Sequence[ResolvedRow],
        searched: _Searched,
        undecidable: dict[str, RowRejectedError],
    ) -> dict[str, int]:
        ids: dict[str, int] = {}
        candidates = searched.by_match[match] if match in searched.by_match else self._candidates(match, rows)
        for row in rows:
            value = row.values.get(match.value) if row.row.entity == match.entity else None
            found = candidates.get(str(value), []) if value else []
            if len(found) > 1:
                undecidable[row.key] = _ambiguous(match.value, found)
            elif found and self._claim(found[0]):
                ids[row.key] = found[0]
        return ids

    def _candidates(self, match: Match, rows: Sequence[ResolvedRow]) -> dict[str, list[int]]:
        values = _values(match, rows)
        found: dict[str, list[int]] = defaultdict(list)
        if values:
            domain = [*_unkeyed(match, values), *match.also, *self._also]
            for record in self._odoo.search_read(self._target.model, domain, [match.search]):
                found[str(record[match.search])].append(record["id"])
        return found

    def _refuse_bound(
        self, rows: Sequence[ResolvedRow], ids: dict[str, int], undecidable: dict[str, RowRejectedError]
    ) -> None:
        """Two external records may not share one of Odoo's: who came first keeps it, as long as its xmlid proves it.

        Somebody may have cleared the key of a record that is bound. Where Odoo was replaced, the binding means nothing.
        """
        owners = self._state.owners(self._target.model, ids.values()) if ids else {}
        xmlids = self._xmlids(sorted(owners))
        for row in rows:
            owner = owners.get(ids.get(row.key, 0))
            if owner is None or owner == row.row.key:
                continue
            if xmlids[ids[row.key]] == xmlid(sync_key(self._integration, *owner)):
                reason = f"record {ids.pop(row.key)} of Odoo is bound to {owner[0]} '{owner[1]}' already"
                undecidable[row.key] = RowRejectedError(SYNC_KEY_FIELD, BOUND_ELSEWHERE, reason)

    def _refuse_merged(self, key: str, undecidable: dict[str, RowRejectedError]) -> None:
        """When contacts are merged, the vanished one's xmlid moves to the survivor, which `load` would then change."""
        odoo_id = record_of_xmlid(self._odoo, key)
        if odoo_id is not None:  # else the record was deleted, and is created again
            reason = f"its record was merged into record {odoo_id} of Odoo; merge them in the external system, too"
            undecidable[key] = RowRejectedError(SYNC_KEY_FIELD, MERGED, reason)

    def _xmlids(self, ids: Sequence[int]) -> dict[int, str]:
        if not ids:
            return {}
        found = self._odoo.call(self._target.model, "get_external_id", ids)
        return {int(odoo_id): str(name) for odoo_id, name in found.items()}

    def _claim(self, odoo_id: int) -> bool:
        """Takes a record for one row; a second row that matches it in this run is a new record."""
        with self._lock:
            if odoo_id in self._adopted:
                return False
            self._adopted.add(odoo_id)
            return True


def _by_sync_key(found: Mapping[str, list[int]]) -> tuple[dict[str, int], dict[str, RowRejectedError]]:
    ids = {key: each[0] for key, each in found.items() if len(each) == 1}
    ambiguous = {key: _ambiguous(SYNC_KEY_FIELD, each) for key, each in found.items() if len(each) > 1}
    return ids, ambiguous


def _values(match: Match, rows: Iterable[ResolvedRow]) -> list[str]:
    values = (row.values.get(match.value) for row in rows if row.row.entity == match.entity)
    return sorted({str(value) for value in values if value})


def _unkeyed(match: Match, values: Sequence[str]) -> list[Condition]:
    return [(match.search, "in", values), (SYNC_KEY_FIELD, "=", False)]


def _any_of(terms: Sequence[Sequence[Condition]]) -> list[Condition | str]:
    """An Odoo domain that holds where all conditions of one of the terms do."""
    domain: list[Condition | str] = ["|"] * (len(terms) - 1)
    for term in terms:
        domain += ["&"] * (len(term) - 1)
        domain += term
    return domain


def _ambiguous(field: str, ids: Sequence[int]) -> RowRejectedError:
    found = f"{field}: {len(ids)} records of Odoo match (ids {sorted(ids)[:5]})"
    return RowRejectedError(field, AMBIGUOUS_MATCH, f"{found}; merge them, or clear the field on all but one")
