"""Finds the Odoo records that rows refer to: by the state, as far as Odoo proves it, else by their xmlid.

After contacts were merged the xmlid leads to the one that was kept; after Odoo was replaced, an id may be anybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, row_key, sync_key
from odoo_pipelines.engine.ports import FlowState
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo
from odoo_pipelines.odoo.xmlids import record_of_xmlid
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.targets import Target


class References:
    """Ids of the records that one flow's rows refer to; safe to use from several threads.

    Args:
        integration: name, the first part of every sync key.
        odoo: where the records are.
        state: knows which records are bound.
    """

    def __init__(self, integration: str, odoo: Odoo, state: FlowState) -> None:
        self._integration = integration
        self._odoo = odoo
        self._state = state
        self._keys: dict[tuple[str, int], str] = {}

    def ids(self, model: str, entity: str, external_ids: Iterable[str]) -> dict[str, int]:
        """Odoo ids by external id; those that are not in Odoo, or not any more, or in doubt, are missing."""
        certain = [each for each in external_ids if (entity, each) not in self._in_doubt]
        bound = {key: each.odoo_id for key, each in self._state.bindings(entity, certain).items()}
        self._read_keys(model, bound.values())
        proven: dict[str, int] = {}
        for external_id, odoo_id in bound.items():
            key = sync_key(self._integration, entity, external_id)
            holds = self._keys.get((model, odoo_id)) == key
            record = odoo_id if holds else record_of_xmlid(self._odoo, key)
            if record is not None:
                proven[external_id] = record
        return proven

    def values(
        self, model: str, entity: str, external_ids: Iterable[str], fields: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """Values of those records by external id, as Odoo holds them now."""
        ids = self.ids(model, entity, external_ids)
        rows = self._odoo.read(model, sorted(set(ids.values())), sorted(fields)) if ids else []
        by_id = {row["id"]: row for row in rows}
        return {external_id: by_id[odoo_id] for external_id, odoo_id in ids.items() if odoo_id in by_id}

    def own(
        self, target: Target, entity: str, external_ids: Iterable[str], fields: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """Values of bound records of a target by external id, of those that carry their sync key."""
        bound = {each: binding.odoo_id for each, binding in self._state.bindings(entity, external_ids).items()}
        names = sorted({*fields, SYNC_KEY_FIELD})
        rows = self._odoo.read(target.model, sorted(bound.values()), names) if bound else []
        by_id = {row["id"]: row for row in rows}
        found = {each: by_id[odoo_id] for each, odoo_id in bound.items() if odoo_id in by_id}
        keys = {each: row_key(self._integration, target, entity, each) for each in found}
        return {each: row for each, row in found.items() if row[SYNC_KEY_FIELD] == keys[each]}

    @cached_property
    def _in_doubt(self) -> Collection[Key]:
        """What refers to an id that was given to another record must not go to the former one."""
        return self._state.in_doubt()

    def _read_keys(self, model: str, ids: Iterable[int]) -> None:
        """Each record is asked for once in a run: one that goes meanwhile is refused by Odoo itself."""
        asked = sorted({odoo_id for odoo_id in ids if (model, odoo_id) not in self._keys})
        if asked:
            found = self._odoo.search_read(model, [("id", "in", asked)], [SYNC_KEY_FIELD], context=EVEN_ARCHIVED)
            self._keys.update({(model, row["id"]): str(row[SYNC_KEY_FIELD] or "") for row in found})
