"""JSON-2, the protocol of Odoo 19 and later: POST /json/2/<model>/<method> with an API key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from requests import PreparedRequest
from requests.auth import AuthBase

from odoo_pipelines.errors import OdooAuthenticationError, OdooError
from odoo_pipelines.odoo import answers
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.faults import Call, named_fault, unnamed_fault
from odoo_pipelines.odoo.http import Answer, HttpSender, is_success
from odoo_pipelines.odoo.transport import READ_METHODS

_HEADER_VALUE = re.compile(r"[!-~]+")


class Json2Transport:
    """Speaks JSON-2; needs an API key."""

    name = "json2"

    def __init__(self, sender: HttpSender, connection: OdooConnection) -> None:
        self._sender = sender
        self._username = connection.username
        self._auth = _BearerAuth(connection.secret)

    def authenticate(self) -> int:
        """Checks that the key is one of the user's, see `Transport.authenticate`."""
        told = self.call("res.users", "context_get", None, {}, {})
        uid = answers.checked(answers.CONTEXT, told, "res.users", "context_get")["uid"]
        rows = self.call("res.users", "read", [uid], {"fields": ["login"]}, {})
        logins = [row["login"].casefold() for row in answers.checked(answers.LOGINS, rows, "res.users", "read")]
        if logins != [self._username.casefold()]:
            raise OdooAuthenticationError("the key is another user's than the one that is set", method="authenticate")
        return uid

    def accepts_secret(self) -> bool:
        """Whether the secret is an API key of the user's."""
        try:
            self.authenticate()
        except OdooAuthenticationError:
            return False
        return True

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        kwargs: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Any:
        """Calls a public method, see `Transport.call`."""
        body = {**kwargs, "context": dict(context)}
        if ids is not None:
            body["ids"] = list(ids)
        call = Call(model, method, ids or (), kwargs)
        answer = self._sender.post(
            f"/json/2/{model}/{method}", body, call, writes=method not in READ_METHODS, auth=self._auth
        )
        if answer.is_json and is_success(answer.status):
            return answer.body
        raise _fault(answer, call)


class _BearerAuth(AuthBase):
    """Sets the key last, so that a .netrc file cannot replace it."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        key = self._key.get_secret_value()
        if not _HEADER_VALUE.fullmatch(key):  # the HTTP library would show it in its error
            raise OdooAuthenticationError("the secret is not an API key", method="authenticate")
        request.headers["Authorization"] = f"bearer {key}"
        return request


def _fault(answer: Answer, call: Call) -> OdooError:
    match answer.body:
        case {"name": str(name), "message": str(message)} if "." in name:
            return named_fault(name, message, call)
    return unnamed_fault(answer.status, call)
