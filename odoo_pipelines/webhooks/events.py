"""Webhook events: strict JSON, the envelope of the contract in all its forms, and the records that an event names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from odoo_pipelines.http.json_text import decoder, is_storable
from odoo_pipelines.stores.inbox_rows import BY_CONTENT, BY_ID, NewEvent
from odoo_pipelines.systems.base import EventReader
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.values import UnreadableValueError, external_id, utc_datetime
from odoo_pipelines.webhooks.refusals import NO_EVENT_TYPE, NOT_JSON, TOO_MANY_EVENTS, RefusedError

UNKNOWN_TYPE, NO_RECORD = "unknown_type", "no_record"
"""Why nothing is done for an event."""

MOST_EVENTS = 1_000
"""In one body."""

_BOM = b"\xef\xbb\xbf"
_BLANKS = " \t\r\n"
_MAY_BE_A_BATCH = re.compile(rb'[ \t\r\n]*(?:\[|\{.*"events")', re.IGNORECASE | re.DOTALL)
_LONGEST_TYPE = 100


class _Envelope(BaseModel):
    """What the contract says around the data; everything may be missing, and anything may be in it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: Any = None
    occurred_at: Any = None
    data: Any = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was read.

    Attributes:
        event_type: such as "booking.updated".
        event_id: the sender's; None where it tells none that can be used.
        occurred_at: UTC; None where it cannot be read.
        data: the record concerned, empty where `data` is no object; older installations, which have no `data` at all,
            put its fields beside the event's own.
    """

    event_type: str
    event_id: str | None
    occurred_at: datetime | None
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in one body.

    Attributes:
        events: one or more, in the order of coming.
        is_batch: they came as a list, even if as a list of one.
    """

    events: tuple[NewEvent, ...]
    is_batch: bool


def read_json(body: bytes) -> dict[str, Any]:
    """Reads a JSON object strictly: no key twice, no NaN, nothing but UTF-8.

    Raises:
        RefusedError: NOT_JSON.
    """
    content = _parse(body)
    if not isinstance(content, dict):
        raise RefusedError(NOT_JSON, "not an object")
    return content


def read_event(body: bytes) -> Event:
    """Reads an event.

    Raises:
        RefusedError: NOT_JSON or NO_EVENT_TYPE.
    """
    content = read_json(body)
    envelope = _Envelope.model_validate(content)
    event_type = _type_of(content)
    if event_type is None:
        raise RefusedError(NO_EVENT_TYPE)
    # Without `data` the fields are the record's: then `id` is the record's, too, and the same for all its events.
    nested = "data" in content
    event_id = _id(envelope.id) if nested else None
    data = envelope.data if nested else content
    return Event(event_type, event_id, _time(envelope.occurred_at), data if isinstance(data, dict) else {})


def new_events(
    integration: str,
    events: Mapping[str, EventReader],
    body: bytes,
    message_id: str | None = None,
    *,
    signed: bool = False,
) -> Delivery:
    """Reads an event, or a batch of them, into what the inbox stores; arguments are as for `new_event`.

    Raises:
        RefusedError: NOT_JSON, NO_EVENT_TYPE or TOO_MANY_EVENTS; of a batch with one bad event nothing is to be stored.
    """
    batch = _batch(body, events) if _MAY_BE_A_BATCH.match(body.removeprefix(_BOM)) else None
    if batch is None:
        return Delivery((new_event(integration, events, body, message_id, signed=signed),), is_batch=False)
    found: list[NewEvent] = []
    for index, text in enumerate(batch):
        own_id = None if message_id is None else f"{message_id}/{index}"
        try:
            found.append(new_event(integration, events, text.encode(), own_id, signed=signed))
        except RefusedError as error:
            message = f"event {index} of the batch, counted from 0: {error.refusal.message}; nothing of it is stored"
            raise RefusedError(replace(error.refusal, message=message), f"event {index}") from None
    return Delivery(_told_apart(found), is_batch=True)


