"""The same tests run against the stand-in and against a real Odoo 19 (marked `odoo`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.conformance.wire import TIMEOUT, Wire, unique
from odoo_pipelines_tests.real_odoo import OdooUser, RealOdoo

STANDIN_KEY = "sandbox-api-key"


@pytest.fixture(scope="session", params=["standin", pytest.param("odoo19", marks=pytest.mark.odoo)])
def odoo(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """An administrator on the server that the test is about."""
    if request.param == "standin":
        with _standin() as wire:
            yield wire
    else:
        yield _real(request.getfixturevalue("real_odoo"))


@pytest.fixture(scope="module", params=["standin", pytest.param("odoo19", marks=pytest.mark.odoo)])
def own_odoo(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """The same on a database of the module's own, for tests that change what the others count on."""
    if request.param == "standin":
        with _standin() as wire:
            yield wire
    else:
        server: RealOdoo = request.getfixturevalue("real_odoo")
        with server.fresh_database() as database:
            yield _real(database)


def _real(server: RealOdoo) -> Wire:
    return Wire(server.url, server.database, server.login, server.api_key, server.password, server.user)


@contextmanager
def _standin() -> Iterator[Wire]:
    with running(create_app()) as url:

        def new_user(*groups: str) -> OdooUser:
            answer = requests.post(f"{url}/sandbox/users", json={"groups": groups}, timeout=TIMEOUT).json()
            return OdooUser(answer["login"], answer["api_key"])

        yield Wire(url, "odoo", "admin", STANDIN_KEY, "admin", new_user)


@pytest.fixture(scope="session")
def sync_key(odoo: Wire) -> str:
    """A custom field on partners, products, orders and lines."""
    name = f"x_{unique().replace('-', '_')}"
    models = odoo.json2(
        "ir.model",
        "search_read",
        domain=[["model", "in", ["res.partner", "product.product", "sale.order", "sale.order.line"]]],
        fields=["model"],
    )
    field = {"name": name, "ttype": "char", "field_description": "Sync key", "index": True, "copied": False}
    odoo.json2("ir.model.fields", "create", vals_list=[{**field, "model_id": model["id"]} for model in models])
    return name


@pytest.fixture
def partner(odoo: Wire) -> int:
    """A contact."""
    return odoo.create("res.partner", name=unique("Ann"))


@pytest.fixture
def product(odoo: Wire) -> int:
    """A service for 80."""
    return odoo.create("product.product", name=unique("Room"), type="service", list_price=80.0)
