"""JSON-RPC, the protocol of every Odoo before 22: execute_kw on POST /jsonrpc, with an API key or a password."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines.errors import OdooAuthenticationError
from odoo_pipelines.odoo import answers
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.faults import Call, named_fault, unnamed_fault
from odoo_pipelines.odoo.http import Answer, HttpSender, is_success
from odoo_pipelines.odoo.transport import READ_METHODS

_REQUEST_ID = 1  # one request, one answer: nothing to tell apart
_POSITIONAL: Mapping[str, str] = {
    "create": "vals_list",  # the server looks at it by position
    "search": "domain",  # named `args` before Odoo 17
    "search_count": "domain",
}


class JsonRpcTransport:
    """Speaks JSON-RPC; logs in once and keeps the user's id."""

    name = "jsonrpc"

    def __init__(self, sender: HttpSender, connection: OdooConnection) -> None:
        self._sender = sender
        self._connection = connection
        self._lock = threading.Lock()
        self._uid: int | None = None

    def authenticate(self) -> int:
        """Logs in anew, see `Transport.authenticate`."""
        connection = self._connection
        arguments = [connection.database, connection.username, connection.secret.get_secret_value(), {}]
        uid = _send(self._sender, "common", "authenticate", arguments, Call("", "authenticate"), writes=False)
        if uid is False:
            raise OdooAuthenticationError("Odoo refuses the login or the secret", method="authenticate")
        self._uid = answers.checked(answers.ID, uid, "", "authenticate")
        return self._uid

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        kwargs: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Any:
        """Calls a public method, see `Transport.call`."""
        named = {**kwargs, "context": dict(context)}
        positional: list[Any] = [] if ids is None else [list(ids)]
        if method in _POSITIONAL:
            positional.append(named.pop(_POSITIONAL[method]))
        secret = self._connection.secret.get_secret_value()
        arguments = [self._connection.database, self._user(), secret, model, method, positional, named]
        call = Call(model, method, ids or (), kwargs)
        return _send(self._sender, "object", "execute_kw", arguments, call, writes=method not in READ_METHODS)

    def _user(self) -> int:
        with self._lock:
            return self.authenticate() if self._uid is None else self._uid


def common_version(sender: HttpSender) -> Any:
    """What `common.version` answers, without logging in."""
    return _send(sender, "common", "version", [], Call("", "version"), writes=False)


def _send(sender: HttpSender, service: str, method: str, arguments: list[Any], call: Call, *, writes: bool) -> Any:
    params = {"service": service, "method": method, "args": arguments}
    body = {"jsonrpc": "2.0", "method": "call", "id": _REQUEST_ID, "params": params}
    return _result(sender.post("/jsonrpc", body, call, writes=writes), call)


def _result(answer: Answer, call: Call) -> Any:
    match answer.body:
        case {"error": {"data": {"name": str(name), "message": str(message)}}} if "." in name:
            raise named_fault(name, message, call)
        case {"error": _}:
            raise unnamed_fault(answer.status, call)
        case {"jsonrpc": "2.0", "id": id_, **rest} if id_ == _REQUEST_ID and is_success(answer.status):
            return rest.get("result")  # Odoo leaves the key out for None
    raise unnamed_fault(answer.status, call)
