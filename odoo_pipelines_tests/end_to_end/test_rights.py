"""A user with the documented rights can do everything but bootstrap; the doctor names the right that another lacks."""

from __future__ import annotations

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

EMPLOYEE = "base.group_user"
ALL_ORDERS = "sales_team.group_sale_salesman_all_leads"
OWN_ORDERS = "sales_team.group_sale_salesman"
CONTACTS = "base.group_partner_manager"
PRODUCTS = "product.group_product_manager"
INVOICING = "account.group_account_invoice"
DOCUMENTED = (EMPLOYEE, ALL_ORDERS, CONTACTS, PRODUCTS, INVOICING)


pytestmark = pytest.mark.odoo


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def prepared(site: Site, hotel: Hotel, installation: Installation) -> Installation:
    """An Odoo that an administrator has prepared."""
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    return installation


def test_nobody_without_access_rights_can_bootstrap_and_is_told_so(
    site: Site, hotel: Hotel, installation: Installation
) -> None:
    installation.connect(hotel, site.used_by(site.new_user(*DOCUMENTED)))
    refused = installation.bootstrap()
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "OdooAccessError" in refused.stderr


def test_the_documented_rights_are_enough_for_everything_else(
    site: Site, hotel: Hotel, prepared: Installation, odoo: Odoo
) -> None:
    prepared.connect(hotel, site.used_by(site.new_user(*DOCUMENTED)))
    assert prepared.synced("full").count("orders", "created") == 60
    hotel.advance(changed_bookings=8, new_bookings=4, cancelled=3, changed_guests=4)
    departed = hotel.bookings("checked_out")[0]
    hotel.edit(departed["id"], extras=[])
    prepared.synced("delta")
    assert read_books(odoo, prepared.name).compared_with(expected_books(hotel.truth())) == []
    assert [finding for finding in prepared.doctor() if not finding["passed"]] == []


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        pytest.param((EMPLOYEE, CONTACTS, PRODUCTS), "Sales / User: All Documents", id="no sales"),
        pytest.param((EMPLOYEE, OWN_ORDERS, CONTACTS, PRODUCTS), "Sales / User: All Documents", id="own orders"),
        pytest.param((EMPLOYEE, ALL_ORDERS, CONTACTS), "Products / Create", id="no products"),
        pytest.param((EMPLOYEE, PRODUCTS), "Contact / Creation", id="no contacts"),
    ],
)
def test_the_doctor_names_the_right_that_is_missing(
    site: Site, hotel: Hotel, prepared: Installation, groups: tuple[str, ...], named: str
) -> None:
    prepared.connect(hotel, site.used_by(site.new_user(*groups)))
    fixes = [finding["fix"] for finding in prepared.doctor() if not finding["passed"]]
    assert any(named in fix for fix in fixes), fixes
