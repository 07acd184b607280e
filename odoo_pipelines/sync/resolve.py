"""Turns mapped values, which name things, into the values that Odoo holds: ids, casts, sync keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD, sync_key
from odoo_pipelines.sync.ports import Schema, Schemas
from odoo_pipelines.sync.reference_data import Candidates, ReferenceData
from odoo_pipelines.sync.references import References
from odoo_pipelines.systems.base import MappedLine, MappedRow, Value
from odoo_pipelines.systems.targets import Lookup, Target, TargetField

MISSING_REFERENCE = "missing_reference"


@dataclass(frozen=True, slots=True)
class ResolvedLine:
    """A line with the values that Odoo should hold, by the server's field names; the sync key is one of them."""

    key: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ResolvedRow:
    """A row with the values that Odoo should hold, by the server's field names.

    Attributes:
        row: what it was made of.
        key: its sync key, which is also among the values.
        values: as Odoo will print them.
        lines: None where they are left alone.
        warnings: those of the mapping and those of values that Odoo has no place for.
        as_good: values by field that Odoo may have instead, such as another pricelist in the same currency.
    """

    row: MappedRow
    key: str
    values: dict[str, Any]
    lines: tuple[ResolvedLine, ...] | None
    warnings: tuple[str, ...]
    as_good: Mapping[str, Candidates]


@dataclass(slots=True)
class _Names:
    """Everything that the rows of a chunk name, so that each kind is looked up once."""

    references: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    lookups: dict[Lookup, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class _Slot:
    """A field that the server has.

    Attributes:
        field: of the target.
        name: the server's.
        related_model: that its references are of.
    """

    field: TargetField
    name: str
    related_model: str

    @property
    def is_plain(self) -> bool:
        """Whether its values name nothing that has to be found first."""
        return not (self.field.references or self.field.lookup or self.field.language)


class _Slots:
    """The fields of a model, arranged so that each row costs little."""

    def __init__(self, schema: Schema, fields: Iterable[TargetField]) -> None:
        known = [(each, schema.server_name(each.name)) for each in fields]
        slots = [_Slot(each, name, schema.relation(name) if each.references else "") for each, name in known if name]
        self.all = [
            (slot.field.name, slot.name, None if slot.is_plain else slot.field, schema.caster(slot.name))
            for slot in slots
        ]
        self.named = [slot for slot in slots if slot.field.references or slot.field.lookup]
        self.choices = [slot.field for slot in slots if slot.field.lookup and slot.field.type == "many2one"]


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
        self._header = _Slots(schemas(target.model), target.fields)
        self._line = _Slots(schemas(target.lines.model), target.lines.fields) if target.lines else None

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
        known = self._look_up(rows)
        resolved, rejected = [], []
        for row in rows:
            try:
                resolved.append(self._resolve_row(row, known))
            except RowRejectedError as error:
                rejected.append((row, error))
        return resolved, rejected

    def _look_up(self, rows: Sequence[MappedRow]) -> _Known:
        names = _Names()
        for row in rows:
            _collect(names, self._header, row.values)
            if self._line:
                for line in row.lines or ():
                    _collect(names, self._line, line.values)
        return _Known(
            references={
                entity: self._references.ids(model, entity, ids) for (model, entity), ids in names.references.items()
            },
            lookups={
                lookup: self._reference_data.candidates(lookup, values) for lookup, values in names.lookups.items()
            },
        )

    def _resolve_row(self, row: MappedRow, known: _Known) -> ResolvedRow:
        key = sync_key(self._integration, row.entity, row.external_id)
        warnings = list(row.warnings)
        values = self._resolve_values(self._header, row.values, known, warnings)
        values[SYNC_KEY_FIELD] = key
        lines = (
            None if row.lines is None else tuple(self._resolve_line(row, line, known, warnings) for line in row.lines)
        )
        return ResolvedRow(row, key, values, lines, tuple(warnings), self._as_good(row, known))

    def _as_good(self, row: MappedRow, known: _Known) -> dict[str, Candidates]:
        return {
            each.name: known.lookups[each.lookup][str(value)]
            for each in self._header.choices
            if each.lookup and (value := row.values.get(each.name)) is not None
        }

    def _resolve_line(self, row: MappedRow, line: MappedLine, known: _Known, warnings: list[str]) -> ResolvedLine:
        if self._target.lines is None or self._line is None:
            message = f"{self._target.model} takes no lines"
            raise TypeError(message)
        identity = [str(line.values.get(name)) for name in self._target.lines.identity]
        key = sync_key(self._integration, line.entity, row.external_id, line.external_id, *identity)
        values = self._resolve_values(self._line, line.values, known, warnings)
        return ResolvedLine(key, {**values, SYNC_KEY_FIELD: key})

    def _resolve_values(
        self, slots: _Slots, values: Mapping[str, Value], known: _Known, warnings: list[str]
    ) -> dict[str, Any]:
        resolved: dict[str, Any] = {}
        for mapped_name, name, to_find, cast in slots.all:
            if mapped_name not in values:
                continue
            value: Any = values[mapped_name]
            if to_find is not None and value is not None:
                value, warning = self._find(to_find, value, known)
                if warning:
                    warnings.append(warning)
                    continue
            resolved[name] = cast(value)
        return resolved

    def _find(self, each: TargetField, value: Value, known: _Known) -> tuple[Any, str]:
        """What a value names in Odoo and "", or None and the warning with which the field is left alone."""
        if each.references:
            return known.reference(each, str(value)), ""
        if each.lookup and isinstance(value, list):
            return [known.looked_up(each, name, each.lookup) for name in value], ""
        if each.lookup:
            found = known.looked_up(each, str(value), each.lookup)
            return found or None, "" if found is not None else f"{each.name}: unknown to Odoo"
        language = self._reference_data.language(str(value))
        return language, "" if language else f"{each.name}: no such language is active in Odoo"


@dataclass(frozen=True, slots=True)
class _Known:
    references: Mapping[str, Mapping[str, int]]
    lookups: Mapping[Lookup, Mapping[str, Candidates]]

    def reference(self, each: TargetField, value: str) -> int:
        entity, external_id = _reference(each, value)
        found = self.references[entity].get(external_id)
        if found is None:
            reason = f"{each.name}: {entity} '{external_id}' is not in Odoo; it was rejected, or not extracted yet"
            raise RowRejectedError(each.name, MISSING_REFERENCE, reason)
        return found

    def looked_up(self, each: TargetField, value: str, lookup: Lookup) -> int | bool | None:
        """The id, False where none is needed, None where Odoo has nothing of this name and the row can do without."""
        found = self.lookups[lookup][value]
        if not found and lookup.required:
            reason = f"{each.name}: Odoo has no {lookup.model} with {lookup.field} '{value}'"
            raise RowRejectedError(each.name, "unknown_to_odoo", f"{reason}; {lookup.cure}" if lookup.cure else reason)
        return found[0] if found else None


def _reference(each: TargetField, value: str) -> tuple[str, str]:
    """Entity and external id; where a field may refer to several entities the value names its own."""
    if each.references != "*":
        return each.references, value
    entity, _, external_id = value.partition("/")
    return entity, external_id


def _collect(names: _Names, slots: _Slots, values: Mapping[str, Value]) -> None:
    for slot in slots.named:
        value = values.get(slot.field.name)
        if value is None:
            continue
        if slot.field.references:
            entity, external_id = _reference(slot.field, str(value))
            names.references[slot.related_model, entity].add(external_id)
        elif slot.field.lookup:
            names.lookups[slot.field.lookup].update(value if isinstance(value, list) else [str(value)])
