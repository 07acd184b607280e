"""Builds from the settings what reaches outside: the external client, the Odoo client, the state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy import Engine

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.integration import ExternalSettings, OdooSettings
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.settings import Settings, export_embedded_dir
from odoo_pipelines.stores.database import connect, database_url, migrate
from odoo_pipelines.stores.inbox import Inbox
from odoo_pipelines.stores.limits import Limiter, shared_limiter, unlimited
from odoo_pipelines.stores.state import State


def external_client(
    name: str, external: ExternalSettings, settings: Settings, *, sleep: Callable[[float], None] = time.sleep
) -> ExternalClient:
    """The client of an integration's external system; its limiter is shared by all processes of this machine."""
    connection = ExternalConnection(external.url, external.api_key, external.api_secret, page_size=external.page_size)
    limiter = _limiter(f"external.{name}", external.requests_per_second, settings)
    return ExternalClient(connection, limiter, sleep=sleep)


def odoo_client(odoo: OdooSettings, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> OdooClient:
    """The client of an Odoo; integrations that share a database share its limiter.

    Raises:
        ConfigurationError: the company of the settings does not exist.
    """
    connection = OdooConnection(
        odoo.url, odoo.db, odoo.username, odoo.api_key, odoo.transport, concurrency=odoo.connections
    )
    limiter = _limiter(f"odoo.{urlsplit(odoo.url).netloc}.{odoo.db}", odoo.requests_per_second, settings)
    client = OdooClient(connection, limiter=limiter, sleep=sleep)
    if odoo.company is None:
        return client
    return OdooClient(replace(connection, company_id=_company_id(client, odoo.company)), limiter=limiter, sleep=sleep)


def state_url(settings: Settings) -> str:
    """The URL of the database; the embedded one is started when it is needed."""
    export_embedded_dir(settings.database.embedded_dir)
    return database_url(settings.database.url, settings.database.embedded_dir)


@contextmanager
def open_state(settings: Settings) -> Iterator[State]:
    """The state, with its tables brought up to date."""
    with _open_database(settings) as engine:
        yield State(engine)


@contextmanager
def open_inbox(settings: Settings) -> Iterator[Inbox]:
    """The inbox, with its tables brought up to date."""
    with _open_database(settings) as engine:
        yield Inbox(engine)


@contextmanager
def _open_database(settings: Settings) -> Iterator[Engine]:
    engine = connect(state_url(settings))
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _limiter(name: str, requests_per_second: float | None, settings: Settings) -> Limiter:
    if requests_per_second is None:
        return unlimited()
    return shared_limiter(settings.home / "limits", name, requests_per_second, burst=max(1, round(requests_per_second)))


def _company_id(client: OdooClient, name: str) -> int:
    found = client.search("res.company", [("name", "=", name)])
    if len(found) != 1:
        raise ConfigurationError(
            [f"odoo.company: Odoo has {len(found)} companies named '{name}' that this user may see"]
        )
    return found[0]
