"""Webhook events: strict JSON, the envelope of the contract in all its forms, and the records that an event names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from odoo_pipelines.stores.inbox_rows import BY_CONTENT, BY_ID, NewEvent
from odoo_pipelines.systems.base import EventReader
from odoo_pipelines.systems.records import Key
from odoo_pipelines.systems.values import UnreadableValueError, external_id, is_storable, utc_datetime
from odoo_pipelines.webhooks.refusals import NO_EVENT_TYPE, NOT_JSON, RefusedError

UNKNOWN_TYPE, NO_RECORD = "unknown_type", "no_record"
"""Why nothing is done for an event."""

_BOM = b"\xef\xbb\xbf"
_LONGEST_TYPE = 100


class _Envelope(BaseModel):
    """What the contract says around the data; everything may be missing, and anything may be in it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: Any = None
    event_type: Any = None
    event: Any = None
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


def read_json(body: bytes) -> dict[str, Any]:
    """Reads a JSON object strictly: no key twice, no NaN, nothing but UTF-8.

    Raises:
        RefusedError: NOT_JSON.
    """
    try:
        text = body.removeprefix(_BOM).decode("utf-8")
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RefusedError(NOT_JSON) from None
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
    event_type = _event_type(envelope.event_type) or _event_type(envelope.event)
    if event_type is None:
        raise RefusedError(NO_EVENT_TYPE)
    # Without `data` the fields are the record's: then `id` is the record's, too, and the same for all its events.
    nested = "data" in content
    event_id = _id(envelope.id) if nested else None
    data = envelope.data if nested else content
    return Event(event_type, event_id, _time(envelope.occurred_at), data if isinstance(data, dict) else {})


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
        event_key=f"{BY_ID}{event_id}" if event_id else BY_CONTENT + hashlib.sha256(body).hexdigest(),
        event_type=event.event_type,
        body=body.removeprefix(_BOM).decode("utf-8"),
        entity=entity,
        external_id=identifier,
        occurred_at=event.occurred_at,
        state=state,
        reason=reason,
        signed=signed,
    )


def _first(named: tuple[Key, ...]) -> Key:
    return named[0] if named else ("", "")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        message = "a key occurs twice"
        raise ValueError(message)
    return content


def _no_constant(name: str) -> float:
    raise ValueError(name)


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
