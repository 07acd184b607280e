"""What an answer means: statuses become errors, bodies become values without a change."""

from __future__ import annotations

import json
import math
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from odoo_pipelines.errors import (
    ExternalAuthenticationError,
    ExternalError,
    ExternalProtocolError,
    ExternalRequestError,
)
from odoo_pipelines.external.transport import Answer

_CURES = {
    HTTPStatus.UNAUTHORIZED: "Check API key and secret, and that the clock of this machine is right.",
    HTTPStatus.FORBIDDEN: "Give the API key the right to do this.",
    HTTPStatus.NOT_FOUND: "Check the URL of the external system, and that the record exists there.",
}
_SAID = 1_000
_OTHER_CURE = "The log of the external system tells what it objects to."

_LONG_DIGITS = re.compile(rb"\d{19}")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def checked(answer: Answer) -> Answer:
    """The answer, if it is a 2xx.

    Raises:
        ExternalAuthenticationError: 401 or 403.
        ExternalRequestError: another 4xx.
        ExternalProtocolError: a redirect, or a status that HTTP does not know.
    """
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    raise _error(answer)


def _error(answer: Answer) -> ExternalError:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return ExternalProtocolError(
            f"{answer.place} answered {answer.status}, which leads {_origin(answer.location)}. Credentials are never "
            "sent on: set the URL of the external system to where it really is.",
            status=answer.status,
        )
    refused = answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    kind = ExternalAuthenticationError if refused else ExternalRequestError
    cure = next((text for status, text in _CURES.items() if status == answer.status), _OTHER_CURE)
    message = f"{answer.place} was refused with {answer.status}. {cure}"
    return kind(message, status=answer.status, reason=_said(answer))


def _said(answer: Answer) -> str:
    """The server's own message: the contract's `error`, else the beginning of whatever it sent."""
    text = answer.body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text[:_SAID]
    said = told.get("error") if isinstance(told, dict) else None
    return said[:_SAID] if isinstance(said, str) else text[:_SAID]


def _origin(location: str) -> str:
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "elsewhere"
    return f"to {parts.scheme}://{parts.hostname}{port}" if parts.scheme and parts.hostname else "elsewhere"


def read_json(answer: Answer) -> Any:
    """The value of a JSON body. Of equal keys in one object the last counts.

    Raises:
        ExternalProtocolError: the body is not JSON; NaN and infinite numbers are not.
    """
    try:
        return _fast(answer.body) if _is_plain(answer.body) else _exact(answer.body)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise ExternalProtocolError(
            f"{answer.place} answered {answer.status} with {len(answer.body)} bytes that are not valid JSON{where}. "
            "Check that the URL is that of the API, and that it sends no NaN or Infinity for numbers.",
            status=answer.status,
        ) from None


def storable(rows: list[Any], answer: Answer) -> list[Any]:
    """The rows of an answer, with JSON text in place of one with half a surrogate pair, which no UTF-8 can hold.

    Such a text is rejected later, as every row that is no object; without this, one bad row would stop all others.
    """
    return [_storable(row) for row in rows] if _ESCAPED_SURROGATE.search(answer.body) else rows


def _storable(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return value


def _is_plain(body: bytes) -> bool:
    return not _LONG_DIGITS.search(body) and not _ESCAPED_SURROGATE.search(body)


def _fast(body: bytes) -> Any:
    return orjson.loads(body)


def _exact(body: bytes) -> Any:
    # orjson turns integers beyond 64 bits into floats without a word, and refuses a page for half a surrogate pair.
    return json.loads(body.decode(), parse_constant=_refuse, parse_float=_finite)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(number)
    return value
