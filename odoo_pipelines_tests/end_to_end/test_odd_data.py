"""Hotels whose software is old, whose data are broken, or whose guests pay in another currency."""

from __future__ import annotations

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo  # many whole runs: the stand-in would only make `make test` long

FIELD_AT_FAULT = {
    "unreadable_date": ("check_in", "31/02/2026"),
    "check_out_before_check_in": ("check_out", "1999-12-31"),
    "missing_guest": ("guest", ""),
    "negative_price": ("rooms[0].price_per_night", "-"),
    "rooms_not_a_list": ("rooms", "2 x double"),
    "null_id": ("id", ""),
    "unknown_status": ("status", "teleported"),
}


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site) -> Installation:
    """An Odoo that is prepared and still empty."""
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    return installation


def test_an_old_installation_is_understood(installation: Installation, site: Site, odoo: Odoo) -> None:
    """Ids are integers, dates come in three orders, lines have no ids, amounts are texts."""
    name = f"{installation.name}-old"
    with open_hotel(60, legacy=True, seed=5) as hotel:
        installation.connect(hotel, site, name)
        assert installation.synced("full", name).count("orders", "created") == 60
        assert read_books(odoo, name).compared_with(expected_books(hotel.truth())) == []
        hotel.advance(changed_bookings=12, new_bookings=5, cancelled=4, changed_guests=5)
        installation.synced("delta", name)
        assert read_books(odoo, name).compared_with(expected_books(hotel.truth())) == []
        assert installation.synced("full", name).outcomes() == {"unchanged"}


def test_unusable_bookings_are_rejected_by_name_and_the_others_go_on(
    installation: Installation, site: Site, odoo: Odoo
) -> None:
    name = f"{installation.name}-bad"
    with open_hotel(70, bad_rows=14, seed=6) as hotel:
        installation.connect(hotel, site, name)
        full = installation.synced("full", name)
        assert (full.count("orders", "created"), full.count("orders", "rejected")) == (56, 14)
        truth = hotel.truth()
    assert read_books(odoo, name).compared_with(expected_books(truth)) == []
    rejected = installation.rejections(name, "orders")
    assert len(rejected) == 14
    for kind, (field, value) in FIELD_AT_FAULT.items():
        found = [each for each in rejected if each.field == field]
        assert len(found) == 2, kind
        assert all(field in each.reason and value in each.reason and each.payload for each in found), kind


def test_a_booking_in_a_currency_without_a_pricelist_is_rejected_with_the_cure(
    installation: Installation, site: Site, odoo: Odoo
) -> None:
    name = f"{installation.name}-euro"
    with open_hotel(40, currencies=("USD", "EUR"), seed=8) as hotel:
        installation.connect(hotel, site, name)
        truth = hotel.truth()
        in_euro = [booking["id"] for booking in truth["bookings"] if booking["currency"] == "EUR"]
        full = installation.synced("full", name)
        assert full.count("orders", "rejected") == len(in_euro) > 5
        assert read_books(odoo, name).compared_with(expected_books(truth, without=in_euro)) == []
        reasons = {each.reason for each in installation.rejections(name, "orders")}
        assert all("EUR" in reason and "pricelist" in reason for reason in reasons)

        give_a_pricelist(odoo, "EUR")
        assert installation.synced("full", name).count("orders", "created") == len(in_euro)
        assert read_books(odoo, name).compared_with(expected_books(truth)) == []
        assert installation.synced("full", name).outcomes() == {"unchanged"}
        assert installation.rejections(name, "orders") == []


def test_guests_get_their_language_as_far_as_odoo_speaks_it(installation: Installation, site: Site, odoo: Odoo) -> None:
    """Last of all: languages stay active. `es` has no es_ES here, and takes what there is."""
    name = f"{installation.name}-tongues"
    languages = ["en_US", "es_MX", "fr_FR", "pt_BR"]
    for language in odoo.rows("res.lang", [("code", "in", languages)], ["active"]):
        odoo.write("res.lang", language["id"], active=True)
    with open_hotel(80, seed=10) as hotel:
        installation.connect(hotel, site, name)
        installation.synced("full", name)
        expected = expected_books(hotel.truth(), languages)
    assert read_books(odoo, name).compared_with(expected) == []
    assert {guest["lang"] for guest in expected.guests.values()} == set(languages)


def give_a_pricelist(odoo: Odoo, currency: str) -> None:
    [found] = odoo.rows("res.currency", [("name", "=", currency)], ["active"])
    odoo.write("res.currency", found["id"], active=True)
    rate = {"currency_id": found["id"], "company_rate": 0.9, "name": "2026-11-01"}
    odoo.call("res.currency.rate", "create", [rate])
    odoo.call("product.pricelist", "create", [{"name": currency, "currency_id": found["id"]}])
