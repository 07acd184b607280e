"""Models and fields, and what fields_get tells about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Selection = tuple[tuple[str, str], ...]

RELATIONAL = frozenset({"many2one", "one2many", "many2many"})
NUMERIC = frozenset({"integer", "float", "monetary"})
ZERO: Mapping[str, Any] = {"integer": 0, "float": 0.0, "monetary": 0.0}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model.

    Attributes:
        name: technical name.
        type: Odoo's type.
        string: label.
        required: the database refuses an empty value.
        readonly: what fields_get says; it stops nobody from writing.
        stored: kept in the row; otherwise computed when read.
        relation: model that a relation leads to.
        inverse: of a one2many, the many2one that points back.
        selection: keys and labels.
        any_value: a selection that takes values outside of its list.
        digits: (total, decimals) to which floats are rounded.
        via: many2one to the record that really holds the value (Odoo's _inherits).
        manual: made through ir.model.fields.
        default: value of new records.
    """

    name: str
    type: str
    string: str
    required: bool = False
    readonly: bool = False
    stored: bool = True
    relation: str = ""
    inverse: str = ""
    selection: Selection = ()
    any_value: bool = False
    digits: tuple[int, int] | None = None
    via: str = ""
    manual: bool = False
    default: Any = None

    @property
    def empty(self) -> Any:
        """What Odoo shows for no value."""
        return ZERO.get(self.type, False)

    def description(self) -> dict[str, Any]:
        """The field's part of fields_get."""
        described: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "string": self.string,
            "required": self.required,
            "readonly": self.readonly,
            "store": self.stored and not self.via,
            "searchable": True,
            "sortable": self.stored and self.type not in {"one2many", "many2many"},
            "manual": self.manual,
        }
        if self.relation:
            described |= {"relation": self.relation, "domain": [], "context": {}}
        if self.inverse:
            described["relation_field"] = self.inverse
        if self.type == "selection":
            described["selection"] = [list(pair) for pair in self.selection]
        if self.digits:
            described["digits"] = list(self.digits)
        if self.type == "monetary":
            described["currency_field"] = "currency_id"
        return described


@dataclass(slots=True)
class Model:
    """One model of the registry.

    Attributes:
        name: technical name.
        description: for people.
        order: default order of searches.
        fields: by name.
        label: field that display_name shows.
        delegate: many2one to the record whose fields this model shows as its own (Odoo's _inherits).
    """

    name: str
    description: str
    order: str
    fields: dict[str, Field]
    label: str = "name"
    delegate: str = ""
    archivable: bool = field(init=False)

    def __post_init__(self) -> None:
        self.archivable = "active" in self.fields

    def clone(self) -> Model:
        """A copy whose fields may be added to."""
        return replace(self, fields=dict(self.fields))


_MAGIC = (
    Field("id", "integer", "ID", readonly=True),
    Field("display_name", "char", "Display Name", readonly=True, stored=False),
    Field("create_uid", "many2one", "Created by", readonly=True, relation="res.users"),
    Field("create_date", "datetime", "Created on", readonly=True),
    Field("write_uid", "many2one", "Last Updated by", readonly=True, relation="res.users"),
    Field("write_date", "datetime", "Last Updated on", readonly=True),
)
MAGIC_NAMES = frozenset(field.name for field in _MAGIC)


def model(name: str, description: str, *fields: Field, order: str = "id", label: str = "name") -> Model:
    """A model with these fields and the ones that every model has."""
    return Model(name, description, order, {field.name: field for field in (*_MAGIC, *fields)}, label)


def delegating(child: Model, parent: Model, via: str) -> Model:
    """The child shows the parent's fields as its own; `via` is its many2one to the parent."""
    shown = {name: replace(field, via=via) for name, field in parent.fields.items() if name not in child.fields}
    return Model(child.name, child.description, child.order, child.fields | shown, child.label, via)


def registry(models: Iterable[Model]) -> dict[str, Model]:
    """Models by name, each of them a copy."""
    return {model.name: model.clone() for model in models}
