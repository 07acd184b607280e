"""How an external system is told of what is in Odoo: which records, whose they are, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

OdooRow: TypeAlias = Mapping[str, Any]
"""A record as it was read: values by field, those of related records by path ("journal_id.type"); and its `id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundFlow:
    """Something that the external system is told of.

    Attributes:
        name: such as "payments_out"; the asset is external/<name>.
        source: such as "payments"; the asset odoo/<source> reads it out of Odoo.
        entity: kind of external record that it is about.
        description: one sentence for the catalogue.
    """

    name: str
    source: str
    entity: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """The record that says to which integration another one belongs, as an order does of a payment.

    Attributes:
        entity: kind of external record that it is bound to, such as "booking".
        named_by: field of the other record that holds the external id.
        model: such as "sale.order".
        external_id: field of the model that holds the same id; integrations may use one id for different records.
        alike: path that both records have, which tells several owners apart.
        agreeing: fields that must be the same on both.
    """

    entity: str
    named_by: str
    model: str
    external_id: str
    alike: str
    agreeing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One record, as it is posted.

    Attributes:
        key: by which the external system will know it, such as the transaction id.
        collection: path of the endpoint's first part, such as "/bookings".
        segments: the rest of the path, not quoted.
        body: JSON types.
    """

    key: str
    collection: str
    segments: tuple[str, ...]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedFlow(OutboundFlow):
    """Records of a model, each of which is posted exactly once and then marked.

    Attributes:
        model: such as "account.payment".
        domain: of the records that are still to be told of; a marked one does not match.
        sent: domain of those that are to be told of or were, marked ones, too.
        fields: that are read; "journal_id.type" reads a field of the related record.
        key: field that will be the key in the external system.
        owner: what says whose a record is.
        message: makes what is posted; raises RowRejectedError.
        is_same: whether a record of the external system is the one that a message made.
        stream: in which the external system lists such records.
        key_of: the key of a record of that stream; "" where it has none.
        marks: values to write to a record that was posted, without its sync key.
        marked_in: field in which a record keeps the key under which the external system has it.
        sync_parts: parts of the sync key that a record gets when it was posted, entity first.
    """

    model: str
    domain: tuple[tuple[str, str, Any], ...]
    sent: tuple[tuple[str, str, Any], ...]
    fields: tuple[str, ...]
    key: str
    owner: Owner
    message: Callable[[OdooRow], Message]
    is_same: Callable[[Message, Any], bool]
    stream: str
    key_of: Callable[[Any], str]
    marks: Callable[[OdooRow], Mapping[str, Any]]
    marked_in: str
    sync_parts: Callable[[OdooRow], tuple[str, ...]]
