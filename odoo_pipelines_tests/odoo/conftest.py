"""A fake Odoo and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from pydantic import SecretStr

from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines_tests.odoo.server import FakeOdoo, serving

NewClient: TypeAlias = Callable[..., OdooClient]


@pytest.fixture
def odoo() -> Iterator[FakeOdoo]:
    with serving() as server:
        yield server


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def new_client(odoo: FakeOdoo, sleeps: list[float]) -> NewClient:
    def build(**changes: Any) -> OdooClient:
        connection = OdooConnection(odoo.url, "hotel", "ann@example.com", SecretStr("s3cret-key"), transport="json2")
        return OdooClient(replace(connection, **changes), sleep=sleeps.append)

    return build


@pytest.fixture
def client(new_client: NewClient) -> OdooClient:
    return new_client()
