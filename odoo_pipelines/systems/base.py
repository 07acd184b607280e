"""The vocabulary in which an external system is described: streams, flows, targets and the rows between them.

A system is a package beside this module with a module `flows` that holds one `System` named SYSTEM. Everything else
(assets, bootstrap, doctor, the engine) is driven by that table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from odoo_pipelines.errors import RowRejectedError

FieldType: TypeAlias = Literal[
    "char",
    "text",
    "html",
    "integer",
    "float",
    "monetary",
    "boolean",
    "date",
    "datetime",
    "selection",
    "many2one",
    "many2many",
]
Value: TypeAlias = str | int | float | bool | list[str] | None
"""A mapped value: JSON types only. Dates are `YYYY-MM-DD`, datetimes `YYYY-MM-DD HH:MM:SS` in UTC, relations named."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Reference data that Odoo has already: a mapped value is found by `field` in `model`.

    Attributes:
        model: model that is searched, such as "res.country".
        field: field that holds the mapped value, such as "code"; dotted paths are allowed ("currency_id.name").
        required: reject the row when nothing is found, instead of leaving the field out with a warning.
        cure: what a person has to do in Odoo when nothing is found.
        also: further conditions, as parts of an Odoo domain.
        none_for_company: path on res.company whose value needs no record: an order in the company's own currency
            needs no pricelist.
    """

    model: str
    field: str
    required: bool = False
    cure: str = ""
    also: tuple[tuple[str, str, Any], ...] = ()
    none_for_company: str = ""


@dataclass(frozen=True, slots=True)
class TargetField:
    """One field of an Odoo model that a mapping fills.

    Attributes:
        name: Odoo's name for it (of Odoo 19).
        type: Odoo's type.
        label: set for custom fields (x_...), which `bootstrap` creates under this label.
        indexed: ask for an index when `bootstrap` creates the field.
        references: entity whose external id the mapped value is; resolved through the state. With "*" the value names
            its entity itself, as "<entity>/<external id>".
        lookup: reference data in which the mapped value is found.
        language: the mapped value is a language tag, to be matched with an active res.lang.
        only_on_create: sent with a new record and never compared or written later.
        optional: silently left out where the server has no such field.
        personal: holds personal data, never shown outside the state.
        sources: columns that it is made of, as "stream.path", for the column lineage.
    """

    name: str
    type: FieldType
    label: str = ""
    indexed: bool = False
    references: str = ""
    lookup: Lookup | None = None
    language: bool = False
    only_on_create: bool = False
    optional: bool = False
    personal: bool = False
    sources: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether `bootstrap` creates this field."""
        return bool(self.label)


@dataclass(frozen=True, slots=True)
class LineTarget:
    """The one2many lines of a target, written with their own external ids.

    Attributes:
        field: the one2many of the parent, such as "order_line".
        model: the lines' model.
        parent: their many2one to the parent.
        fields: what a mapping fills.
        quantity: field that is set to 0 where a vanished line may not be deleted any more.
        rewritten_together: when one of the first is written, the others must go with it, or Odoo resets them.
        identity: fields whose mapped values belong to a line's identity, for Odoo does not let them change on a
            confirmed order: a room of another type is another line, and the old one is emptied.
    """

    field: str
    model: str
    parent: str
    fields: tuple[TargetField, ...]
    quantity: str
    rewritten_together: tuple[tuple[str, tuple[str, ...]], ...] = ()
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """How a record that is in Odoo already, and carries no sync key, is recognised and adopted.

    Attributes:
        entity: entity that it applies to.
        search: field of Odoo that is searched, such as "email_normalized".
        value: mapped field that holds the value searched for.
        also: further conditions, as parts of an Odoo domain.
    """

    entity: str
    search: str
    value: str
    also: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a record's life, taken by an action and never by writing the state.

    Attributes:
        source: states in which the step starts.
        target: state in which it ends.
        actions: methods called, in order, on lists of records.
        overwrites: fields that the actions set to something of their own, and that are therefore written again.
    """

    source: str
    target: str
    actions: tuple[str, ...]
    overwrites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The states of a target and the ways between them.

    Attributes:
        read: fields that tell the state.
        state_of: gives the state's name from those fields.
        transitions: all direct ways from state to state.
        frozen: states in which neither record nor lines are written.
        lines_kept: states in which lines may be emptied (quantity 0) but not deleted, and keep their product.
        fixed: fields that are never written in the states of `lines_kept` (Odoo refuses them).
        edited_in: states in which everything may be written, preferred on the way from one state to another.
        initial: state of a record that was just created.
    """

    read: tuple[str, ...]
    state_of: Callable[[Mapping[str, Any]], str]
    transitions: tuple[Transition, ...]
    frozen: tuple[str, ...] = ()
    lines_kept: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    edited_in: tuple[str, ...] = ()
    initial: str = "draft"


