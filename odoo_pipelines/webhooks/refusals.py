"""The ways in which a request is refused: status, what the sender reads, and the word under which it is counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from odoo_pipelines.stores.inbox_rows import MOST_WAITING_SYNCS, TOO_MANY


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way.

    Attributes:
        outcome: short and stable, for logs, metrics and the state.
        status: of HTTP.
        message: for the sender; tells nothing that an attacker could use.
        headers: besides the usual ones.
    """

    outcome: str
    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


_CLOSE = {"Connection": "close"}  # what is left of the body is not waited for
UNKNOWN_INTEGRATION = Refusal("unknown_integration", 404, "no such integration, or it is not active", _CLOSE)
UNKNOWN_FLOW = Refusal("unknown_flow", 404, "no such flow", _CLOSE)
TOO_LARGE = Refusal("too_large", 413, "the body is larger than 1 MiB", _CLOSE)
TOO_MANY_EVENTS = Refusal("too_many_events", 413, "the body holds more than 1,000 events; nothing of it is stored")
TOO_SLOW = Refusal("too_slow", 408, "the body did not come in time", _CLOSE)
ENCODED = Refusal(
    "encoded",
    415,
    "the body must not be compressed: send it as it was signed",
    {"Accept-Encoding": "identity", **_CLOSE},
)
NOT_SIGNED = Refusal("not_signed", 401, "signature missing or wrong, or its timestamp more than 300 s off")
UNSIGNED = replace(NOT_SIGNED, headers=_CLOSE)
"""The same, seen before the body is read."""
NO_TOKEN = Refusal("no_token", 401, "bearer token missing or wrong", {"WWW-Authenticate": "Bearer", **_CLOSE})
NOT_JSON = Refusal("not_json", 400, "the body is not a JSON object")
NO_EVENT_TYPE = Refusal("no_event_type", 400, "the body has no event type")
BAD_SYNC_REQUEST = Refusal("bad_sync_request", 400, "the body must name one of: mode, ids, window")
TOO_MANY_SYNCS = Refusal(
    TOO_MANY,
    429,
    f"{MOST_WAITING_SYNCS} manual syncs of this integration wait already; ask for several ids at once, or later",
    {"Retry-After": "60"},
)
TOO_BUSY = Refusal("too_busy", 503, "too much is coming in at once; send it again", {"Retry-After": "5", **_CLOSE})
UNAVAILABLE = Refusal("unavailable", 503, "it cannot be stored now; send it again", {"Retry-After": "5"})


class RefusedError(Exception):
    """A request is refused.

    Attributes:
        refusal: in which way.
        reason: more about it, for the log only.
    """

    def __init__(self, refusal: Refusal, reason: str = "") -> None:
        self.refusal = refusal
        self.reason = reason
        super().__init__(refusal.message)
