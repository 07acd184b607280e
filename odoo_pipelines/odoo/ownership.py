"""Whether records are still as the pipelines have left them in Odoo: then a lock on them is the pipelines' own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, line_name
from odoo_pipelines.engine.lifecycle import always_writable_fields
from odoo_pipelines.engine.ports import Schema, Schemas
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.systems.records import Record
from odoo_pipelines.systems.targets import Target, TargetField


class Compared:
    """Compares records with what was agreed on, where no row tells what they should be.

    Args:
        odoo: where they are read.
        target: where they are.
        schemas: the server's fields.
    """

    def __init__(self, odoo: Odoo, target: Target, schemas: Schemas) -> None:
        self._odoo = odoo
        self._target = target
        self._schemas = schemas
        self._free = always_writable_fields(target)

    def still_ours(self, records: Mapping[int, Record], states: Mapping[int, str]) -> Set[int]:
        """Those that the pipelines have brought to their state, and that nobody has changed since.

        Args:
            records: what is known of them, by Odoo id.
            states: that they are in.
        """
        bases = {each: Base.of(record.base) for each, record in records.items()}
        ours = {each for each, base in bases.items() if self._is_agreed(base, states[each]) and not base.locked_in_odoo}
        header = self._read(sorted(ours))
        lines = self._read_lines(sorted(ours))
        return {each for each in ours if each in header and self._is_untouched(bases[each], header[each], lines[each])}

    def _is_agreed(self, base: Base, state: str) -> bool:
        equivalents = self._target.lifecycle.equivalents if self._target.lifecycle else {}
        return state in (base.agreed.state, equivalents.get(base.agreed.state or ""))

    def _read(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        names = self._compared(self._target.model, self._target.fields)
        return {row["id"]: row for row in self._odoo.read(self._target.model, ids, names)} if ids else {}

    def _read_lines(self, ids: Sequence[int]) -> dict[int, dict[str, dict[str, Any]]]:
        found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        target = self._target.lines
        if target is None or not ids:
            return found
        names = [*self._compared(target.model, target.fields), SYNC_KEY_FIELD, target.parent]
        for line in self._odoo.search_read(target.model, [(target.parent, "in", list(ids))], names):
            found[line[target.parent]][str(line[SYNC_KEY_FIELD] or "")] = line
        return found

    def _compared(self, model: str, fields: Sequence[TargetField]) -> list[str]:
        lines = f"{self._target.lines.field}." if self._target.lines and model == self._target.lines.model else ""
        wanted = (each.name for each in fields if not each.only_on_create and f"{lines}{each.name}" not in self._free)
        server = (self._schemas(model).server_name(name) for name in wanted)
        return [name for name in server if name is not None]

    def _is_untouched(self, base: Base, header: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]]) -> bool:
        schema, target = self._schemas(self._target.model), self._target.lines
        stored = _stored(schema, header, base.agreed.values)
        if not all(base.is_known_of_odoo(name, value) for name, value in stored.items()):
            return False
        if target is None:
            return True
        schema = self._schemas(target.model)
        return all(
            base.is_known_of_odoo(
                line_name(target.field, key), _stored(schema, lines[key], agreed) if key in lines else None
            )
            for key, agreed in base.agreed.lines.items()
        )


def _stored(schema: Schema, read: Mapping[str, Any], agreed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema.canonical(name, read[name]) for name in read.keys() & agreed.keys()}
