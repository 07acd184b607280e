"""Parts of the history on their own, and loads that are switched off and on again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo  # many whole runs: the stand-in would only make `make test` long

START = (datetime.now(UTC).date() - timedelta(days=75)).replace(day=1)
"""First day of the history: that of a month that is over, as is the next one."""


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel(site: Site) -> Iterator[Hotel]:
    with open_hotel(60, start=START, days=59, seed=9) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site) -> Installation:
    """A history of some months, the first two of which are full of bookings."""
    installation.connect(hotel, site, history_start=START)
    assert installation.bootstrap().returncode == 0
    return installation


def test_switched_off_loads_extract_and_map_and_say_that_nothing_was_loaded(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, site, history_start=START, odoo_enabled=False)
    sync = installation.synced("full")
    assert {count for counts in sync.flows.values() for count in counts.values()} == {0}
    assert "ODOO_ENABLED is off" in sync.stderr
    assert read_books(odoo, installation.name).bookings == {}


def test_what_was_mapped_meanwhile_is_loaded_when_loads_are_on_again(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, site, history_start=START)
    assert installation.synced("delta").count("orders", "created") == 60
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []


def test_months_one_by_one_make_the_same_as_all_at_once(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    name = f"{installation.name}-months"
    installation.connect(hotel, site, name, history_start=START)
    first, second = START, (START + timedelta(days=31)).replace(day=1)
    created = [installation.synced("full", name, str(day)).count("orders", "created") for day in (second, first)]
    assert min(created) > 20
    assert read_books(odoo, name).bookings.keys() <= {each["id"] for each in hotel.truth()["bookings"]}
    installation.synced("delta", name)
    assert read_books(odoo, name).compared_with(expected_books(hotel.truth())) == []
    assert installation.synced("full", name).outcomes() == {"unchanged"}


def test_an_unknown_month_is_refused_with_the_known_ones(installation: Installation) -> None:
    refused = installation.run("sync", "--integration", installation.name, "--partition", "2031-01-01", "--json")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "2031-01-01" in refused.stderr
    assert str(START) in refused.stderr
