"""Two guests whose contacts were merged in Odoo: the one that was kept stays as it is and takes all their orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo

WIZARD = "base.partner.merge.automatic.wizard"


@dataclass(frozen=True, slots=True)
class Merge:
    """Two guests in the hotel, one contact in Odoo.

    Attributes:
        kept: id of the guest whose contact was kept.
        gone: id of the other one, who has orders that may still change.
        contact: Odoo's id of the contact that was kept.
    """

    kept: str
    gone: str
    contact: int


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def synced(site: Site, hotel: Hotel, installation: Installation) -> Installation:
    """Everything is in Odoo, synced by somebody with the documented rights."""
    installation.connect(hotel, site, policy="external_wins")  # or what the wizard fills in would stay
    assert installation.bootstrap().returncode == 0
    groups = ("base.group_user", "sales_team.group_sale_salesman_all_leads", "base.group_partner_manager")
    user = site.new_user(*groups, "product.group_product_manager", "account.group_account_invoice")
    installation.connect(hotel, site.used_by(user), policy="external_wins")
    installation.synced("full")
    return installation


@pytest.fixture(scope="module")
def merge(synced: Installation, hotel: Hotel, odoo: Odoo) -> Merge:
    """The merge wizard as a person uses it."""
    booking = hotel.bookings("confirmed")[0]
    gone = str(booking["guest"]["id"])
    kept = next(str(guest["id"]) for guest in hotel.truth()["guests"] if str(guest["id"]) != gone)
    ids = {each: contact_of(odoo, synced, each)["id"] for each in (kept, gone)}
    [wizard] = odoo.call(WIZARD, "create", [{"partner_ids": [(6, 0, list(ids.values()))], "dst_partner_id": ids[kept]}])
    odoo.call(WIZARD, "action_merge", [wizard])
    return Merge(kept, gone, ids[kept])


def test_the_merged_guest_is_a_conflict_and_the_contact_that_was_kept_is_not_overwritten(
    synced: Installation, merge: Merge, hotel: Hotel, odoo: Odoo
) -> None:
    hotel.edit(merge.gone, stream="guests", first_name="Somebody", last_name="Else")
    full = synced.synced("full")
    assert full.outcomes() <= {"unchanged", "conflict", "updated"}
    assert full.count("partners", "conflict") > 0
    assert full.count("partners", "updated") <= 1  # what the wizard filled in of the other contact
    assert full.count("orders", "unchanged") == full.count("orders", "extracted")
    guest = expected_books(hotel.truth()).guests[merge.kept]
    assert read_books(odoo, synced.name).guests[merge.kept] == guest
    assert contact_of(odoo, synced, merge.kept)["id"] == merge.contact


def test_a_second_full_sync_says_the_same(synced: Installation, merge: Merge, odoo: Odoo) -> None:
    before = snapshot(odoo, synced.name)
    full = synced.synced("full")
    assert full.outcomes() == {"unchanged", "conflict"}
    assert snapshot(odoo, synced.name) == before
    assert contact_of(odoo, synced, merge.kept)["id"] == merge.contact


def test_orders_of_the_merged_guest_go_on_with_the_contact_that_was_kept(
    synced: Installation, merge: Merge, hotel: Hotel, odoo: Odoo
) -> None:
    booking = next(each for each in hotel.bookings("confirmed") if str(each["guest"]["id"]) == merge.gone)
    hotel.edit(booking["id"], special_requests="A cot, please")
    delta = synced.synced("delta")
    assert (delta.count("orders", "updated"), delta.count("orders", "rejected")) == (1, 0)
    order = order_of(odoo, synced, booking)
    assert order["partner_id"] == merge.contact
    assert "A cot, please" in order["note"]


def test_a_merged_guest_whose_kept_contact_was_archived_is_a_conflict_still(
    synced: Installation, merge: Merge, odoo: Odoo
) -> None:
    odoo.write("res.partner", merge.contact, active=False)
    before = snapshot(odoo, synced.name)
    assert synced.synced("full").count("partners", "conflict") > 0
    assert snapshot(odoo, synced.name) == before


def contact_of(odoo: Odoo, installation: Installation, guest: str) -> dict[str, Any]:
    [contact] = odoo.rows("res.partner", [("x_sync_key", "=", f"{installation.name}.guest.{guest}")], ["name"])
    return contact


def order_of(odoo: Odoo, installation: Installation, booking: dict[str, Any]) -> dict[str, Any]:
    key = f"{installation.name}.booking.{booking['id']}"
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", key)], ["partner_id", "note"])
    return order
