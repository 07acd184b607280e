"""The receiver's OpenAPI: what goes in and comes out, as people and generators of clients read it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from odoo_pipelines.webhooks.events import MOST_EVENTS
from odoo_pipelines.webhooks.manual import SyncRequest
from odoo_pipelines.webhooks.refusals import (
    BAD_SYNC_REQUEST,
    ENCODED,
    NO_EVENT_TYPE,
    NO_TOKEN,
    NOT_JSON,
    NOT_SIGNED,
    TOO_BUSY,
    TOO_LARGE,
    TOO_MANY_EVENTS,
    TOO_MANY_SYNCS,
    TOO_SLOW,
    UNAVAILABLE,
    UNKNOWN_FLOW,
    UNKNOWN_INTEGRATION,
    Refusal,
)

DESCRIPTION = """Takes webhooks and requests for manual syncs, and answers when they are stored durably.

Delivery is at least once: an event that comes again is answered with the same job id. Any other answer than 200 means
that nothing is promised: send the event again."""


class Accepted(BaseModel):
    """It is stored, and will be done."""

    status: Literal["accepted"] = "accepted"
    job_id: str


class AcceptedBatch(BaseModel):
    """All of it is stored, and will be done; ids are in the order of the events."""

    status: Literal["accepted"] = "accepted"
    job_ids: list[str]


class AcceptedSync(BaseModel):
    """It will be done; `repeated`: an equal one waited already, and has this job id."""

    status: Literal["accepted", "repeated"]
    job_id: str


class Refused(BaseModel):
    """It is not stored."""

    error: str


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The database answers."""

    status: Literal["ready"] = "ready"
    backlog: int
    oldest_pending_seconds: float


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **schema}}


def _path(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def _answers(*refusals: Refusal) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        known = answers.get(refusal.status, {}).get("description")
        description = f"{known}; or: {refusal.message}" if known else refusal.message
        answers[refusal.status] = {"model": Refused, "description": description}
    return answers


def _sync_schema() -> dict[str, Any]:
    """With the window in its place: references would lead out of the document."""
    schema = SyncRequest.model_json_schema()
    window = schema.pop("$defs")["Window"]
    return {**schema, "properties": {**schema["properties"], "window": window}}


WEBHOOK_ANSWERS = _answers(
    UNKNOWN_INTEGRATION,
    TOO_LARGE,
    TOO_MANY_EVENTS,
    ENCODED,
    TOO_SLOW,
    NOT_SIGNED,
    NOT_JSON,
    NO_EVENT_TYPE,
    TOO_BUSY,
    UNAVAILABLE,
)
SYNC_ANSWERS = _answers(
    NO_TOKEN,
    UNKNOWN_INTEGRATION,
    UNKNOWN_FLOW,
    TOO_LARGE,
    ENCODED,
    TOO_SLOW,
    NOT_JSON,
    BAD_SYNC_REQUEST,
    TOO_MANY_SYNCS,
    TOO_BUSY,
    UNAVAILABLE,
)
READY_ANSWERS = _answers(UNAVAILABLE)
METRICS_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "numbers as text", "content": {"text/plain": {"schema": {"type": "string"}}}}
}

_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "integer"]},
        "event_type": {"type": "string", "pattern": "^[a-z][a-z.]{0,98}[a-z]$"},
        "event": {"type": "string", "description": "older name of event_type", "pattern": "^[a-z][a-z.]{0,98}[a-z]$"},
        "occurred_at": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
    "anyOf": [{"required": ["event_type"]}, {"required": ["event"]}],
}
WEBHOOK: dict[str, Any] = {
    "parameters": [
        _path("integration_id", "The integration's name, or its number"),
        _header("X-Webhook-Timestamp", "Unix seconds", pattern="^[0-9]{1,11}$"),
        _header("X-Webhook-Signature", "Hex HMAC-SHA256 of timestamp and body, or several with commas between"),
        _header("webhook-id", "Standard Webhooks, instead of the two above"),
        _header("webhook-timestamp", "Standard Webhooks"),
        _header("webhook-signature", "Standard Webhooks"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        _EVENT,
                        {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MOST_EVENTS},
                        {
                            "type": "object",
                            "properties": {
                                "Events": {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MOST_EVENTS}
                            },
                            "required": ["Events"],
                        },
                    ]
                }
            }
        },
    },
}
SYNC: dict[str, Any] = {
    "parameters": [_path("integration", "The integration's name, or its number"), _path("flow", "Such as orders")],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _sync_schema()}},
    },
}
