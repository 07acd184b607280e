"""From an empty Odoo to the hotel's books; then again, and again after some changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot, touched
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to

FLOWS = ("partners", "products", "orders")


@pytest.fixture(scope="module")
def size(site: Site) -> int:
    return 2_000 if site.real else 60


@pytest.fixture(scope="module")
def in_process(site: Site) -> bool:
    return not site.real


@pytest.fixture(scope="module")
def hotel(size: int) -> Iterator[Hotel]:
    with open_hotel(size) as opened:
        yield opened


@pytest.fixture(scope="module")
def proxy(site: Site, hotel: Hotel, installation: Installation) -> Iterator[Proxy]:
    with proxy_to(site.url) as proxy:
        installation.connect(hotel, site.through(proxy.url), **({"history_start": "2025-01-01"} if site.real else {}))
        assert installation.bootstrap().returncode == 0
        yield proxy


def test_a_full_sync_fills_odoo_an_equal_one_writes_nothing_and_a_delta_writes_what_changed(
    hotel: Hotel, installation: Installation, odoo: Odoo, proxy: Proxy, size: int
) -> None:
    first = installation.synced("full")
    assert first.count("orders", "created") == first.count("orders", "extracted") == size
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []

    before = snapshot(odoo, installation.name)
    proxy.requests.clear()
    again = installation.synced("full")
    assert proxy.writes == {}
    assert again.outcomes() == {"unchanged"}
    assert {flow: again.count(flow, "unchanged") for flow in FLOWS} == {
        flow: first.count(flow, "extracted") for flow in FLOWS
    }
    assert snapshot(odoo, installation.name) == before

    changed = hotel.advance(changed_bookings=size // 10)["changed_bookings"]
    delta = installation.synced("delta")
    assert delta.count("orders", "updated") == len(changed) == size // 10
    written = touched(before, snapshot(odoo, installation.name))
    assert written["sale.order"] == {f"{installation.name}.booking.{each}" for each in changed}
    assert not written["res.partner"] | written["product.product"]
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
