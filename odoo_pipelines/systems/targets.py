"""How a model of Odoo is described: its fields, its lines, its states, and how its records are recognised."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, TypeAlias

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


CompareTotal: TypeAlias = Literal["with_tax", "without_tax", "never"]
"""What of Odoo's amounts must be the external total."""

ANY_ENTITY = "*"
"""As `references`: the mapped value names the entity itself, as "<entity>/<external id>"."""

ANY_FIELD = "*"
"""As `Lookup.field`: the mapped value names the field itself, as "<field>/<value>"."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Reference data that Odoo has already: a mapped value is found by `field` in `model`.

    Attributes:
        model: model that is searched, such as "res.country".
        field: field that holds the mapped value, such as "code"; dotted paths are allowed ("currency_id.name"). With
            ANY_FIELD the value names the field itself, as "<field>/<value>".
        required: reject the row when nothing is found, instead of leaving the field out with a warning.
        fix: what a person has to do in Odoo when nothing is found.
        also: further conditions, as parts of an Odoo domain.
        none_for_company: path on res.company whose value needs no record: an order in the company's own currency
            needs no pricelist.
        preferred: further conditions of the records that are taken first where there are several.
        currency: the values are codes of currencies; one without a rate rejects the row.
    """

    model: str
    field: str
    required: bool = False
    fix: str = ""
    also: tuple[tuple[str, str, Any], ...] = ()
    none_for_company: str = ""
    preferred: tuple[tuple[str, str, Any], ...] = ()
    currency: bool = False


@dataclass(frozen=True, slots=True)
class RelatedValue:
    """A value that is read from the Odoo record of another external record, such as the partner of a booking's order.

    Attributes:
        entity: kind of that external record, whose external id the mapped value is.
        model: model of its Odoo record.
        field: that is read there.
        followed_by: names of mapped values of the row that are put behind the value, with " - " between them, as far as
            the row has them: the value is then a text.
    """

    entity: str
    model: str
    field: str
    followed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetField:
    """One field of an Odoo model that a mapping fills.

    Attributes:
        name: Odoo's name for it (of Odoo 19).
        type: Odoo's type.
        label: set for custom fields (x_...), which `bootstrap` creates under this label.
        indexed: ask for an index when `bootstrap` creates the field.
        references: entity whose external id the mapped value is; resolved through the state. With ANY_ENTITY the
            value names its entity itself, as "<entity>/<external id>".
        lookup: reference data in which the mapped value is found.
        borrowed: where the value is read from another record. Beside a lookup it is for values that name the entity,
            as "<entity>/<external id>"; all others are looked up.
        language: the mapped value is a language tag, to be matched with an active res.lang.
        only_on_create: sent with a new record and never compared or written later.
        watched: beside `only_on_create`: in a state in which nothing is written, a difference is asked about if the
            external side has moved.
        optional: silently left out where the server has no such field.
        required: Odoo refuses a record without it, although the field's definition does not say so.
        needed: a row cannot do without its value; any other value that does not fit Odoo's field is left out, with a
            warning.
        personal: holds personal data, never shown outside the state.
        sources: columns that it is made of, as "stream.path", for the column lineage.
    """

    name: str
    type: FieldType
    label: str = ""
    indexed: bool = False
    references: str = ""
    lookup: Lookup | None = None
    related: RelatedValue | None = None
    language: bool = False
    only_on_create: bool = False
    watched: bool = False
    optional: bool = False
    required: bool = False
    needed: bool = False
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
        invoiced: field that is not 0 once a line was invoiced: then nothing of its record is changed any more but what
            may always be written.
        rewritten_together: when one of the first is written, the others must go with it, or Odoo resets them.
        identity: fields whose mapped values belong to a line's identity, for Odoo does not let them change on a
            confirmed order: a room of another type is another line, and the old one is emptied.
        always_writable: fields that are written whatever the state of the record, as in `Lifecycle`.
    """

    field: str
    model: str
    parent: str
    fields: tuple[TargetField, ...]
    quantity: str
    rewritten_together: tuple[tuple[str, tuple[str, ...]], ...] = ()
    identity: tuple[str, ...] = ()
    invoiced: str = ""
    always_writable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Fields that Odoo copies from a parent record whenever that one changes, and that are therefore left to it.

    Attributes:
        parent: many2one to the parent.
        when: value of another field that makes a record such a child.
        fields: that are copied.
    """

    parent: str
    when: tuple[str, str]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """How a record without a sync key is known to be a row's, with certainty: its value is no other record's.

    Attributes:
        entity: entity that it applies to.
        search: field of Odoo that is searched, such as "name".
        value: mapped field that holds the value searched for.
        also: further conditions, as parts of an Odoo domain.
        agreeing: fields in which the record must have the row's value, or it is another one: after a restore from a
            backup Odoo gives names out again.
    """

    entity: str
    search: str
    value: str
    also: tuple[tuple[str, str, Any], ...] = ()
    agreeing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that a row and a record without a sync key have in common, which only proposes the record.

    Attributes:
        search: field of Odoo, such as "email_normalized".
        value: mapped field.
    """

    search: str
    value: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What a record must hold to be adopted without asking.

    Attributes:
        field: of Odoo.
        value: that it must have there.
        code: short and stable: what is said of one that has another.
    """

    field: str
    value: Any
    code: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which records without a sync key a row may be bound to, because people entered them before.

    A record is adopted without asking if one of the proposals and the name agree, it is not archived, meets the
    demands, and nobody else claims it.

    Attributes:
        entity: entity that it applies to.
        proposals: by which records are found.
        form: gives the form in which names are compared; None for a name that agrees with nothing.
        demands: on the record itself.
        used: parts of an Odoo domain, one of which holds where something else uses the record as its own.
        parent: many2one by which other records belong to it; one that has such is not adopted.
        name: field, of the mapping and of Odoo, that must agree.
    """

    entity: str
    proposals: tuple[Proposal, ...]
    form: Callable[[str], Hashable | None]
    demands: tuple[Demand, ...] = ()
    used: tuple[tuple[str, str, Any], ...] = ()
    parent: str = ""
    name: str = "name"


@dataclass(frozen=True, slots=True)
class Action:
    """A method that is called on lists of records.

    Attributes:
        method: public, of the target's model.
        arguments: by name; values that may be keys of a dictionary.
        context: added to the context of every call, likewise.
    """

    method: str
    arguments: tuple[tuple[str, Hashable], ...] = ()
    context: tuple[tuple[str, Hashable], ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """What is sent besides the ids."""
        return {**dict(self.arguments), **({"context": dict(self.context)} if self.context else {})}


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a record's life, taken by an action and never by writing the state.

    Attributes:
        source: states in which the step starts.
        target: state in which it ends.
        actions: called, in order, on lists of records.
        overwrites: fields that the actions set to something of their own, and that are therefore written again.
        allowed_when_invoiced: nothing in Odoo depends on the step: an invoiced record takes it, too.
    """

    source: str
    target: str
    actions: tuple[Action, ...]
    overwrites: tuple[str, ...] = ()
    allowed_when_invoiced: bool = False


