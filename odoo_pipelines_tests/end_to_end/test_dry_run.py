"""On a real Odoo 19: the sync does what the dry run said, and the dry run does not write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import snapshot
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.predictions import unforeseen
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.end_to_end.test_changes import SPOILT, change_everything, spoil
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to

pytestmark = pytest.mark.odoo

ALL = "100000"


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(120, seed=3) as opened:
        yield opened


@pytest.fixture(scope="module")
def proxy(site: Site, hotel: Hotel, installation: Installation) -> Iterator[Proxy]:
    with proxy_to(site.url) as proxy:
        installation.connect(hotel, site.through(proxy.url))
        assert installation.bootstrap().returncode == 0
        yield proxy


def test_the_first_sync_does_what_the_dry_run_said(installation: Installation, proxy: Proxy, odoo: Odoo) -> None:
    compare(installation, proxy, odoo, "full")


def test_a_delta_over_changes_of_every_kind_does_what_the_dry_run_said(
    hotel: Hotel, installation: Installation, proxy: Proxy, odoo: Odoo
) -> None:
    bookings, _ = change_everything(hotel)
    said = compare(installation, proxy, odoo, "delta")
    assert said["orders"]["counts"]["updated"] == len(bookings)


def test_a_full_sync_over_edits_in_odoo_does_what_the_dry_run_said(
    hotel: Hotel, installation: Installation, proxy: Proxy, odoo: Odoo
) -> None:
    spoil(odoo, installation.name, *(hotel.bookings(each)[-1] for each in SPOILT))
    compare(installation, proxy, odoo, "full")


def compare(installation: Installation, proxy: Proxy, odoo: Odoo, mode: str) -> dict[str, Any]:
    """Runs a sync after its dry run; gives what that said."""
    before = snapshot(odoo, installation.name)
    proxy.requests.clear()
    dry_run = installation.run(
        "sync", "--integration", installation.name, "--mode", mode, "--dry-run", "--sample", ALL, "--json"
    )
    assert dry_run.returncode == 0, dry_run.stderr
    assert not proxy.writes
    assert snapshot(odoo, installation.name) == before
    said: dict[str, Any] = json.loads(dry_run.stdout)["flows"]
    done = installation.synced(mode)
    assert {name: flow["counts"] for name, flow in said.items()} == done.flows
    assert unforeseen(said, installation.name, before, snapshot(odoo, installation.name)) == []
    return said
