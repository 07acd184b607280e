"""Manual syncs over HTTP: who may ask, and for what."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    model_validator,
)

from odoo_pipelines.stores.inbox_rows import BY_REQUEST, NewEvent
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.values import external_id
from odoo_pipelines.webhooks.events import read_json
from odoo_pipelines.webhooks.refusals import BAD_SYNC_REQUEST, NO_TOKEN, UNKNOWN_FLOW, RefusedError
from odoo_pipelines.webhooks.signatures import RawHeaders

SYNC = "sync"
"""The event type of manual syncs."""

_BEARER = re.compile(rb"Bearer +([^\s]+) *", re.IGNORECASE)
_MOST_IDS = 500


class Window(BaseModel):
    """A time of change: everything that was changed in it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.since >= self.until:
            message = "since must be before until"
            raise ValueError(message)
        return self


class SyncRequest(BaseModel):
    """What a manual sync is to look at: exactly one of the three.

    Attributes:
        mode: delta: what has changed; full: everything, compared with Odoo.
        ids: of records in the external system.
        window: what was changed in a time.
    """

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    mode: Literal["delta", "full"] | None = None
    ids: list[Annotated[str, PlainValidator(external_id, json_schema_input_type=str | int)]] | None = Field(
        default=None, min_length=1, max_length=_MOST_IDS
    )
    window: Window | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> SyncRequest:
        if sum(each is not None for each in (self.mode, self.ids, self.window)) != 1:
            message = "exactly one of mode, ids and window"
            raise ValueError(message)
        return self


def check_token(headers: RawHeaders, token: SecretStr | None) -> None:
    """Checks the bearer token.

    Raises:
        RefusedError: NO_TOKEN: it is missing or wrong, or none is configured.
    """
    written = [value for name, value in headers if name == b"authorization"]
    match = _BEARER.fullmatch(written[0]) if len(written) == 1 else None
    if token is None or match is None:
        raise RefusedError(NO_TOKEN, "none configured" if token is None else "missing")
    if not hmac.compare_digest(match[1], token.get_secret_value().encode()):
        raise RefusedError(NO_TOKEN, "wrong")


def check_flow(system: System, flow: str) -> None:
    """Checks that a flow exists, into Odoo or out of it.

    Raises:
        RefusedError: UNKNOWN_FLOW.
    """
    if flow not in {each.name for each in system.flows} | {each.name for each in system.outbound}:
        raise RefusedError(UNKNOWN_FLOW)


def new_sync(integration: str, flow: str, body: bytes) -> NewEvent:
    """Reads the body into what the inbox stores: requests for the same have keys that differ in their ends only.

    Raises:
        RefusedError: NOT_JSON or BAD_SYNC_REQUEST.
    """
    content = read_json(body)
    try:
        wanted = SyncRequest.model_validate(content)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"][:1])) for each in error.errors(include_url=False)})
        raise RefusedError(
            BAD_SYNC_REQUEST, ", ".join(place for place in places if place in SyncRequest.model_fields)
        ) from None
    kept = wanted.model_dump_json(exclude_none=True)
    asked_for = hashlib.sha256(_same_for_all(wanted).encode()).hexdigest()
    return NewEvent(integration, f"{BY_REQUEST}{asked_for}:{uuid4().hex}", SYNC, kept, flow=flow)


def _same_for_all(wanted: SyncRequest) -> str:
    """What is asked for: in any order of ids, in any time zone."""
    if wanted.ids is not None:
        return json.dumps(sorted(set(wanted.ids)))
    if wanted.window is not None:
        return json.dumps([each.astimezone(UTC).isoformat() for each in (wanted.window.since, wanted.window.until)])
    return json.dumps(wanted.mode)
