"""What the rows of a chunk name, so that each kind is asked for once, and what was found. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from odoo_pipelines.engine.destination import MISSING_REFERENCE
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.engine.rows import Candidates
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import Value
from odoo_pipelines.systems.targets import ANY_ENTITY, ANY_FIELD, Lookup, RelatedValue, TargetField

Found = TypeVar("Found")

UNKNOWN_TO_ODOO = "unknown_to_odoo"

Kind: TypeAlias = tuple[str, str]
"""(model, entity) of records that rows refer to."""


@dataclass(frozen=True, slots=True)
class Slot:
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
        return not (self.names_something or self.field.language)

    @property
    def is_currency(self) -> bool:
        """Whether its values name currencies, or what has one."""
        return self.field.lookup is not None and self.field.lookup.currency

    @property
    def names_something(self) -> bool:
        """Whether its values name records."""
        return bool(self.field.references or self.field.lookup or self.field.related)


class Slots:
    """The fields of a model, arranged so that each row costs little."""

    def __init__(self, schema: Schema, fields: Iterable[TargetField]) -> None:
        known = [(each, schema.server_name(each.name)) for each in fields]
        slots = [Slot(each, name, schema.relation(name) if each.references else "") for each, name in known if name]
        casters = [schema.caster(slot.name, required=slot.field.required) for slot in slots]
        self.all = [
            (slot.field.name, slot.name, None if slot.is_plain else slot.field, caster, slot.field.needed)
            for slot, caster in zip(slots, casters, strict=True)
        ]
        self.named = [slot for slot in slots if slot.names_something]
        self.choices = [slot.field for slot in slots if slot.field.lookup and slot.field.type == "many2one"]


@dataclass(slots=True)
class Names:
    """Everything that the rows of a chunk name.

    Attributes:
        references: external ids of records whose Odoo id is wanted.
        related_records: external ids of records of which values are wanted.
        fields: that are wanted of them.
        lookups: values to be found in reference data.
        currencies: whether currencies are among them, or are borrowed.
    """

    references: dict[Kind, set[str]] = field(default_factory=lambda: defaultdict(set))
    related_records: dict[Kind, set[str]] = field(default_factory=lambda: defaultdict(set))
    fields: dict[Kind, set[str]] = field(default_factory=lambda: defaultdict(set))
    lookups: dict[Lookup, set[str]] = field(default_factory=lambda: defaultdict(set))
    currencies: bool = False

    def collect(self, slots: Slots, values: Mapping[str, Value]) -> None:
        """Takes in what the values of a row or a line name."""
        for slot in slots.named:
            value = values.get(slot.field.name)
            if value is None:
                continue
            self.currencies = self.currencies or slot.is_currency
            if slot.field.references:
                for name in value if isinstance(value, list) else [str(value)]:
                    entity, external_id = _reference(slot.field, name)
                    self.references[slot.related_model, entity].add(external_id)
            elif lent := related_source(slot.field, value):
                borrowed, external_id = lent
                self.related_records[borrowed.model, borrowed.entity].add(external_id)
                self.fields[borrowed.model, borrowed.entity].add(borrowed.field)
            elif slot.field.lookup:
                self.lookups[slot.field.lookup].update(value if isinstance(value, list) else [str(value)])


@dataclass(frozen=True, slots=True)
class Known:
    """What was found.

    Attributes:
        references: Odoo ids by entity and external id.
        related_records: values of records by entity and external id.
        lookups: Odoo ids by lookup and value.
        without_rate: codes of currencies that have none, by code and by id.
    """

    references: Mapping[str, Mapping[str, int]]
    related_records: Mapping[str, Mapping[str, Mapping[str, Any]]]
    lookups: Mapping[Lookup, Mapping[str, Candidates]]
    without_rate: Mapping[str | int, str] = field(default_factory=dict)

    def reference(self, each: TargetField, value: str) -> int:
        """The id of the record that a value refers to; raises RowRejectedError where it is not in Odoo."""
        entity, external_id = _reference(each, value)
        return _present(each, entity, external_id, self.references[entity].get(external_id))

    def related(self, each: TargetField, lent: tuple[RelatedValue, str], values: Mapping[str, Value]) -> Any:
        """The value of another record, in its text; raises RowRejectedError where that record is not in Odoo."""
        borrowed, external_id = lent
        record = _present(each, borrowed.entity, external_id, self.related_records[borrowed.entity].get(external_id))
        value = record[borrowed.field] or None
        if each.lookup:
            self._require_rate(each, value, each.lookup)
        if not borrowed.followed_by:
            return value
        return " - ".join(str(each) for each in (value, *map(values.get, borrowed.followed_by)) if each)

    def looked_up(self, each: TargetField, value: str, lookup: Lookup) -> int | bool | None:
        """The id, False where none is needed, None where Odoo has nothing of this name and the row can do without."""
        found = self.lookups[lookup][value]
        if not found and lookup.required:
            name, told = value.split("/", 1) if lookup.field == ANY_FIELD else (lookup.field, value)
            reason = f"{each.name}: Odoo has no {lookup.model} with {name} '{told}'"
            raise RowRejectedError(each.name, UNKNOWN_TO_ODOO, f"{reason}; {lookup.fix}" if lookup.fix else reason)
        if found:
            self._require_rate(each, value, lookup)
        return found[0] if found else None

    def _require_rate(self, each: TargetField, currency: Any, lookup: Lookup) -> None:
        if lookup.currency and currency in self.without_rate:
            code = self.without_rate[currency]
            reason = f"{each.name}: Odoo has no rate for {code}, and takes 1 {code} for 1 of the company's currency"
            raise RowRejectedError(each.name, UNKNOWN_TO_ODOO, f"{reason}; create a rate of the currency in Odoo")


def related_source(each: TargetField, value: Value) -> tuple[RelatedValue, str] | None:
    """From which record a value is borrowed; None where it is none that is borrowed."""
    if each.related is None:
        return None
    if each.lookup is None:
        return each.related, str(value)
    entity, slash, external_id = str(value).partition("/")
    return (each.related, external_id) if slash and entity == each.related.entity else None


def _present(each: TargetField, entity: str, external_id: str, found: Found | None) -> Found:
    if found is None:
        reason = f"{each.name}: {entity} '{external_id}' is not in Odoo, or may be another one's there: it was rejected"
        reason += ", waits for the answer to its conflict, or was not extracted yet"
        raise RowRejectedError(each.name, MISSING_REFERENCE, reason)
    return found


def _reference(each: TargetField, value: str) -> tuple[str, str]:
    """Entity and external id; where a field may refer to several entities the value names its own."""
    if each.references != ANY_ENTITY:
        return each.references, value
    entity, _, external_id = value.partition("/")
    return entity, external_id
