"""Runs that get SIGKILL or SIGTERM, at one request after another, and are started again: no duplicate, no gap.

Every run takes up what the one before it left, so what is killed here includes the clearing up. Each costs a start of
Dagster: between sandbox PMS and stand-in only one dies of each signal. Deaths at every other kind of call of the
stand-in are in `sync/test_against_the_stand_in.py`, and between the calls in `defs/test_loading.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from signal import SIGKILL, SIGTERM

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation, KillPoint
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.changes import change_a_bit_of_everything
from odoo_pipelines_tests.faults.kinds import BAD_GATEWAY, CUT, GATEWAY_TIMEOUT, LOST, REFRAMED, RESET, TOO_MANY
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to
from odoo_pipelines_tests.faults.schedule import Schedule

ORDER, LINE, PAYMENT = (f"/json/2/{model}" for model in ("sale.order", "sale.order.line", "account.payment"))
WHILE_FILLING = (
    KillPoint("/json/2/res.partner/load", by=SIGTERM),
    KillPoint("/json/2/res.partner/load", nth=2, answered=True),
    KillPoint("/json/2/product.product/load", answered=True),
    KillPoint(f"{ORDER}/load", answered=True),
    KillPoint(f"{ORDER}/load", nth=2),
    KillPoint(f"{ORDER}/action_confirm", answered=True),
    KillPoint(f"{ORDER}/web_save_multi"),
    KillPoint(f"{ORDER}/action_lock", answered=True, by=SIGTERM),
    KillPoint(f"{PAYMENT}/load", answered=True),
    KillPoint(f"{PAYMENT}/action_post"),
    KillPoint(f"{PAYMENT}/action_post", nth=2, answered=True),
)
"""In the order in which a run comes to them. `web_save_multi` gives confirmed orders their own date again.

After SIGTERM the chunks in flight are finished, which may be all that are left: of orders it is the last point.
"""
ONE_WHILE_FILLING = KillPoint(f"{ORDER}/action_confirm", answered=True, by=SIGTERM)
on_the_real_odoo = pytest.mark.parametrize("site", [pytest.param("odoo19", marks=pytest.mark.odoo)], indirect=True)
WHILE_CHANGING = (
    KillPoint(f"{ORDER}/action_unlock", answered=True),
    KillPoint(f"{LINE}/load", answered=True),
    KillPoint(f"{LINE}/w", answered=True),
    KillPoint(f"{ORDER}/action_lock"),
    KillPoint(f"{ORDER}/action_draft", answered=True, by=SIGTERM),
)
"""In the order in which one chunk comes to them; others in flight beside it would be past later points when it dies.

Orders that come back from a cancellation are changed first and become drafts, then orders, after that.
"""
ONE_CHUNK = 200
"""More rows than change."""

SWIFT = (RESET, LOST, CUT, REFRAMED, TOO_MANY, BAD_GATEWAY, GATEWAY_TIMEOUT)
"""Faults that a process gets over in a second."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A hotel and an Odoo with a proxy before each of them, and the installation between."""

    site: Site
    hotel: Hotel
    pms: Proxy
    installation: Installation
    proxy: Proxy
    odoo: Odoo

    def connect(self, *, chunk_size: int) -> None:
        """Configures the integration."""
        self.installation.connect(self.pms, self.site.through(self.proxy.url), odoo={"chunk_size": chunk_size})


@pytest.fixture(scope="module")
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    """Everything is prepared, and Odoo empty."""
    with open_hotel(40) as hotel, proxy_to(hotel.url) as pms, proxy_to(site.url) as proxy:
        scene = Scene(site, hotel, pms, installation, proxy, odoo)
        scene.connect(chunk_size=8)
        assert installation.bootstrap().returncode == 0
        yield scene


def test_a_first_load_that_is_killed_again_and_again_ends_as_one_that_was_not(scene: Scene, site: Site) -> None:
    scene.installation.killed_sync("full", scene.pms, KillPoint("/bookings", nth=2, answered=True))
    for point in WHILE_FILLING if site.real else [ONE_WHILE_FILLING]:
        scene.installation.killed_sync("full", scene.proxy, point)
    scene.installation.synced("full")
    assert_all_is_as_it_should_be(scene)


@on_the_real_odoo
def test_a_delta_that_is_killed_again_and_again_ends_as_one_that_was_not(scene: Scene) -> None:
    change_a_bit_of_everything(scene.hotel)
    scene.connect(chunk_size=ONE_CHUNK)
    for point in WHILE_CHANGING:
        scene.installation.killed_sync("delta", scene.proxy, point)
    scene.installation.synced("delta")
    assert_all_is_as_it_should_be(scene)


@on_the_real_odoo
@pytest.mark.parametrize("seed", range(2))
def test_signals_among_faults_of_all_kinds_change_nothing_about_the_end(scene: Scene, seed: int) -> None:
    scene.connect(chunk_size=8)
    dice = Random(seed)  # noqa: S311
    change_a_bit_of_everything(scene.hotel, 1 + seed)
    scene.hotel.advance(new_bookings=8, changed_bookings=4, changed_guests=4)
    for proxy in (scene.pms, scene.proxy):
        proxy.requests.clear()
        proxy.disturb(Schedule(seed, SWIFT, share=0.05))
    for attempt in range(4):
        by, lost = dice.choice((SIGKILL, SIGTERM)), dice.random() < 0.5
        point = KillPoint("/", nth=dice.randrange(5, 70), answered=lost, by=by)
        done = scene.installation.disturbed_sync(("full", "delta")[attempt % 2], scene.proxy, point)
        assert done.returncode in (0, 1, -SIGKILL), done.stderr
    scene.pms.calm()
    scene.proxy.calm()
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