@dataclass(frozen=True, slots=True)
class AutoLock:
    """A setting of Odoo by which it takes records on to a read-only state as soon as they get to another one.

    Attributes:
        group: that all users have while the setting is on.
        state: which the records would be in without it.
        becomes: the read-only state that they are in instead.
    """

    group: str
    state: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The states of a target and the ways between them.

    Attributes:
        read: fields that tell the state.
        state_of: gives the state's name from those fields.
        values_in: the values of those fields by state.
        transitions: all direct ways from state to state.
        read_only: states in which neither record nor lines are written. Where no step leads out of one, what differs
            is a conflict, for only a person can correct it in Odoo.
        always_writable: fields that are written in every state nevertheless, for nothing in Odoo hangs on them.
        lines_kept: states in which lines may be emptied (quantity 0) but not deleted, and keep their product.
        fixed: fields that are never written in the states of `lines_kept` (Odoo refuses them).
        edited_in: states in which everything may be written, preferred on the way from one state to another.
        initial: state of a record that was just created.
        auto_lock: a setting of Odoo that changes where the steps end.
        equivalents: states that Odoo itself takes records to, by the state for which they are as good.
    """

    read: tuple[str, ...]
    state_of: Callable[[Mapping[str, Any]], str]
    values_in: Mapping[str, Mapping[str, Any]]
    transitions: tuple[Transition, ...]
    read_only: tuple[str, ...] = ()
    always_writable: tuple[str, ...] = ()
    lines_kept: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    edited_in: tuple[str, ...] = ()
    initial: str = "draft"
    auto_lock: AutoLock | None = None
    equivalents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What Odoo must have made itself of our records, once they have come so far.

    Attributes:
        name: of the asset check.
        description: of it, in a sentence.
        field: that must be filled.
        where: of which records, as parts of an Odoo domain.
    """

    name: str
    description: str
    field: str
    where: tuple[tuple[str, str, Any], ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a record the one that it is: a row that differs in all of it is another one under the same id.

    Attributes:
        entity: entity that it applies to.
        fields: of Odoo. Those that are empty on a side tell nothing.
        needs: so many of the fields must be known on both sides.
        period: the fields that hold the first and the last day of a record, if it has such. Both must differ; where not
            all of `fields` are known the periods must not even overlap.
        parts: by field, what gives the parts of a value, one of which is enough to agree; None for a value that tells
            nothing. Other fields agree where they are equal.
    """

    entity: str
    fields: tuple[str, ...]
    needs: int
    period: tuple[()] | tuple[str, str] = ()
    parts: Mapping[str, Callable[[str], Iterable[Hashable] | None]] = field(default_factory=dict)


def _own_parts(entity: str, external_id: str) -> tuple[str, ...]:
    return entity, external_id


@dataclass(frozen=True, slots=True)
class Follower:
    """Records of another model that took a value of a record when they were made, and keep it.

    Attributes:
        model: of those records.
        key: their field that holds the record's external id.
        field: of both that holds the value.
        where: which of them, as parts of an Odoo domain.
        told: the warning, with what to do.
    """

    model: str
    key: str
    field: str
    where: tuple[tuple[str, str, Any], ...]
    told: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry that a record has in Odoo's books, which Odoo dates later where the record's own day is closed.

    Attributes:
        field: many2one to the entry.
        model: of the entry.
        day: field of the record that holds its day.
        entry_day: field of the entry that holds its own.
        state: in which a record has an entry.
        closed: fields of the company that hold the last closed day; the first list of which the server has any counts.
    """

    field: str
    model: str
    day: str
    entry_day: str
    state: str
    closed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """An Odoo model as a flow writes it.

    Attributes:
        model: technical name.
        fields: what a mapping fills.
        by_hand: custom fields that people fill in; `bootstrap` creates them, and no mapping touches them.
        lines: its one2many, if any.
        matches: how existing records are known for certain, in order.
        adoptions: which other existing records may be adopted.
        identities: what tells that an external id was given to another record; nothing is asked of other entities.
        lifecycle: its states, if the mapping sets them.
        inherits: fields that a record may have from its parent.
        total: field that holds the amount which must be `MappedRow.total`; "" where none is compared.
        untaxed_total: the same without taxes.
        total_currency: field that names their currency.
        total_void_in: states in which nobody owes the total.
        lines_total: adds up lines by the fields `lines_total_of`, for a dry run; None where only Odoo can tell.
        lines_total_of: fields of the lines.
        requires: what an asset check looks for.
        followers: who keeps a value that changes here.
        entry: what the record has in Odoo's books.
        right: the group that gives the rights needed on it, as people find it in Odoo.
        sync_parts: makes the parts of a sync key, entity first, of entity and external id.
        agreeing: fields in which a record that was known under a former key of a row must agree with it to be the row's
            and not another's; those that the row does not carry are not looked at.
        confirming: fields that must agree, too; where one differs only a human can tell.
        following: fields that a row has from the record which it follows.
    """

    model: str
    fields: tuple[TargetField, ...]
    by_hand: tuple[TargetField, ...] = ()
    lines: LineTarget | None = None
    matches: tuple[Match, ...] = ()
    adoptions: tuple[Adoption, ...] = ()
    identities: tuple[Identity, ...] = ()
    lifecycle: Lifecycle | None = None
    inherits: Inheritance | None = None
    total: str = ""
    untaxed_total: str = ""
    total_currency: str = ""
    total_void_in: tuple[str, ...] = ()
    lines_total: Callable[[Iterable[Mapping[str, Any]]], Decimal | None] | None = None
    lines_total_of: tuple[str, ...] = ()
    requires: Requirement | None = None
    followers: tuple[Follower, ...] = ()
    entry: Entry | None = None
    right: str = ""
    sync_parts: Callable[[str, str], tuple[str, ...]] = _own_parts
    agreeing: tuple[str, ...] = ()
    confirming: tuple[str, ...] = ()
    following: tuple[str, ...] = ()

    @property
    def total_fields(self) -> list[str]:
        """What is read of a record to compare its total."""
        return [each for each in (self.total, self.total_currency) if each and self.total]

    def comparing(self, totals: CompareTotal) -> Target:
        """The same target, of which the total is compared that an integration has chosen."""
        if totals == "with_tax" or not self.total:
            return self
        return replace(self, total=self.untaxed_total if totals == "without_tax" else "")

    @property
    def asset_name(self) -> str:
        """The last part of the load asset's key."""
        return self.model.replace(".", "_")
