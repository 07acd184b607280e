from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.odoo.server import SYNC_KEY_FIELDS, Options
from odoo_pipelines_sandbox.serving import running

TIMEOUT = (5, 30)
HEADERS = {"Authorization": "bearer sandbox-api-key", "X-Odoo-Database": "odoo"}


@dataclass(frozen=True, slots=True)
class Standin:
    """Calls to a stand-in of the test's own."""

    url: str

    def call(self, model: str, method: str, **params: Any) -> requests.Response:
        """One call over /json/2."""
        url = f"{self.url}/json/2/{model}/{method}"
        return requests.post(url, json=params, headers=HEADERS, timeout=TIMEOUT)

    def create(self, name: str) -> requests.Response:
        """Creates a contact."""
        return self.call("res.partner", "create", vals_list=[{"name": name}])

    def count(self, name: str) -> int:
        """Contacts of this name."""
        return int(self.call("res.partner", "search_count", domain=[["name", "=", name]]).json())

    def fault(self, kind: str, **options: Any) -> None:
        """Arms a fault."""
        body = {"kind": kind, **options}
        requests.post(f"{self.url}/sandbox/faults", json=body, timeout=TIMEOUT).raise_for_status()

    def statistics(self) -> dict[str, Any]:
        """What was counted."""
        return dict(requests.get(f"{self.url}/sandbox/stats", timeout=TIMEOUT).json())


@pytest.fixture
def standin() -> Iterator[Standin]:
    with running(create_app(Options(custom_fields=SYNC_KEY_FIELDS))) as url:
        yield Standin(url)
