"""Two hotels that count from one share an Odoo, and neither ever touches a record of the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot, touched
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

Hotels: TypeAlias = dict[str, Hotel]


pytestmark = pytest.mark.odoo


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotels(installation: Installation, site: Site) -> Iterator[Hotels]:
    """Two hotels with the same ids, other guests and other bookings, by the name of their integration."""
    with open_hotel(40, seed=1) as grand, open_hotel(40, seed=2) as small:
        hotels = {f"{installation.name}-grand": grand, f"{installation.name}-small": small}
        for name, hotel in hotels.items():
            installation.connect(hotel, site, name)
            assert installation.bootstrap(name).returncode == 0
        yield hotels


def test_both_are_in_odoo_completely(installation: Installation, hotels: Hotels, odoo: Odoo) -> None:
    for name in hotels:
        assert installation.synced("full", name).count("orders", "created") == 40
    for name, hotel in hotels.items():
        assert read_books(odoo, name).compared_with(expected_books(hotel.truth())) == []


def test_what_changes_in_one_leaves_the_other_alone(installation: Installation, hotels: Hotels, odoo: Odoo) -> None:
    grand, small = hotels
    before = {name: snapshot(odoo, name) for name in hotels}
    hotels[grand].advance(changed_bookings=10, cancelled=3, new_bookings=3, changed_guests=5)
    for mode in ("delta", "full"):
        installation.synced(mode, grand)
    assert read_books(odoo, grand).compared_with(expected_books(hotels[grand].truth())) == []
    assert not any(touched(before[small], snapshot(odoo, small)).values())
    assert installation.synced("full", small).outcomes() == {"unchanged"}
