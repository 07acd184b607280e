"""Finds the Odoo records that rows refer to: by the state; where contacts were merged, the one that was kept."""

from __future__ import annotations

from collections.abc import Iterable

from odoo_pipelines.sync.keys import sync_key
from odoo_pipelines.sync.ports import FlowState, Odoo
from odoo_pipelines.sync.xmlids import EVEN_ARCHIVED, record_of_xmlid


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
        self._seen: dict[str, set[int]] = {}

    def ids(self, model: str, entity: str, external_ids: Iterable[str]) -> dict[str, int]:
        """Odoo ids by external id; those that are not in Odoo, or not any more, are missing."""
        bound = {key: each.odoo_id for key, each in self._state.bindings(entity, external_ids).items()}
        there = self._there(model, set(bound.values()))
        kept = {key: each for key, each in bound.items() if each in there}
        for external_id in bound.keys() - kept.keys():
            heir = record_of_xmlid(self._odoo, sync_key(self._integration, entity, external_id))
            if heir is not None:
                kept[external_id] = heir
        return kept

    def _there(self, model: str, ids: set[int]) -> set[int]:
        """Those that exist. Each is asked for once in a run: one that goes meanwhile is refused by Odoo itself."""
        seen = self._seen.setdefault(model, set())
        if asked := sorted(ids - seen):
            found = self._odoo.search_read(model, [("id", "in", asked)], ["id"], context=EVEN_ARCHIVED)
            seen.update(row["id"] for row in found)
        return ids & seen