@dataclass(frozen=True, slots=True)
class Target:
    """An Odoo model as a flow writes it.

    Attributes:
        model: technical name.
        fields: what a mapping fills.
        lines: its one2many, if any.
        matches: how existing records are adopted, in order.
        lifecycle: its states, if the mapping sets them.
        total: field that holds the amount which the asset check compares with `MappedRow.total`.
        right: the group that gives the rights needed on it, as people find it in Odoo.
    """

    model: str
    fields: tuple[TargetField, ...]
    lines: LineTarget | None = None
    matches: tuple[Match, ...] = ()
    lifecycle: Lifecycle | None = None
    total: str = ""
    right: str = ""

    @property
    def asset_name(self) -> str:
        """The last part of the load asset's key."""
        return self.model.replace(".", "_")


@dataclass(frozen=True, slots=True)
class MappedLine:
    """One line of a mapped row.

    Attributes:
        entity: such as "booking_room".
        external_id: of the line, unique within its parent.
        values: by Odoo field name.
    """

    entity: str
    external_id: str
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class MappedRow:
    """What a mapping makes of one external record: the values that Odoo should have.

    A field that the payload did not carry is absent from `values` and is left alone in Odoo; None empties it.

    Attributes:
        entity: kind of external record, such as "guest".
        external_id: its id there, as a string.
        updated_at: when it was changed there, UTC; None where the payload does not tell.
        values: by Odoo field name.
        lines: None where the target has no lines, or the payload tells nothing of them: then they are left alone.
        state: name of the state to reach, for targets with a lifecycle.
        total: amount that the record must have in Odoo, as a decimal string.
        only_create: the row is second-hand (a product named in a booking): it creates a missing record, changes none.
        warnings: values that were dropped, without the values.
        weight: how many extracted rows this one stands for, when equal ones were folded into it.
        hash: of values, lines and state; filled when the row is stored in a batch.
    """

    entity: str
    external_id: str
    updated_at: datetime | None
    values: dict[str, Value]
    lines: tuple[MappedLine, ...] | None = None
    state: str | None = None
    total: str | None = None
    only_create: bool = False
    warnings: tuple[str, ...] = ()
    weight: int = 1
    hash: str = ""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be mapped.

    Attributes:
        entity: kind of external record.
        external_id: "" where not even that could be read.
        updated_at: as far as it could be read.
        error: field, code and reason.
        payload: the payload as it came, JSON text.
    """

    entity: str
    external_id: str
    updated_at: datetime | None
    error: RowRejectedError
    payload: str


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """Choices of an integration that a mapping needs.

    Attributes:
        taxes: "none": lines carry no tax; "odoo": Odoo chooses; otherwise names of taxes for every line.
    """

    taxes: Literal["none", "odoo"] | tuple[str, ...] = "none"


Mapper: TypeAlias = Callable[[Any, MappingOptions], Iterable[MappedRow]]
"""Maps one parsed payload; raises RowRejectedError."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What one endpoint of the external system yields.

    Attributes:
        name: such as "bookings"; the asset is external/<name>.
        path: of the list endpoint.
        payload: pydantic model of one record; it must have `id` and `updated_at`.
        partitioned: by change time; otherwise every extraction takes all of it.
        windowed: the endpoint understands `updated_before`.
        description: one sentence for the catalogue.
    """

    name: str
    path: str
    payload: type[Any]
    partitioned: bool
    windowed: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """Streams, through mappings, into one target.

    Attributes:
        name: such as "orders"; the asset is mapped/<name>.
        entity: the entity of a row that cannot be mapped.
        mappers: for each stream taken, the function that maps one of its payloads.
        target: where the rows go.
        after: flows that must be loaded first, because this one refers to their records.
        description: one sentence for the catalogue.
    """

    name: str
    entity: str
    mappers: Mapping[str, Mapper]
    target: Target
    after: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """A kind of external software.

    Attributes:
        name: of its package.
        streams: by name, in the order in which they are extracted.
        flows: in the order in which they are loaded.
        product_categories: created by `bootstrap`.
        probe: path of a cheap GET with which `doctor` tries reachability and credentials.
    """

    name: str
    streams: Mapping[str, Stream]
    flows: Sequence[Flow]
    product_categories: tuple[str, ...] = ()
    probe: str = ""
    owners: tuple[str, ...] = field(default=("team:integrations",))
