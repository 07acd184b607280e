"""Finds records that were known under another key before, and gives each to the row that it belongs to.

Two rows may claim one former key: two payments of one transaction did when the transaction alone was the key. The
record goes to the row that agrees with it; another row's stays untouched, and that row is a new record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.destination import FORMER_DIFFERS, FoundFormer, known_former
from odoo_pipelines.engine.diff import is_newer
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, xmlid
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo
from odoo_pipelines.odoo.xmlids import xmlids_of
from odoo_pipelines.systems.records import Key, Record
from odoo_pipelines.systems.targets import Target


class FormerRecords:
    """Finds the former records of one flow's rows in one run; safe to use from several threads.

    Args:
        odoo: where they are searched.
        target: their model, and what tells whose they are.
        schema: of the model.
    """

    def __init__(self, odoo: Odoo, target: Target, schema: Schema) -> None:
        self._odoo = odoo
        self._model = target.model
        self._schema = schema
        self._agreeing = _server_names(schema, target.agreeing)
        self._confirming = _server_names(schema, target.confirming)
        self._claimed: set[int | Key] = set()
        self._lock = Lock()

    def claim(self, rows: Sequence[ResolvedRow], known: Mapping[Key, Record]) -> FoundFormer:
        """Gives rows their records; rows that find none are left out.

        Args:
            rows: that have no record under their own key.
            known: what the state knows under their former keys.
        """
        claims, rows = FoundFormer(), [row for row in rows if row.former]
        if not rows:
            return claims
        found = self._search(rows, known)
        there = {odoo["id"] for each in found.values() for odoo in each}
        doubtful: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            odoo = [each for key in row.former for each in found.get(key, ()) if self._same(row, each, self._agreeing)]
            confirmed = [each["id"] for each in odoo if self._same(row, each, self._confirming)]
            taken = next(filter(self._take, confirmed), None)
            if taken is not None:
                claims.ids[row.key] = taken
            elif odoo and not confirmed:
                doubtful[row.key] = odoo[0]
            elif record := self._gone(row, known, there):
                claims.gone[row.key] = record
        # Of those that another row agrees with no more is to be asked.
        asked = {key: odoo for key, odoo in doubtful.items() if odoo["id"] not in self._claimed}
        claims.undecidable = {key: self._differs(odoo) for key, odoo in asked.items()}
        return claims

    def is_superseded(self, row: ResolvedRow, known: Mapping[Key, Record]) -> bool:
        """Whether the state knows a newer version of the row's record, under a former key."""
        return any(
            is_newer(record.updated_at, row.row.updated_at) and self._said(row, record, self._agreeing)
            for record, _ in known_former(row, known)
        )

    def _search(self, rows: Sequence[ResolvedRow], known: Mapping[Key, Record]) -> dict[str, list[Mapping[str, Any]]]:
        """Records by the former key that they carry; where somebody has emptied that, by the xmlid that proves it."""
        keys = sorted({key for row in rows for key in row.former})
        ids = {record.odoo_id: key for row in rows for record, key in known_former(row, known)}
        domain: list[Any] = [(SYNC_KEY_FIELD, "in", keys)]
        if ids:
            domain = ["|", *domain, ("id", "in", sorted(ids))]
        names = [SYNC_KEY_FIELD, *self._agreeing, *self._confirming]
        found: dict[str, list[Mapping[str, Any]]] = {}
        unmarked = []
        for record in self._odoo.search_read(self._model, domain, names, context=EVEN_ARCHIVED):
            if record[SYNC_KEY_FIELD]:
                found.setdefault(record[SYNC_KEY_FIELD], []).append(record)
            else:
                unmarked.append(record)
        xmlids = xmlids_of(self._odoo, self._model, [record["id"] for record in unmarked])
        for record in unmarked:
            key = ids[record["id"]]
            if xmlids.get(record["id"]) == xmlid(key):
                found.setdefault(key, []).append(record)
        return found

    def _same(self, row: ResolvedRow, odoo: Mapping[str, Any], names: Iterable[str]) -> bool:
        return all(self._schema.canonical(name, odoo[name]) == row.values[name] for name in names if name in row.values)

    def _gone(self, row: ResolvedRow, known: Mapping[Key, Record], there: set[int]) -> Record | None:
        """What the state knows of the row's record, where Odoo has it no more."""
        for record, _ in known_former(row, known):
            agrees = self._said(row, record, [*self._agreeing, *self._confirming])
            if record.odoo_id not in there and agrees and self._take(record.key):
                return record
        return None

    def _said(self, row: ResolvedRow, record: Record, names: Iterable[str]) -> bool:
        """Whether the row says what the external system said last, as far as both carry it."""
        said = Base.of(record.base).agreed.values
        return all(said[name] == row.values[name] for name in names if name in said and name in row.values)

    def _take(self, place: int | Key) -> bool:
        """Takes a record for one row; a second one that agrees as well is a record of its own."""
        with self._lock:
            if place in self._claimed:
                return False
            self._claimed.add(place)
            return True

    def _differs(self, odoo: Mapping[str, Any]) -> RowRejectedError:
        names = " or ".join(self._confirming)
        reason = f"record {odoo['id']} of Odoo was known under the same former key, but differs in {names}; correct it"
        return RowRejectedError(SYNC_KEY_FIELD, FORMER_DIFFERS, reason)


def _server_names(schema: Schema, names: Iterable[str]) -> list[str]:
    return [name for each in names if (name := schema.server_name(each))]
