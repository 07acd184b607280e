"""What an answer means: statuses become errors, bodies become values without a change."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
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
from odoo_pipelines.http import json_text
from odoo_pipelines.http.json_text import read_json_text

_FIXES = {
    HTTPStatus.UNAUTHORIZED: "Check API key and secret, and that the clock of this machine is right.",
    HTTPStatus.FORBIDDEN: "Give the API key the right to do this.",
    HTTPStatus.NOT_FOUND: "Check the URL of the external system, and that the record exists there.",
}
_SAID = 1_000
_OTHER_FIX = "The log of the external system tells what it objects to."

_HTML = "text/html"
_CUT = -1
_CUT_CHARACTER, _CUT_TEXT, _BAD_ESCAPE = "unexpected end of data", "Unterminated string", "Invalid \\uXXXX escape"
"""Python's words for a character, a text and an escape that have no end."""
_CUT_FIX = "Look whether a proxy in between cuts answers off, and into the log of the external system for that time."
_PAGE_FIX = "Check that the URL is that of the API, and that no proxy or login page answers in its place."
_UNFINISHED_WORDS = "|".join(
    re.escape(word[:length])
    for word in ("true", "false", "null", "NaN", "Infinity", "-Infinity")
    for length in range(1, len(word))
)
_UNFINISHED = re.compile(rf"\s*(?:{_UNFINISHED_WORDS}|\.|[eE][+-]?)?")
"""What may be left of a body that was cut off, after all of it that can be read."""
_UNFINISHED_ESCAPE = re.compile(r"\\?u[0-9a-fA-F]{0,4}")

_LONG_DIGITS = re.compile(rb"\d{19}")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer.

    Attributes:
        place: method and URL without query, for error texts.
        status: HTTP status, never one that is worth a retry.
        body: raw, decompressed; of anything but a 2xx only the beginning.
        content_type: the Content-Type header, "" if absent.
        location: the Location header, "" if absent.
        server_time: the Date header, None if absent or unreadable.
        content: the JSON of a 2xx; None where there is none.
    """

    place: str
    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    location: str = field(default="", repr=False)
    server_time: datetime | None = None
    content: Any = field(default=None, repr=False)

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class LostBodyError(Exception):
    """The body of a 2xx was cut off, or is not what the server sent: asked again it may come whole.

    Attributes:
        status: HTTP status.
        reason: a verb phrase without anything of the body.
        fix: a sentence for a person, for when it never comes whole.
    """

    def __init__(self, status: int, what: str, fix: str) -> None:
        self.status = status
        self.reason = f"answered {status} with {what}"
        self.fix = fix
        super().__init__(self.reason)


def checked(answer: Answer) -> Answer:
    """The answer, if it is a 2xx.

    Raises:
        ExternalAuthenticationError: 401 or 403.
        ExternalRequestError: another 4xx.
        ExternalProtocolError: a redirect, or a status that HTTP does not know.
    """
    if answer.is_success:
        return answer
    raise _error(answer)


def is_absent(answer: Answer) -> bool:
    """Whether the external system says that it has no such record.

    Raises:
        ExternalProtocolError: the 404 is not in JSON, so it is that of something else, such as a proxy.
    """
    if answer.status != HTTPStatus.NOT_FOUND:
        return False
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise ExternalProtocolError(
            f"{answer.place} answered 404, but not with the JSON in which the API tells that it has no such record. "
            f"{_PAGE_FIX}",
            status=answer.status,
        )
    return True


def _error(answer: Answer) -> ExternalError:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return ExternalProtocolError(
            f"{answer.place} answered {answer.status}, which leads {_origin(answer.location)}. Credentials are never "
            "sent on: set the URL of the external system to where it really is.",
            status=answer.status,
        )
    refused = answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    kind = ExternalAuthenticationError if refused else ExternalRequestError
    fix = next((text for status, text in _FIXES.items() if status == answer.status), _OTHER_FIX)
    message = f"{answer.place} was refused with {answer.status}. {fix}"
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
        LostBodyError: the body is the beginning of JSON, perhaps an empty one, or a web page: something between here
            and the external system has cut it off or put it there.
        ExternalProtocolError: the body is not JSON; NaN and infinite numbers are not.
    """
    body = answer.body
    try:
        return _fast(body) if _is_plain(body) else read_json_text(body.decode())
    except (ValueError, RecursionError):
        where = _first_fault(body)
    if where == _CUT:
        what = f"{len(body)} bytes that end in the middle of their JSON" if body.strip() else "an empty body"
        raise LostBodyError(answer.status, what, _CUT_FIX)
    if answer.content_type.lower().startswith(_HTML) or body[where or 0 :].lstrip().startswith(b"<"):
        raise LostBodyError(answer.status, "a web page in place of JSON", _PAGE_FIX)
    at = "" if where is None else f" from byte {where} on"
    raise ExternalProtocolError(
        f"{answer.place} answered {answer.status} with {len(body)} bytes that are not valid JSON{at}. "
        "Check that the URL is that of the API, and that it sends no NaN or Infinity for numbers.",
        status=answer.status,
    )


def _first_fault(body: bytes) -> int | None:
    """The byte from which on a body is no JSON: `_CUT` if it ends before its JSON does; None if that is not known."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        if error.reason != _CUT_CHARACTER:
            return None
        text = body[: error.start].decode()
    try:
        read_json_text(text)
    except json.JSONDecodeError as error:
        rest = _UNFINISHED_ESCAPE if error.msg.startswith(_BAD_ESCAPE) else _UNFINISHED
        cut = error.msg.startswith(_CUT_TEXT) or rest.fullmatch(error.doc, error.pos)
        return _CUT if cut else len(error.doc[: error.pos].encode())
    except (ValueError, RecursionError):
        return None
    return None


def storable(rows: list[Any], answer: Answer) -> list[Any]:
    """The rows of an answer, without half a surrogate pair: such a text would stop all others, not only its field."""
    return [json_text.storable(row) for row in rows] if _ESCAPED_SURROGATE.search(answer.body) else rows


def _is_plain(body: bytes) -> bool:
    return not _LONG_DIGITS.search(body) and not _ESCAPED_SURROGATE.search(body)


def _fast(body: bytes) -> Any:
    # orjson turns integers beyond 64 bits into floats without a word, and refuses a page for half a surrogate pair, for
    # a number beyond a double, and for deep nesting.
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return read_json_text(body.decode())
