"""Reads records and their lines for a whole chunk: one request each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.merge import server_names
from odoo_pipelines.engine.ports import Schemas
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.systems.targets import Target


class Reading:
    """Reads what the rows of one target are compared with."""

    def __init__(self, odoo: Odoo, target: Target, schemas: Schemas) -> None:
        self._odoo = odoo
        self._target = target
        self._always = {"write_date", *target.total_fields}
        self._always |= set(target.lifecycle.read) if target.lifecycle else set()
        self._always |= {target.inherits.parent, target.inherits.when[0]} if target.inherits else set()
        self._line_fields: list[str] = []
        if target.lines:
            schema = schemas(target.lines.model)
            names = [server_names(schema, target.lines.fields, only_on_create=each) for each in (True, False)]
            self._line_fields = sorted(names[0] | names[1] | {SYNC_KEY_FIELD, target.lines.parent, "write_date"})
            if target.lines.invoiced and schema.server_name(target.lines.invoiced):
                self._line_fields.append(target.lines.invoiced)

    def records(self, rows: Sequence[ResolvedRow], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Records by id, with all fields that any of the rows carries; those that are gone are missing."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        names = self._always.union(*(row.values for row in rows))
        return {row["id"]: row for row in self._odoo.read(self._target.model, wanted, sorted(names))}

    def lines(self, ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
        """Lines by the id of their record."""
        wanted = sorted(set(ids))
        lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
        if not wanted or self._target.lines is None:
            return lines
        parent = self._target.lines.parent
        for line in self._odoo.search_read(self._target.lines.model, [(parent, "in", wanted)], self._line_fields):
            lines[line[parent]].append(line)
        return lines