def new_event(
    integration: str,
    events: Mapping[str, EventReader],
    body: bytes,
    message_id: str | None = None,
    *,
    signed: bool = False,
) -> NewEvent:
    """Reads an event into what the inbox stores.

    Args:
        integration: name.
        events: those that its system understands.
        body: as it came.
        message_id: of a signed header, where the body has no id of the event.
        signed: its signature was checked; without one it only says where to look.

    Raises:
        RefusedError: NOT_JSON or NO_EVENT_TYPE.
    """
    event = read_event(body)
    event_id = event.event_id or message_id
    reader = events.get(event.event_type)
    entity, identifier = _first(reader(event.data) if reader else ())
    state, reason = ("pending", "") if entity else ("dead", NO_RECORD) if reader else ("done", UNKNOWN_TYPE)
    return NewEvent(
        integration=integration,
        event_key=f"{BY_ID}{event_id}" if event_id else _content_key(body),
        event_type=event.event_type,
        body=body.removeprefix(_BOM).decode("utf-8"),
        entity=entity,
        external_id=identifier,
        occurred_at=event.occurred_at,
        state=state,
        reason=reason,
        signed=signed,
    )


def _batch(body: bytes, understood: Container[str]) -> list[str] | None:
    """The texts of a batch's events, as they came: of a list, or of {"Events": [...]}; None if it is one event.

    An event that is understood may well have a field of that name.

    Raises:
        RefusedError: NOT_JSON, NO_EVENT_TYPE or TOO_MANY_EVENTS.
    """
    content, text = _parse(body), body.removeprefix(_BOM).decode("utf-8")
    if isinstance(content, dict):
        named = [key for key, value in content.items() if key.casefold() == "events" and isinstance(value, list)]
        if not named or _type_of(content) in understood:
            return None
        if len(named) > 1:
            raise RefusedError(NOT_JSON, "events twice")
        content, start = content[named[0]], _value_at(text, named[0])
    else:
        start = _skip_blanks(text, 0)
    if not isinstance(content, list):
        return None
    if not content:
        raise RefusedError(NO_EVENT_TYPE, "empty batch")
    if len(content) > MOST_EVENTS:
        raise RefusedError(TOO_MANY_EVENTS)
    return list(_elements(text, start))


def _elements(text: str, start: int) -> Iterator[str]:
    """The texts of the elements of a list, in JSON that has been read already, so that nothing in them changes."""
    at = _skip_blanks(text, start + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _skip_blanks(text, end)
        if text[at] == ",":
            at = _skip_blanks(text, at + 1)


def _value_at(text: str, key: str) -> int:
    """Where the value of a key begins, in JSON of an object that has been read already."""
    at = _skip_blanks(text, _skip_blanks(text, 0) + 1)
    while True:
        found, end = _DECODER.raw_decode(text, at)
        value = _skip_blanks(text, _skip_blanks(text, end) + 1)  # after the colon
        if found == key:
            return value
        _, end = _DECODER.raw_decode(text, value)
        at = _skip_blanks(text, _skip_blanks(text, end) + 1)  # after the comma


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _told_apart(events: Iterable[NewEvent]) -> tuple[NewEvent, ...]:
    """The events, those with an id that another one of the batch has already known by their content instead."""
    bodies: dict[str, str] = {}
    return tuple(
        event
        if bodies.setdefault(event.event_key, event.body) == event.body
        else replace(event, event_key=_content_key(event.body.encode()))
        for event in events
    )


def _content_key(body: bytes) -> str:
    return BY_CONTENT + hashlib.sha256(body).hexdigest()


def _parse(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.removeprefix(_BOM).decode("utf-8"))
    except (ValueError, RecursionError):
        raise RefusedError(NOT_JSON) from None


def _first(named: tuple[Key, ...]) -> Key:
    return named[0] if named else ("", "")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        message = "a key occurs twice"
        raise ValueError(message)
    return content


_DECODER = decoder(_unique)


def _type_of(content: Mapping[str, Any]) -> str | None:
    return _event_type(content.get("event_type")) or _event_type(content.get("event"))


def _event_type(value: Any) -> str | None:
    fits = isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_TYPE and is_storable(value)
    return value.strip() if fits else None


def _id(value: Any) -> str | None:
    try:
        return external_id(value)
    except UnreadableValueError:
        return None


def _time(value: Any) -> datetime | None:
    try:
        return utc_datetime(value)
    except UnreadableValueError:
        return None
