"""Runs that die by SIGKILL, at one request after another, and are started again: no duplicate, no gap.

Every run takes up what the one before it left, so what is killed here includes the clearing up.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.proxy import KillPoint, Proxy, proxy_to
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

ORDER, LINE = "/json/2/sale.order", "/json/2/sale.order.line"
WHILE_FILLING = (
    KillPoint("/json/2/res.partner/load"),
    KillPoint("/json/2/res.partner/load", nth=2, answered=True),
    KillPoint("/json/2/product.product/load", answered=True),
    KillPoint(f"{ORDER}/load", answered=True),
    KillPoint(f"{ORDER}/load", nth=2),
    KillPoint(f"{ORDER}/action_confirm", answered=True),
    KillPoint(f"{ORDER}/web_save_multi"),
    KillPoint(f"{ORDER}/action_lock", answered=True),
)
"""In the order in which a run comes to them. `web_save_multi` gives confirmed orders their own date again."""
WHILE_CHANGING = (
    KillPoint(f"{ORDER}/action_unlock", answered=True),
    KillPoint(f"{ORDER}/action_draft", answered=True),
    KillPoint(f"{LINE}/load", answered=True),
    KillPoint(f"{LINE}/w", answered=True),
    KillPoint(f"{ORDER}/action_lock"),
)


@pytest.fixture(scope="module")
def every(on_real_odoo: bool) -> int:
    """The stand-in sees every third point: each costs a start of Dagster."""
    return 1 if on_real_odoo else 3


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(40) as opened:
        yield opened


@pytest.fixture(scope="module")
def pms(hotel: Hotel) -> Iterator[Proxy]:
    with proxy_to(hotel.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def proxy(site: Site, pms: Proxy, installation: Installation) -> Iterator[Proxy]:
    with proxy_to(site.url) as proxy:
        installation.connect(pms, site.through(proxy.url), odoo={"chunk_size": 8}, unlock_orders=True)
        assert installation.bootstrap().returncode == 0
        yield proxy


def test_a_first_load_that_is_killed_again_and_again_ends_as_one_that_was_not(
    hotel: Hotel, pms: Proxy, installation: Installation, odoo: Odoo, proxy: Proxy, every: int
) -> None:
    installation.killed_sync("full", pms, KillPoint("/bookings", nth=2, answered=True))
    for point in WHILE_FILLING[::every]:
        installation.killed_sync("full", proxy, point)
    installation.synced("full")
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
    assert_nothing_is_left_to_write(installation, odoo, proxy)


def test_a_delta_that_is_killed_again_and_again_ends_as_one_that_was_not(
    hotel: Hotel, installation: Installation, odoo: Odoo, proxy: Proxy, every: int
) -> None:
    change_a_bit_of_everything(hotel)
    for point in WHILE_CHANGING[::every]:
        installation.killed_sync("delta", proxy, point)
    installation.synced("delta")
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
    assert_nothing_is_left_to_write(installation, odoo, proxy)


def assert_nothing_is_left_to_write(installation: Installation, odoo: Odoo, proxy: Proxy) -> None:
    before = snapshot(odoo, installation.name)
    proxy.requests.clear()
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert proxy.writes == {}
    assert snapshot(odoo, installation.name) == before


def change_a_bit_of_everything(hotel: Hotel) -> None:
    """New lines, new prices, a cancelled stay that comes back, departed guests who are billed anew."""
    for booking in hotel.bookings("checked_out")[:3]:
        hotel.edit(booking["id"], extras=[*booking["extras"], extra(booking["id"], "Breakfast", 18.5)])
    for booking in hotel.bookings("confirmed")[:3]:
        first, *others = booking["rooms"]
        dearer = {**first, "price_per_night": first["price_per_night"] + 7.25}
        hotel.edit(booking["id"], rooms=[dearer, *others], extras=[extra(booking["id"], "Parking", 12.0)])
    for booking in hotel.bookings("cancelled")[:2]:
        hotel.edit(booking["id"], status="confirmed")


def extra(booking: str, name: str, price: float) -> dict[str, object]:
    return {"id": f"{booking}-new", "name": name, "quantity": 2, "price_per_unit": price}
