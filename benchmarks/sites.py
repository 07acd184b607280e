"""The Odoo that is loaded: a fresh database on a real Odoo 19, or the stand-in to try the benchmark itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from benchmarks.bench import Bench
from odoo_pipelines.commands.bootstrap import lacking_in
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.systems import get_system
from odoo_pipelines_tests.real_odoo import open_real_odoo


class SiteKind(StrEnum):
    """Which Odoo."""

    ODOO19 = "odoo19"
    STANDIN = "standin"


@dataclass(frozen=True, slots=True)
class Site:
    """One database with everything that the pipelines need in it.

    Attributes:
        connection: to it, as its administrator.
        client: that has logged in already.
    """

    connection: OdooConnection
    client: OdooClient

    def environment(self) -> dict[str, str]:
        """The settings that lead to it."""
        return {
            "ODOO_URL": self.connection.url,
            "ODOO_DB": self.connection.database,
            "ODOO_USERNAME": self.connection.username,
            "ODOO_API_KEY": self.connection.secret.get_secret_value(),
        }


@contextmanager
def open_site(bench: Bench, kind: SiteKind) -> Iterator[Site]:
    """A database that nobody has used, dropped at the end; the database of ODOO_TEST_URL is left as it then is."""
    if kind is SiteKind.STANDIN:
        yield _prepared(OdooConnection(bench.standin(), "odoo", "admin", SecretStr("admin")))
        return
    with open_real_odoo() as odoo:
        yield _prepared(OdooConnection(odoo.url, odoo.database, odoo.login, SecretStr(odoo.api_key)))


def _prepared(connection: OdooConnection) -> Site:
    client = OdooClient(connection)
    lacking_in(client, get_system("pms"), {}).apply(client)
    client.authenticate()
    return Site(connection, client)
