"""The faults: what networks, gateways and busy servers do to a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

Served: TypeAlias = Literal["never", "first", "late", "killed"]
"""Whether the server carries a request out: before the client learns of it, or after it has given up; or its process
is killed while it is about to."""
Seen: TypeAlias = Literal["answer", "reset", "refusal", "half", "reframed", "silence"] | bytes
"""What the client sees: the server's answer or half of it (reframed: with the length of the half announced), or
nothing, or another answer. After a refusal nobody listens until the proxy comes up again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls a request.

    Attributes:
        name: of the fault.
        served: what the server does.
        seen: what the client sees.
    """

    name: str
    served: Served
    seen: Seen = field(repr=False)

    def __str__(self) -> str:
        return self.name


def answer(status: HTTPStatus, content: Any, **headers: str) -> bytes:
    """An HTTP answer: JSON, or html if the content is a text."""
    html = isinstance(content, str)
    body = content.encode() if html else json.dumps(content).encode()
    told = {
        "Content-Type": "text/html; charset=utf-8" if html else "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


COULD_NOT_SERIALIZE = "could not serialize access due to concurrent update"
_NGINX = "<html><head><title>%s</title></head><body><center><h1>%s</h1></center><hr>nginx</body></html>"
_FAILED = {"name": "psycopg2.errors.SerializationFailure", "message": COULD_NOT_SERIALIZE + "\n"}
_FAILED_LOAD = {"type": "error", "record": 0, "rows": {"from": 0, "to": 0}, "message": COULD_NOT_SERIALIZE}
_INVALID_KEY = {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey"}
RETRY_AFTER = 7

NOTHING = Fault("nothing", "first", "answer")
"""For a strike that is about its effect only."""
REFUSED = Fault("connection refused", "never", "refusal")
RESET = Fault("reset before the request is read", "never", "reset")
LOST = Fault("reset after the server has committed", "first", "reset")
CUT = Fault("answer cut in the middle", "first", "half")
REFRAMED = Fault("answer cut in the middle, its length agrees", "first", "reframed")
SILENCE = Fault("no answer in time, the server was done", "first", "silence")
LATE = Fault("no answer in time, the server goes on", "late", "silence")
TOO_MANY = Fault("429", "never", answer(HTTPStatus.TOO_MANY_REQUESTS, {"error": "too many requests"}))
WAIT = Fault(
    "429 with Retry-After",
    "never",
    answer(HTTPStatus.TOO_MANY_REQUESTS, {"error": "too many requests"}, Retry_After=str(RETRY_AFTER)),
)
BAD_GATEWAY = Fault("502 of a proxy", "never", answer(HTTPStatus.BAD_GATEWAY, _NGINX % (("502 Bad Gateway",) * 2)))
SORRY_PAGE = Fault("200 with a web page of a proxy", "never", answer(HTTPStatus.OK, _NGINX % (("Back soon",) * 2)))
GATEWAY_TIMEOUT = Fault(
    "504 of a proxy, the server was done",
    "first",
    answer(HTTPStatus.GATEWAY_TIMEOUT, _NGINX % (("504 Gateway Time-out",) * 2)),
)
SERIALIZATION = Fault(
    "500, serialization failure",
    "never",
    answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, {**_FAILED, "arguments": [_FAILED["message"]], "context": {}, "debug": ""}
    ),
)
LOAD_CONFLICT = Fault(
    "load could not serialize",
    "never",
    answer(HTTPStatus.OK, {"ids": False, "messages": [_FAILED_LOAD], "nextrow": 0}),
)
REVOKED = Fault(
    "key revoked",
    "never",
    answer(
        HTTPStatus.UNAUTHORIZED,
        {**_INVALID_KEY, "arguments": ["Invalid apikey", 401], "context": {}, "debug": ""},
        WWW_Authenticate="Bearer",
    ),
)
WORKER_KILLED = Fault("worker killed", "killed", "answer")

PASSING = (REFUSED, RESET, LOST, CUT, REFRAMED, SORRY_PAGE, SILENCE, LATE, TOO_MANY, WAIT, BAD_GATEWAY, GATEWAY_TIMEOUT)
"""Faults of any server that the pipelines get over by themselves."""
