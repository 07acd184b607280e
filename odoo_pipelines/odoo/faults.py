"""Turns Odoo's errors into the classes of `odoo_pipelines.errors`.

Odoo's name of the error decides: 5xx also stands for a wrong value, 404 for a missing record, and over JSON-RPC every
error comes with 200. Messages are read only where Odoo never translates them. Without a name, when something before
Odoo answered, the HTTP status is all there is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from odoo_pipelines.errors import (
    OdooAccessError,
    OdooAuthenticationError,
    OdooConflictError,
    OdooError,
    OdooMissingRecordError,
    OdooServerError,
    OdooTransientError,
    OdooUnknownNameError,
    OdooValidationError,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """The call that failed, as far as its error needs it.

    Attributes:
        model: technical name, "" for calls without one.
        method: name of the method.
        ids: records that it was called on.
        kwargs: parameters; never shown.
    """

    model: str
    method: str
    ids: Sequence[int] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


_BY_NAME: Mapping[str, type[OdooError]] = {
    "odoo.exceptions.AccessDenied": OdooAuthenticationError,
    "odoo.http.SessionExpiredException": OdooAuthenticationError,
    "werkzeug.exceptions.Unauthorized": OdooAuthenticationError,
    "odoo.exceptions.AccessError": OdooAccessError,
    "werkzeug.exceptions.Forbidden": OdooAccessError,
    "odoo.exceptions.MissingError": OdooMissingRecordError,
    "odoo.exceptions.UserError": OdooValidationError,
    "odoo.exceptions.RedirectWarning": OdooValidationError,
    "odoo.exceptions.ValidationError": OdooValidationError,
    "builtins.ValueError": OdooValidationError,
    "werkzeug.exceptions.NotFound": OdooUnknownNameError,
    "werkzeug.exceptions.UnprocessableEntity": OdooUnknownNameError,
    "odoo.exceptions.ConcurrencyError": OdooConflictError,
    "odoo.exceptions.LockError": OdooConflictError,
    "psycopg2.errors.DeadlockDetected": OdooConflictError,
    "psycopg2.errors.LockNotAvailable": OdooConflictError,
    "psycopg2.errors.SerializationFailure": OdooConflictError,
    "psycopg2.extensions.TransactionRollbackError": OdooConflictError,
    "builtins.MemoryError": OdooTransientError,
    "psycopg2.InterfaceError": OdooTransientError,
    "psycopg2.OperationalError": OdooTransientError,
    "psycopg2.errors.AdminShutdown": OdooTransientError,
    "psycopg2.errors.QueryCanceled": OdooTransientError,
    "psycopg2.errors.TooManyConnections": OdooTransientError,
    "psycopg2.pool.PoolError": OdooTransientError,
    "werkzeug.exceptions.BadGateway": OdooTransientError,
    "werkzeug.exceptions.GatewayTimeout": OdooTransientError,
    "werkzeug.exceptions.ServiceUnavailable": OdooTransientError,
    "werkzeug.exceptions.TooManyRequests": OdooTransientError,
    **dict.fromkeys(
        (
            "psycopg2.DataError",
            "psycopg2.IntegrityError",
            "psycopg2.errors.CheckViolation",
            "psycopg2.errors.ForeignKeyViolation",
            "psycopg2.errors.InvalidTextRepresentation",
            "psycopg2.errors.NotNullViolation",
            "psycopg2.errors.NumericValueOutOfRange",
            "psycopg2.errors.UniqueViolation",
        ),
        OdooValidationError,
    ),
}

_SUMMARIES: Mapping[type[OdooError], str] = {
    OdooAuthenticationError: "Odoo refuses the database, the login or the key",
    OdooAccessError: "the user lacks a right",
    OdooMissingRecordError: "a record does not exist any more",
    OdooValidationError: "Odoo refuses the values or the operation",
    OdooUnknownNameError: "the server has no such model, method, field or parameter",
    OdooConflictError: "concurrent update, rolled back",
    OdooTransientError: "no answer from Odoo",
    OdooServerError: "an error in the server",
}

_UNKNOWN_FIELD = re.compile(r"Invalid field (?:name )?'?(?P<name>[\w.]+)")
_WRONG_PARAMETERS = re.compile(r"unexpected keyword argument|missing \d+ required|missing a required argument")
_DATABASE_REFUSED = re.compile(r'\bFATAL:.*\bdatabase "')

_TRANSIENT_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_BY_STATUS: Mapping[int, tuple[type[OdooError], str]] = {
    HTTPStatus.UNAUTHORIZED: (OdooAuthenticationError, "a server before Odoo asks for credentials"),
    HTTPStatus.FORBIDDEN: (OdooAccessError, "a server before Odoo refuses the request"),
    HTTPStatus.NOT_FOUND: (OdooAuthenticationError, "no such database, or no Odoo at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: (OdooAuthenticationError, "no Odoo at this address"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (OdooServerError, "the request is larger than the server takes"),
}


def named_fault(name: str, message: str, call: Call) -> OdooError:
    """The error for an answer in which Odoo names it.

    Args:
        name: Odoo's name, such as "odoo.exceptions.AccessError".
        message: Odoo's message; kept apart from the text of the error.
        call: what was called.
    """
    unknown = _unknown_name(name, message, call)
    if unknown is not None:
        return _error(OdooUnknownNameError, f"the server does not know {unknown!r} ({name})", call, name, message)
    kind = _kind(name, message, call)
    return _error(kind, f"{_SUMMARIES[kind]} ({name})", call, name, message)


def unnamed_fault(status: int, call: Call) -> OdooError:
    """The error for an answer that does not come from Odoo's code: a web page, or JSON of another shape."""
    if status in _BY_STATUS:
        kind, summary = _BY_STATUS[HTTPStatus(status)]
    elif status in _TRANSIENT_STATUS or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind, summary = OdooTransientError, "the answer is not Odoo's"
    else:
        kind, summary = OdooServerError, "the request is refused before Odoo reads it"
    return _error(kind, f"{summary} (HTTP {status})", call)


def lost_answer(reason: str, call: Call) -> OdooTransientError:
    """The error for a call without an answer, or with half of one.

    Args:
        reason: what happened, without data of the call.
        call: what was called.
    """
    return OdooTransientError(f"no answer ({reason})", model=call.model, method=call.method, ids=call.ids)


def _error(kind: type[OdooError], summary: str, call: Call, name: str = "", message: str = "") -> OdooError:
    return kind(summary, model=call.model, method=call.method, ids=call.ids, odoo_name=name, odoo_message=message)


def _kind(name: str, message: str, call: Call) -> type[OdooError]:
    if name == "psycopg2.OperationalError" and _DATABASE_REFUSED.search(message):
        return OdooAuthenticationError
    return _BY_NAME.get(name, OdooServerError)


def _unknown_name(name: str, message: str, call: Call) -> str | None:
    """What the server does not know, where its error has a name that stands for other faults as well."""
    match name:
        case "builtins.KeyError":  # `write` of an unknown field; any other key is a fault of the server's code
            key = message.strip("'\"")
            return key if key in set(_names(call.kwargs)) else None
        case "builtins.ValueError" if field := _UNKNOWN_FIELD.match(message):
            return field["name"]
        case "builtins.AttributeError" if f"{call.model}.{call.method}" in message:
            return call.method
        case "builtins.TypeError" if call.method in message and _WRONG_PARAMETERS.search(message):
            return "parameter"
        case "odoo.exceptions.UserError" if message == f"Object {call.model} doesn't exist":  # never translated
            return call.model
    return None


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        for inner in value.values():
            yield from _names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
