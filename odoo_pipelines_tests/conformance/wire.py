"""The smallest caller of /json/2 and /jsonrpc: what goes over the wire is what the tests see."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from odoo_pipelines_tests.real_odoo import OdooUser

TIMEOUT = (5, 120)
QUIET = {"tracking_disable": True, "tz": "UTC", "lang": "en_US"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error, as either entrance reports it."""

    status: int
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Wire:
    """One user's calls to one database.

    Attributes:
        url: of the server.
        database: name.
        login: of the user.
        key: API key.
        password: which a key can stand in for.
        new_user: makes a user with these groups (xmlids) and nothing else.
    """

    url: str
    database: str
    login: str
    key: str = field(repr=False)
    password: str = field(repr=False)
    new_user: Callable[..., OdooUser]

    def as_user(self, *groups: str) -> Wire:
        """The same database, called by a new user."""
        user = self.new_user(*groups)
        return replace(self, login=user.login, key=user.api_key, password=user.api_key)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> requests.Response:
        """One request with the right headers, unless others are given."""
        usual = {"Authorization": f"bearer {self.key}", "X-Odoo-Database": self.database}
        return requests.post(self.url + path, headers=usual if headers is None else headers, timeout=TIMEOUT, **options)

    def json2(self, model: str, method: str, **params: Any) -> Any:
        """The result over /json/2, or the refusal."""
        answer = self.post(f"/json/2/{model}/{method}", json={"context": QUIET, **params})
        if answer.ok:
            return answer.json()
        error = answer.json()
        return Refusal(answer.status_code, error["name"], error["message"])

    def service(self, service: str, method: str, *args: Any) -> Any:
        """The result over /jsonrpc, or the refusal."""
        params = {"service": service, "method": method, "args": args}
        answer = self.post("/jsonrpc", json={"jsonrpc": "2.0", "id": 7, "method": "call", "params": params})
        content = answer.json()
        if "error" not in content:
            return content.get("result")
        error = content["error"]["data"]
        return Refusal(answer.status_code, error["name"], error["message"])

    def rpc(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """The result of execute_kw, or the refusal."""
        uid = self.service("common", "authenticate", self.database, self.login, self.password, {})
        options = {"context": QUIET, **kwargs}
        return self.service("object", "execute_kw", self.database, uid, self.password, model, method, args, options)

    def create(self, model: str, **vals: Any) -> int:
        """Creates a record that must be accepted."""
        created = self.json2(model, "create", vals_list=[vals])
        assert isinstance(created, list), created
        return int(created[0])

    def write(self, model: str, record: int, **vals: Any) -> Any:
        """Writes one record."""
        return self.json2(model, "write", ids=[record], vals=vals)

    def read(self, model: str, record: int, *fields: str) -> dict[str, Any]:
        """Values of one record, relations as bare ids."""
        [values] = self.json2(model, "read", ids=[record], fields=fields, load=None)
        return {name: values[name] for name in fields}

    def value(self, model: str, record: int, name: str) -> Any:
        """One value of one record."""
        return self.read(model, record, name)[name]

    def search(self, model: str, *domain: Any, **options: Any) -> list[int]:
        """Ids that match."""
        found = self.json2(model, "search", domain=list(domain), **options)
        assert isinstance(found, list), found
        return found

    def load(self, model: str, fields: Sequence[str], *rows: Sequence[Any], **context: Any) -> Any:
        """The answer of load."""
        return self.json2(model, "load", fields=fields, data=rows, context={**QUIET, **context})

    def loaded(self, model: str, fields: Sequence[str], *rows: Sequence[Any]) -> list[int]:
        """Ids of a load that must be accepted."""
        answer = self.load(model, fields, *rows)
        assert answer["ids"], answer
        return list(answer["ids"])


def unique(prefix: str = "t") -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def xmlid() -> str:
    """An external id that no other test uses."""
    return f"__conformance__.{unique()}"
