"""A real Odoo 19 that is restored from a backup: what it lost is written again, and what people did before stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import contact_of, the_order
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.real_odoo import RealOdoo

pytestmark = pytest.mark.odoo


@dataclass
class Scene:
    """A hotel, an installation, and the Odoo that it uses."""

    hotel: Hotel
    installation: Installation
    database: RealOdoo
    site: Site

    @property
    def odoo(self) -> Odoo:
        return Odoo(self.site)

    @contextmanager
    def restored(self) -> Iterator[Scene]:
        """A backup is taken now; the scene that is given has what is restored from it."""
        with self.database.backup() as copy:
            yield Scene(self.hotel, self.installation, copy, site_of(copy))

    def use(self) -> None:
        self.installation.connect(self.hotel, self.site)

    def differences(self) -> list[str]:
        return read_books(self.odoo, self.installation.name).compared_with(expected_books(self.hotel.truth()))


def site_of(odoo: RealOdoo) -> Site:
    return Site(odoo.url, odoo.database, odoo.login, odoo.api_key, odoo.user, real=True)


@pytest.fixture(scope="module")
def scene(real_odoo: RealOdoo, site: Site, installation: Installation) -> Iterator[Scene]:
    with open_hotel(68, seed=5) as hotel:
        made = Scene(hotel, installation, real_odoo, site)
        made.use()
        assert installation.bootstrap().returncode == 0
        installation.synced("full")
        yield made


@pytest.fixture(scope="module")
def real_odoo(real_odoo: RealOdoo) -> Iterator[RealOdoo]:
    """A database of this module's own."""
    with real_odoo.fresh_database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def site(real_odoo: RealOdoo) -> Site:
    return site_of(real_odoo)


def test_every_update_that_the_backup_lost_is_written_again_and_edits_of_before_stay(scene: Scene) -> None:
    kept, untouched = scene.hotel.bookings("confirmed")[:2]
    order = the_order(scene.odoo, scene.installation, kept)
    scene.odoo.write("sale.order", order["id"], note="<p>Late arrival</p>")
    guest = contact_of(scene.odoo, scene.installation, kept["guest"]["id"])
    scene.odoo.write("res.partner", guest["id"], x_loyalty_points=4711)
    with scene.restored() as after:
        changed = scene.hotel.advance(changed_bookings=20, new_bookings=3, cancelled=3, changed_guests=6)
        scene.installation.synced("delta")
        scene.hotel.edit(untouched["id"], special_requests="A quiet room")
        scene.installation.synced("delta")
        edits = scene.differences()
        after.use()
        assert len(after.differences()) > len(edits) + 10
        full = after.installation.synced("full")
        assert after.differences() == edits
        assert not {"conflict", "rejected"} & full.outcomes()
        assert len(changed["changed_bookings"]) >= 20
        before = snapshot(after.odoo, after.installation.name)
        assert after.installation.synced("full").outcomes() == {"unchanged"}
        assert snapshot(after.odoo, after.installation.name) == before
        scene.use()
