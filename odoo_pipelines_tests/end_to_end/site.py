"""An Odoo as the tests see it, whether the stand-in or a real one, read back through the independent client odoorpc."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import odoorpc

from odoo_pipelines_tests.real_odoo import OdooUser


@dataclass(frozen=True, slots=True)
class Site:
    """One database of a running Odoo, and somebody who may use it.

    Attributes:
        url: without a trailing slash.
        database: name.
        login: of the user.
        api_key: of the user.
        new_user: makes a user with some groups.
        real: a real Odoo, where the numbers are larger.
    """

    url: str
    database: str
    login: str
    api_key: str = field(repr=False)
    new_user: Callable[..., OdooUser] = field(repr=False)
    real: bool

    def through(self, url: str) -> Site:
        """The same database behind another address."""
        return replace(self, url=url)

    def used_by(self, user: OdooUser) -> Site:
        """The same database for another user."""
        return replace(self, login=user.login, api_key=user.api_key)


class Odoo:
    """Reads and edits a database by odoorpc, which shares no code with the pipelines."""

    def __init__(self, site: Site) -> None:
        address = urlsplit(site.url)
        opener = urllib.request.build_opener()
        opener.addheaders = [("X-Odoo-Database", site.database)]
        self._rpc = odoorpc.ODOO(address.hostname, port=address.port, version="19.0", opener=opener)
        self._rpc.login(site.database, site.login, site.api_key)

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method."""
        return self._rpc.execute_kw(model, method, args, kwargs)

    def rows(self, model: str, domain: Sequence[Any], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records, archived ones included, oldest first; many2one fields are ids."""
        found: list[dict[str, Any]] = self.call(
            model, "search_read", list(domain), list(fields), order="id", context={"active_test": False}
        )
        return [{name: _plain(value) for name, value in row.items()} for row in found]

    def write(self, model: str, record: int, **values: Any) -> None:
        """Changes a record as a person would."""
        self.call(model, "write", [record], values)


def _plain(value: Any) -> Any:
    many2one = isinstance(value, list) and len(value) == 2 and isinstance(value[1], str)  # [id, display name]
    return value[0] if many2one else value
