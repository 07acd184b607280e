"""Turns mapped values, which name things, into the values that Odoo holds: ids, casts, sync keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, row_key, sync_key
from odoo_pipelines.engine.ports import Schemas
from odoo_pipelines.engine.rows import Candidates, ResolvedLine, ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.lookups import Known, Names, Slots, related_source
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.references import References
from odoo_pipelines.systems.base import MappedLine, MappedRow, Value
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.targets import Lookup, Target, TargetField


class Resolver:
    """Resolves the rows of one flow.

    Args:
        integration: name, the first part of every sync key.
        target: what the rows are for.
        schemas: the server's fields.
        reference_data: shared by all flows of a run.
        references: knows the Odoo ids of records that rows refer to.
    """

    def __init__(
        self,
        *,
        integration: str,
        target: Target,
        schemas: Schemas,
        reference_data: ReferenceData,
        references: References,
    ) -> None:
        self._integration = integration
        self._target = target
        self._schemas = schemas
        self._reference_data = reference_data
        self._references = references
        self._own = schemas(target.model)
        self._header = Slots(schemas(target.model), target.fields)
        self._line = Slots(schemas(target.lines.model), target.lines.fields) if target.lines else None

    @property
    def missing_fields(self) -> list[str]:
        """Fields, as `model.field`, that the server lacks and that are therefore left out."""
        models = [(self._target.model, self._target.fields)]
        if self._target.lines:
            models.append((self._target.lines.model, self._target.lines.fields))
        return [
            f"{model}.{each.name}"
            for model, fields in models
            for each in fields
            if not each.optional and self._schemas(model).server_name(each.name) is None
        ]

    def resolve(self, rows: Sequence[MappedRow]) -> tuple[list[ResolvedRow], list[tuple[MappedRow, RowRejectedError]]]:
        """Returns the rows that can be written, and those that cannot, with the reason."""
        known, followed = self._look_up(rows), self._followed(rows)
        resolved, rejected = [], []
        for row in rows:
            try:
                resolved.append(self._resolve_row(row, known, followed.get(row.key, {})))
            except RowRejectedError as error:
                rejected.append((row, error))
        return resolved, rejected

    def _look_up(self, rows: Sequence[MappedRow]) -> Known:
        names = Names()
        for row in rows:
            names.collect(self._header, row.values)
            if self._line:
                for line in row.lines or ():
                    names.collect(self._line, line.values)
        return Known(
            references={
                entity: self._references.ids(model, entity, ids) for (model, entity), ids in names.references.items()
            },
            related_records={
                entity: self._references.values(model, entity, ids, names.fields[model, entity])
                for (model, entity), ids in names.related_records.items()
            },
            lookups={
                lookup: self._reference_data.candidates(lookup, values) for lookup, values in names.lookups.items()
            },
            without_rate=self._reference_data.currencies.without_rate() if names.currencies else {},
        )

    def _followed(self, rows: Sequence[MappedRow]) -> dict[Key, Mapping[str, Any]]:
        """By row, the values that it has from the record which it follows, as far as that is in Odoo."""
        followed: dict[Key, Mapping[str, Any]] = {}
        names = [name for each in self._target.following if (name := self._own.server_name(each))]
        for entity in sorted({row.follows for row in rows} - {""}):
            some = [row for row in rows if row.follows == entity]
            found = self._references.own(self._target, entity, [row.external_id for row in some], names)
            for row in some:
                values = found.get(row.external_id, {})
                followed[row.key] = {name: self._own.canonical(name, values[name]) for name in names if name in values}
        return followed

    def _resolve_row(self, row: MappedRow, known: Known, followed: Mapping[str, Any]) -> ResolvedRow:
        key, *former = (row_key(self._integration, self._target, *each) for each in (row.key, *row.former_keys))
        warnings = list(row.warnings)
        values = self._resolve_values(self._header, row.values, known, warnings)
        values |= followed
        values[SYNC_KEY_FIELD] = key
        lines = (
            None if row.lines is None else tuple(self._resolve_line(row, line, known, warnings) for line in row.lines)
        )
        untold = tuple(sync_key(self._integration, entity, "") for entity in row.untold)
        return ResolvedRow(
            row, key, values, lines, tuple(warnings), self._equivalents(row, known), tuple(former), untold
        )

    def _equivalents(self, row: MappedRow, known: Known) -> dict[str, Candidates]:
        return {
            each.name: known.lookups[each.lookup][str(value)]
            for each in self._header.choices
            if each.lookup and (value := row.values.get(each.name)) is not None and not related_source(each, value)
        }

    def _resolve_line(self, row: MappedRow, line: MappedLine, known: Known, warnings: list[str]) -> ResolvedLine:
        if self._target.lines is None or self._line is None:
            message = f"{self._target.model} takes no lines"
            raise TypeError(message)
        identity = [str(line.values.get(name)) for name in self._target.lines.identity]
        key = sync_key(self._integration, line.entity, row.external_id, line.external_id, *identity)
        values = self._resolve_values(self._line, line.values, known, warnings)
        return ResolvedLine(key, {**values, SYNC_KEY_FIELD: key})

    def _resolve_values(
        self, slots: Slots, values: Mapping[str, Value], known: Known, warnings: list[str]
    ) -> dict[str, Any]:
        resolved: dict[str, Any] = {}
        for mapped_name, name, to_find, cast, needed in slots.all:
            if mapped_name not in values:
                continue
            value: Any = values[mapped_name]
            if to_find is not None and value is not None:
                value, warning = self._find(to_find, value, known, values)
                if warning:
                    warnings.append(warning)
                    if value is None:
                        continue
            try:
                resolved[name] = cast(value)
            except RowRejectedError as error:
                if needed or value is None or to_find is not None:
                    raise
                warnings.append(f"{mapped_name}: {error.code}")
        return resolved

    def _find(self, each: TargetField, value: Value, known: Known, values: Mapping[str, Value]) -> tuple[Any, str]:
        """What a value names in Odoo, and a warning or ""; None with a warning leaves the field alone."""
        if each.references and isinstance(value, list):
            return [known.reference(each, name) for name in value], ""
        if each.references:
            return known.reference(each, str(value)), ""
        if lent := related_source(each, value):
            return known.related(each, lent, values), ""
        if each.lookup and isinstance(value, list):
            return _all_looked_up(each, each.lookup, value, known)
        if each.lookup:
            found = known.looked_up(each, str(value), each.lookup)
            return found or None, "" if found is not None else f"{each.name}: unknown to Odoo"
        language = self._reference_data.language(str(value))
        return language, "" if language else f"{each.name}: no such language is active in Odoo"


def _all_looked_up(each: TargetField, lookup: Lookup, names: Sequence[str], known: Known) -> tuple[Any, str]:
    """The ids of those that Odoo has; None where it has none of them, for an empty list would take all others away."""
    found = [known.looked_up(each, name, lookup) for name in names]
    lacking = [name for name, odoo_id in zip(names, found, strict=True) if not odoo_id]
    warning = f"{each.name}: {len(lacking)} of {len(names)} unknown to Odoo" if lacking else ""
    return [odoo_id for odoo_id in found if odoo_id] if len(lacking) < len(names) or not names else None, warning
