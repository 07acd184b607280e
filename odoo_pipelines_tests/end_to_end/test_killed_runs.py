"""Runs that die by SIGKILL, at one request after another, and are started again: no duplicate, no gap.

Every run takes up what the one before it left, so what is killed here includes the clearing up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Scene:
    """A hotel and an Odoo with a proxy before each of them, and the installation between.

    Attributes:
        points: those of some points at which runs are killed here.
    """

    hotel: Hotel
    pms: Proxy
    installation: Installation
    proxy: Proxy
    odoo: Odoo
    points: Callable[[Sequence[KillPoint]], Sequence[KillPoint]]


@pytest.fixture(scope="module")
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    """The stand-in sees every fourth point only, for each costs a start of Dagster."""
    with open_hotel(40) as hotel, proxy_to(hotel.url) as pms, proxy_to(site.url) as proxy:
        installation.connect(pms, site.through(proxy.url), odoo={"chunk_size": 8}, unlock_orders=True)
        assert installation.bootstrap().returncode == 0
        every = slice(None) if site.real else slice(1, None, 4)
        yield Scene(hotel, pms, installation, proxy, odoo, lambda points: points[every])


def test_a_first_load_that_is_killed_again_and_again_ends_as_one_that_was_not(scene: Scene) -> None:
    scene.installation.killed_sync("full", scene.pms, KillPoint("/bookings", nth=2, answered=True))
    for point in scene.points(WHILE_FILLING):
        scene.installation.killed_sync("full", scene.proxy, point)
    scene.installation.synced("full")
    assert_all_is_as_it_should_be(scene)


def test_a_delta_that_is_killed_again_and_again_ends_as_one_that_was_not(scene: Scene) -> None:
    change_a_bit_of_everything(scene.hotel)
    for point in scene.points(WHILE_CHANGING):
        scene.installation.killed_sync("delta", scene.proxy, point)
    scene.installation.synced("delta")
    assert_all_is_as_it_should_be(scene)


def assert_all_is_as_it_should_be(scene: Scene) -> None:
    """Every record once, with the right values, and nothing left to write."""
    name = scene.installation.name
    assert read_books(scene.odoo, name).compared_with(expected_books(scene.hotel.truth())) == []
    before = snapshot(scene.odoo, name)
    scene.proxy.requests.clear()
    assert scene.installation.synced("full").outcomes() == {"unchanged"}
    assert scene.proxy.writes == {}
    assert snapshot(scene.odoo, name) == before


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
