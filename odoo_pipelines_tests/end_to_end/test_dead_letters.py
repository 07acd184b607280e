"""What a real Odoo, or the mapping, has rejected goes through by `dead-letters replay` once its cause is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.end_to_end.test_odd_data import give_a_pricelist

pytestmark = pytest.mark.odoo  # many whole runs: the stand-in would only make `make test` long


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


def dead_letters(installation: Installation, *arguments: str, code: int = 0) -> Any:
    done = installation.run("dead-letters", *arguments, "--integration", installation.name, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_a_class_is_replayed_when_its_cause_is_gone(installation: Installation, site: Site, odoo: Odoo) -> None:
    with open_hotel(40, currencies=("USD", "EUR"), seed=8) as hotel:
        installation.connect(hotel, site)
        assert installation.bootstrap().returncode == 0
        in_euro = {each["id"] for each in hotel.truth()["bookings"] if each["currency"] == "EUR"}
        broken = next(each for each in hotel.bookings("confirmed") if each["id"] not in in_euro)
        hotel.edit(broken["id"], check_in="soon")
        installation.synced("full")
        listed = dead_letters(installation, "list", "--flow", "orders")
        assert {each["external_id"] for each in listed} == {*in_euro, broken["id"]}
        code = next(each["code"] for each in listed if each["external_id"] in in_euro)

        tried = dead_letters(installation, "replay", "--class", code, code=1)
        assert {each["became"] for each in tried["letters"]} == {"rejected"}
        assert all("EUR" in each["reason"] for each in tried["letters"])

        give_a_pricelist(odoo, "EUR")
        cured = dead_letters(installation, "replay", "--class", code)
        assert {each["external_id"]: each["became"] for each in cured["letters"]} == dict.fromkeys(in_euro, "created")
        hotel.edit(broken["id"], check_in=broken["check_in"], check_out=broken["check_out"])
        [mended] = dead_letters(installation, "replay", "--id", broken["id"])["letters"]
        assert mended["became"] == "created"
        assert {each["flow"] for each in dead_letters(installation, "list")} == {"payments"}  # which waited for them
        paid = dead_letters(installation, "replay", "--flow", "payments")
        assert {each["became"] for each in paid["letters"]} == {"created"}
        assert dead_letters(installation, "list") == []
        assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
        assert installation.synced("full").outcomes() == {"unchanged"}
