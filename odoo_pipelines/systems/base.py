"""The vocabulary in which an external system is described: streams, flows, targets and the rows between them.

A system is a package beside this module with a module `flows` that holds one `System` named SYSTEM. Everything else
(assets, bootstrap, doctor, the engine) is driven by that table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.outbound import OutboundFlow
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.targets import Target
from odoo_pipelines.systems.values import external_id

Value: TypeAlias = str | int | float | bool | list[str] | None
"""A mapped value: JSON types only. Dates are `YYYY-MM-DD`, datetimes `YYYY-MM-DD HH:MM:SS` in UTC, relations named."""


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
        untold: entities of lines of which the payload tells nothing: theirs are left alone, whatever `lines` says.
        state: name of the state to reach, for targets with a lifecycle.
        total: amount that the record must have in Odoo, as a decimal string.
        only_create: a stub row (a product named in a booking): it creates a missing record, changes none.
        only_existing: the row tells of a record that should not be (a payment that failed): it changes one that exists,
            creates none.
        warnings: values that were dropped, without the values.
        weight: how many extracted rows this one stands for, when equal ones were folded into it; 0 for one that only
            goes with another.
        former: external ids under which the record may be known from before, the likeliest first; which of the rows
            that claim one is given its record is decided by `Target.agreeing`.
        follows: entity whose record of this external id gives the fields in `Target.following` where Odoo has it, so
            that a refund of all gives back what came in; "" for none.
        hash: of values, lines and state; filled when the row is stored in a batch.
        seen_at: when the external system showed it, by our clock; None where that is not known.
        inside: id of the record whose payload carries this row, where that is not the record's own; "" where it is.
        repeated: the record that it is inside of has said the same before, so it is no news.
        outdone: another row of the record in the same load counts more; this one changes and creates nothing.
    """

    entity: str
    external_id: str
    updated_at: datetime | None
    values: dict[str, Value]
    lines: tuple[MappedLine, ...] | None = None
    state: str | None = None
    total: str | None = None
    only_create: bool = False
    only_existing: bool = False
    warnings: tuple[str, ...] = ()
    weight: int = 1
    former: tuple[str, ...] = ()
    follows: str = ""
    untold: tuple[str, ...] = ()
    hash: str = ""
    seen_at: datetime | None = None
    inside: str = ""
    repeated: bool = False
    outdone: bool = False

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.entity, self.external_id

    @property
    def former_keys(self) -> tuple[Key, ...]:
        """The keys under which the record may be known from before."""
        return tuple((self.entity, each) for each in self.former)


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

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.entity, self.external_id


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """Choices of an integration that a mapping needs.

    Attributes:
        taxes: "none": lines carry no tax; "odoo": Odoo chooses; otherwise names of taxes for every line.
        journals: codes of Odoo's journals by payment method, gateway or "method/gateway".
    """

    taxes: Literal["none", "odoo"] | tuple[str, ...] = "none"
    journals: Mapping[str, str] = field(default_factory=dict)


def own_id(record: Mapping[str, Any]) -> str:
    """The field `id` of a record; raises UnreadableValueError."""
    return external_id(record.get("id"))


Mapper: TypeAlias = Callable[[Any, MappingOptions], Iterable[MappedRow]]
"""Maps one parsed payload; raises RowRejectedError."""

EventReader: TypeAlias = Callable[[Mapping[str, Any]], tuple[Key, ...]]
"""Tells which records an event's data name, the one that it is about first; none where no id can be read."""


@dataclass(frozen=True, slots=True)
class ById:
    """How records of a stream are fetched one by one, because records of other streams name them.

    Attributes:
        path: below which a record is found by its id, such as "/bookings".
        named_by: by stream, the function that tells which record a parsed payload names; None where it names none.
    """

    path: str
    named_by: Mapping[str, Callable[[Any], str | None]]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one endpoint of the external system yields.

    Attributes:
        name: such as "bookings"; the asset is external/<name>.
        path: of the list endpoint.
        payload: pydantic model of one record; it must have `id` and `updated_at`.
        id_of: gives the external id of a record as it came; raises UnreadableValueError where it has none.
        partitioned: by change time; otherwise every extraction takes all of it.
        windowed: the endpoint understands `updated_before`.
        by_id: how single records are fetched; None where nothing asks for them.
        description: one sentence for the catalogue.
    """

    name: str
    path: str
    payload: type[Any]
    partitioned: bool
    windowed: bool = True
    id_of: Callable[[Mapping[str, Any]], str] = own_id
    by_id: ById | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """Streams, through mappings, into one target.

    Attributes:
        name: such as "orders"; the asset is mapped/<name>.
        entity: kind of the records of its first stream.
        mappers: for each stream taken, the function that maps one of its payloads.
        target: where the rows go.
        after: flows that must be loaded first, because this one refers to their records.
        description: one sentence for the catalogue.
        load_name: last part of the load asset's key, which `System` fills in: the model's name; of a further flow into
            the same model, with the flow's own behind it.
    """

    name: str
    entity: str
    mappers: Mapping[str, Mapper]
    target: Target
    after: tuple[str, ...] = ()
    description: str = ""
    load_name: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """A kind of external software.

    Attributes:
        name: of its package.
        streams: by name, in the order in which they are extracted.
        flows: in the order in which they are loaded.
        outbound: flows out of Odoo, in the order in which they are sent.
        events: by type, how to read the webhook events that are understood; others are kept, and nothing is done.
        product_categories: created by `bootstrap`.
        probe: path of a cheap GET with which `doctor` tries reachability and credentials.
    """

    name: str
    streams: Mapping[str, Stream]
    flows: Sequence[Flow]
    outbound: tuple[OutboundFlow, ...] = ()
    events: Mapping[str, EventReader] = field(default_factory=dict)
    product_categories: tuple[str, ...] = ()
    probe: str = ""
    owners: tuple[str, ...] = field(default=("team:integrations",))

    def __post_init__(self) -> None:
        object.__setattr__(self, "flows", tuple(_with_load_names(self.flows)))

    @property
    def flow_names(self) -> tuple[str, ...]:
        """Names of all flows, in and out."""
        return (*(flow.name for flow in self.flows), *(flow.name for flow in self.outbound))

    def entity_of(self, stream: str) -> str:
        """Kind of a stream's records: that of the flow which takes it first of all; its own name where none does."""
        return next((flow.entity for flow in self.flows if next(iter(flow.mappers)) == stream), stream)


def _with_load_names(flows: Iterable[Flow]) -> Iterator[Flow]:
    """A flow keeps its name when another one into the same model is added behind it."""
    models: set[str] = set()
    for flow in flows:
        name = flow.target.asset_name
        yield replace(flow, load_name=f"{name}_{flow.name}" if name in models else name)
        models.add(name)
