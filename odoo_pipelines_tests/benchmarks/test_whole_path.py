"""The whole path is measured from an edit in the PMS to Odoo; one server stands for everything between the two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa
from fastapi import FastAPI, Request
from pydantic import SecretStr

from benchmarks import whole_path
from benchmarks.report import Results
from benchmarks.sites import Site
from benchmarks.timed import TimedMeasurement
from benchmarks.whole_path import Installation, PathMeasurement, measure_burst, measure_single
from odoo_pipelines.commands.processes import Processes
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.stores.inbox import Inbox, NewEvent
from odoo_pipelines_sandbox.odoo.app import create_app as create_odoo
from odoo_pipelines_sandbox.odoo.server import Options
from odoo_pipelines_sandbox.pms.app import create_app as create_pms
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running

KEY = "key"


class ShortPath(FastAPI):
    """Takes an event and has the PMS's note in Odoo before it answers."""

    def __init__(self, pms: str, client: OdooClient, inbox: Inbox) -> None:
        super().__init__()
        self._pms, self._client, self._inbox = pms, client, inbox

        @self.post(whole_path.PATH)
        async def take(request: Request) -> None:
            await asyncio.to_thread(self._bring, json.loads(await request.body()))

    def _bring(self, event: dict[str, object]) -> None:
        booking = event["data"]["id"]  # type: ignore[index]
        answer = requests.get(f"{self._pms}/bookings/{booking}", headers={"Authorization": f"Bearer {KEY}"}, timeout=10)
        orders = self._client.search("sale.order", [("x_external_id", "=", booking)])
        self._client.write("sale.order", orders, {"note": answer.json()["special_requests"]})
        key = f"id:{event['id']}"
        self._inbox.store([NewEvent("pms", key, "booking.updated", "{}", state="done", reason="unknown_type")])


@pytest.fixture
def installation(engine: sa.Engine, tmp_path: Path) -> Iterator[Installation]:
    """Three bookings, in Odoo already."""
    fields = {"sale.order": {"x_external_id": "char"}}
    with (
        running(create_pms(SandboxOptions(bookings=30, api_key=SecretStr(KEY)))) as pms,
        running(create_odoo(Options(api_key=KEY, custom_fields=fields))) as odoo,
        Processes({}, tmp_path) as processes,
    ):
        bookings = whole_path.confirmed(pms)[:3]
        site = a_site(odoo, bookings)
        with running(ShortPath(pms, site.client, Inbox(engine))) as receiver:
            yield Installation(pms, site, engine, processes, urlsplit(receiver).port or 0, bookings)


def a_site(url: str, bookings: Sequence[str]) -> Site:
    connection = OdooConnection(url, "odoo", "admin", SecretStr(KEY))
    client = OdooClient(connection)
    [guest] = client.create("res.partner", [{"name": "Guest"}])
    client.create("sale.order", [{"partner_id": guest, "x_external_id": each} for each in bookings])
    return Site(connection, client)


def test_a_burst_is_measured_until_the_last_booking_is_there(installation: Installation) -> None:
    results = Results("webhooks", {})
    measure_burst(installation, 12, 2, 0, results)
    [burst] = results.measurements
    assert isinstance(burst, PathMeasurement)
    assert (burst.work, burst.rows, burst.runs) == ("12 events, until the last booking is there", 3, 1)
    assert burst.seconds > 0
    assert Inbox(installation.engine).states("pms") == {"done": 12}
    assert installation.arrived("note of burst 0") == 3


def test_single_events_are_measured_one_after_the_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_path, "INTERVAL_SECONDS", 0)
    results = Results("webhooks", {})
    measure_single(installation, 4, results)
    [single] = results.measurements
    assert isinstance(single, TimedMeasurement)
    assert (single.rows, Inbox(installation.engine).states("pms")) == (4, {"done": 4})
    assert single.p50_ms is not None
    assert 0 < single.p50_ms <= (single.max_ms or 0)


def test_what_never_arrives_ends_the_benchmark(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_path, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(TimeoutError, match="all bookings are in Odoo"):
        installation.wait("all bookings are in Odoo", lambda: installation.arrived("no such note") == 3)
