"""The Odoo client: every call that the pipelines make, over whichever protocol the server and the secret allow.

Methods that only read are repeated when no answer came; methods that write never are: whoever wrote looks first.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from odoo_pipelines.errors import ConfigurationError, OdooAccessError, OdooConflictError, OdooTransientError
from odoo_pipelines.odoo import answers
from odoo_pipelines.odoo.answers import LoadResult
from odoo_pipelines.odoo.connection import OdooConnection, OdooVersion
from odoo_pipelines.odoo.http import HttpSender, Limiter, RequestCounter
from odoo_pipelines.odoo.negotiation import choose_transport, server_version
from odoo_pipelines.odoo.transport import READ_METHODS, Transport

READ_ATTEMPTS = 4
BASE_CONTEXT: Mapping[str, Any] = {
    "tracking_disable": True,
    "mail_auto_subscribe_no_notify": True,
    "mail_activity_quick_update": True,
    "tz": "UTC",
    "lang": "en_US",
}
"""No chatter, and no mail to whoever is made responsible; datetimes in UTC; texts in a language of every database."""

T = TypeVar("T")

_CONCURRENT_UPDATE = re.compile(r"could not serialize access|deadlock detected")  # PostgreSQL's text
_SEARCH_READ_TAKES_LOAD = 15
_HAS_ACCESS_SINCE = 18


class OdooClient:
    """Calls one Odoo database as one user; safe to share between threads.

    Attributes:
        requests: HTTP requests made so far.
    """

    def __init__(
        self,
        connection: OdooConnection,
        *,
        limiter: Limiter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepares the client; nothing is sent before the first call.

        Args:
            connection: where and as whom.
            limiter: asked before each HTTP request.
            sleep: waits between tries of a read.
        """
        self.requests = RequestCounter()
        self._connection = connection
        self._sender = HttpSender(connection, self.requests, limiter, sleep=sleep)
        self._sleep = sleep
        self._lock = threading.RLock()
        self._version: OdooVersion | None = None
        self._transport: Transport | None = None
        self._company_id = connection.company_id
        self._creatable: dict[str, bool] = {}
        self._context = dict(BASE_CONTEXT)
        if connection.company_id is not None:
            self._context["allowed_company_ids"] = [connection.company_id]

    def __repr__(self) -> str:
        return f"OdooClient({self._connection!r})"

    @property
    def version(self) -> OdooVersion:
        """The server's version, asked once.

        Raises:
            OdooError: no Odoo answers at the address.
        """
        with self._lock:
            if self._version is None:
                self._version = self._retrying(server_version, self._sender)
            return self._version

    def company_id(self) -> int:
        """The company in which calls work: the connection's, else the user's own, asked once.

        Raises:
            ConfigurationError: the user has several: lookups would find journals and taxes of any of them.
        """
        with self._lock:
            if self._company_id is None:
                (user,) = self.read("res.users", [self.authenticate()], ["company_id", "company_ids"])
                if len(user["company_ids"]) > 1:
                    count = len(user["company_ids"])
                    raise ConfigurationError([f"odoo.company: the user may work in {count} companies; name one"])
                self._company_id = int(user["company_id"])
            return self._company_id

    @property
    def server_time(self) -> datetime | None:
        """The server's clock at its newest answer, UTC to the second; None where that did not tell."""
        return self._sender.server_time

    @property
    def transport(self) -> str:
        """The protocol in use: "json2" or "jsonrpc"."""
        return self._protocol().name

    def authenticate(self) -> int:
        """Checks the credentials.

        Returns:
            Id of the user.

        Raises:
            OdooAuthenticationError: database, login or secret is refused.
        """
        return self._retrying(self._protocol().authenticate)

    def search(
        self,
        model: str,
        domain: Sequence[Any],
        *,
        limit: int | None = None,
        offset: int = 0,
        order: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Ids of the records that match, archived ones only with `active_test` or a term on `active`."""
        found = self.call(model, "search", domain=domain, context=context, **_window(limit, offset, order))
        return answers.checked(answers.IDS, found, model, "search")

    def search_count(self, model: str, domain: Sequence[Any], *, context: Mapping[str, Any] | None = None) -> int:
        """How many records match."""
        count = self.call(model, "search_count", domain=domain, context=context)
        return answers.checked(answers.COUNT, count, model, "search_count")

    def read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], *, context: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Reads records; a many2one is a bare id or False, and records that are gone are left out."""
        rows = self.call(model, "read", ids, fields=fields, load=None, context=context)
        return answers.checked(answers.ROWS, rows, model, "read")

    def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int | None = None,
        offset: int = 0,
        order: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Reads the records that match; a many2one is a bare id or False."""
        window = _window(limit, offset, order)
        if self.version.major < _SEARCH_READ_TAKES_LOAD:
            found = self.call(model, "search", domain=domain, context=context, **window)
            ids = answers.checked(answers.IDS, found, model, "search")
            return self.read(model, ids, fields, context=context)
        rows = self.call(model, "search_read", domain=domain, fields=fields, load=None, context=context, **window)
        return answers.checked(answers.ROWS, rows, model, "search_read")

    def fields_get(self, model: str, attributes: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Descriptions of the fields that the user may see, by name."""
        described = self.call(model, "fields_get", attributes=attributes)
        return answers.checked(answers.FIELDS, described, model, "fields_get")

    def has_access(self, model: str, operation: str) -> bool:
        """Whether the user may "read", "write", "create" or "unlink" records of the model at all."""
        if self.version.major < _HAS_ACCESS_SINCE:
            allowed = self.call(model, "check_access_rights", operation=operation, raise_exception=False)
        else:
            allowed = self.call(model, "has_access", (), operation=operation)
        return answers.checked(answers.FLAG, allowed, model, "has_access")

    def create(
        self, model: str, vals_list: Sequence[Mapping[str, Any]], *, context: Mapping[str, Any] | None = None
    ) -> list[int]:
        """Creates records; not safe to repeat.

        Returns:
            Their ids, in order.
        """
        created = self.call(model, "create", vals_list=vals_list, context=context)
        return answers.checked(answers.IDS, created, model, "create")

    def write(
        self, model: str, ids: Sequence[int], vals: Mapping[str, Any], *, context: Mapping[str, Any] | None = None
    ) -> None:
        """Writes the same values to all records."""
        self.call(model, "write", ids, vals=vals, context=context)

    def web_save_multi(
        self,
        model: str,
        ids: Sequence[int],
        vals_list: Sequence[Mapping[str, Any]],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes different values to each record, in one transaction.

        Raises:
            OdooUnknownNameError: the server has no such method; use `write`.
        """
        self.call(model, "web_save_multi", ids, vals_list=vals_list, specification={}, context=context)

    def unlink(self, model: str, ids: Sequence[int]) -> None:
        """Deletes records."""
        self.call(model, "unlink", ids)

    def load(
        self,
        model: str,
        fields: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> LoadResult:
        """Creates or updates records by external id; all or nothing.

        Args:
            model: technical name.
            fields: column names, see `odoo_pipelines.odoo.cells`.
            rows: cells, strings only.
            context: added to the context of every call.

        Raises:
            OdooConflictError: a concurrent update; nothing was stored.
            OdooAccessError: the user may not create records of the model; `load` itself blames the first row for that.
        """
        loaded = answers.load_result(self.call(model, "load", fields=fields, data=rows, context=context), model)
        if loaded.ids is None:
            self._explain(model, loaded)
        return loaded

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Calls any public method.

        Args:
            model: technical name.
            method: name of the method.
            ids: records that it is called on; None for a method of the model itself.
            context: added to the context of every call.
            kwargs: parameters, by Odoo's names for them.

        Returns:
            The result as JSON types; None where the method returns nothing.

        Raises:
            OdooError: the class tells what to do, see `odoo_pipelines.errors`.
        """
        send = self._protocol().call
        arguments = (model, method, ids, kwargs, {**self._context, **(context or {})})
        return self._retrying(send, *arguments) if method in READ_METHODS else send(*arguments)

    def _protocol(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = self._retrying(choose_transport, self.version, self._sender, self._connection)
            return self._transport

    def _retrying(self, function: Callable[..., T], *arguments: Any) -> T:
        tries = Retrying(
            retry=retry_if_exception_type((OdooTransientError, OdooConflictError)),
            stop=stop_after_attempt(READ_ATTEMPTS),
            wait=wait_exponential(multiplier=0.5, max=10) + wait_random(0, 1),
            sleep=self._sleep,
            reraise=True,
        )
        return tries(function, *arguments)

    def _explain(self, model: str, failed: LoadResult) -> None:
        """Raises what `load` hides in its messages: faults that are no row's."""
        if any(_CONCURRENT_UPDATE.search(message.message) for message in failed.messages):
            raise OdooConflictError("concurrent update, rolled back", model=model, method="load")
        if model not in self._creatable:
            self._creatable[model] = self.has_access(model, "create")
        if not self._creatable[model]:
            raise OdooAccessError("the user may not create records", model=model, method="load")


def _window(limit: int | None, offset: int, order: str | None) -> dict[str, Any]:
    return {"limit": limit, "offset": offset, "order": order}
