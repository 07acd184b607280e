"""Both sides are edited: who wins on a real Odoo, who is asked, and what is never touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import Entry, Snapshot, snapshot
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation, Sync
from odoo_pipelines_tests.end_to_end.people import (
    all_invoices,
    belonging_to,
    bring_to_the_present,
    conflicts,
    contact_of,
    deleted_in_odoo,
    invoice,
    one_room_more,
    orders_of,
    partner,
    product_of,
    resolve,
    the_order,
)
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo  # what Odoo does by itself with invoices, prices and addresses is the point

GROUPS = (
    *("base.group_user", "sales_team.group_sale_salesman_all_leads", "base.group_partner_manager"),
    *("product.group_product_manager", "account.group_account_invoice"),
)
"""The documented rights."""
INVOICED = ("draft", "posted", "cancelled", "down_payment")
"""Orders with an invoice that the source changes, by the kind of invoice or of change."""


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def user_site(site: Site) -> Site:
    """The same Odoo for a user who may do no more than the documents ask for."""
    return site.used_by(site.new_user(*GROUPS))


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(40) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site, user_site: Site) -> Installation:
    """Everything is in Odoo already."""
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    installation.connect(hotel, user_site)
    installation.synced("full")
    return installation


def test_what_both_sides_changed_is_asked_and_the_answers_are_applied_by_the_next_delta(
    hotel: Hotel, installation: Installation, user_site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, user_site, policy="manual")
    booking, guest = hotel.bookings("checked_in")[0], hotel.bookings("no_show")[0]["guest"]
    order, contact = the_order(odoo, installation, booking), contact_of(odoo, installation, guest["id"])["id"]
    odoo.write("res.partner", contact, city="Graz", zip="8010", street="Odoo Street 1", x_nationality="HU")
    odoo.write("sale.order", order["id"], client_order_ref="O-1")
    hotel.edit(
        guest["id"],
        "guests",
        address={"street": "PMS Street 1", "street2": "Top 3", "city": "Linz", "postal_code": "4020"},
        nationality="AT",
        loyalty_points=77,
    )
    hotel.edit(booking["id"], booking_reference="E-1", special_requests="A cot, please")

    delta = installation.synced("delta")
    assert (delta.count("partners", "conflict"), delta.count("orders", "conflict")) == (1, 1)
    assert partner(odoo, contact) == {
        "city": "Graz",
        "zip": "8010",
        "street": "Odoo Street 1",
        "x_nationality": "HU",
        "street2": "Top 3",
        "x_loyalty_points": 77,
    }
    asked = {each["field"]: each for each in conflicts(installation)}
    assert asked.keys() == {"city", "zip", "street", "x_nationality", "client_order_ref"}
    assert {each["code"] for each in asked.values()} == {"both_changed"}
    city = asked["city"]
    assert (city["base"], city["external"], city["odoo"]) == (guest["address"]["city"], "Linz", "Graz")
    shown = installation.run("conflicts", "show", str(city["id"])).stdout
    assert all(word in shown for word in (guest["address"]["city"], "Linz", "Graz", "--take external"))

    resolve(installation, asked["city"], asked["x_nationality"], asked["client_order_ref"], take="external")
    resolve(installation, asked["zip"], take="odoo")
    resolve(installation, asked["street"], value="Third Street 3")
    odoo.write("res.partner", contact, x_nationality="SK")
    delta = installation.synced("delta")
    assert (delta.count("partners", "conflict"), delta.count("orders", "conflict")) == (1, 0)
    assert partner(odoo, contact) == {
        "city": "Linz",
        "zip": "8010",
        "street": "Third Street 3",
        "x_nationality": "SK",
        "street2": "Top 3",
        "x_loyalty_points": 77,
    }
    assert the_order(odoo, installation, booking)["client_order_ref"] == "E-1"
    [stale] = conflicts(installation)
    assert (stale["field"], stale["stale"], stale["external"], stale["odoo"]) == ("x_nationality", True, "AT", "SK")

    resolve(installation, stale, take="odoo")
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before
    assert {each["state"] for each in conflicts(installation, "--state", "all")} == {"applied"}


@dataclass(frozen=True, slots=True)
class Edited:
    """What a delta found after both sides were edited, where the later change wins.

    Attributes:
        bookings: as they were before, by what has happened to them.
        guest: id of one whose contact was archived.
        room: id of a room type whose product was archived.
        before: Odoo just before the delta.
        invoices: likewise.
        delta: what it said.
    """

    bookings: dict[str, dict[str, Any]]
    guest: str
    room: str
    before: Snapshot
    invoices: list[Entry]
    delta: Sync


@pytest.fixture(scope="module")
def edited(hotel: Hotel, installation: Installation, user_site: Site, odoo: Odoo) -> Edited:
    """First the source, then people in Odoo, then the source again."""
    installation.connect(hotel, user_site)
    names = ("cancelled_last", "cancelled_first", "priced", *INVOICED, "settled")
    bookings = dict(zip(names, hotel.bookings("confirmed"), strict=False))
    bookings |= dict(zip(("odoo_last", "odoo_first"), hotel.bookings("pending"), strict=False))
    orders = {name: the_order(odoo, installation, booking) for name, booking in bookings.items()}
    guest, room = hotel.bookings("checked_out")[0]["guest"]["id"], hotel.truth()["rooms"][0]["id"]

    hotel.edit(bookings["cancelled_last"]["id"], special_requests="Before")
    hotel.edit(bookings["odoo_last"]["id"], booking_reference="E-2")

    odoo.call("sale.order", "action_cancel", [orders["cancelled_last"]["id"], orders["cancelled_first"]["id"]])
    odoo.write("sale.order", orders["odoo_last"]["id"], client_order_ref="O-2")
    odoo.write("sale.order", orders["odoo_first"]["id"], client_order_ref="O-3")
    odoo.write("sale.order.line", orders["priced"]["order_line"][0], price_unit=55.55)
    invoice(odoo, orders["draft"])
    invoice(odoo, orders["down_payment"], advance_payment_method="percentage", amount=10)
    for name in ("posted", "cancelled", "settled"):
        odoo.call("account.move", "action_post", [invoice(odoo, orders[name])])
    odoo.write("res.partner", contact_of(odoo, installation, guest)["id"], active=False)
    odoo.write("product.product", product_of(odoo, installation, room)["id"], active=False)

    bring_to_the_present(hotel)
    hotel.edit(bookings["cancelled_first"]["id"], special_requests="After")
    hotel.edit(bookings["odoo_first"]["id"], booking_reference="E-3")
    hotel.edit(bookings["priced"]["id"], rooms=one_room_more(bookings["priced"]))
    hotel.edit(bookings["draft"]["id"], special_requests="Another pillow", rooms=one_room_more(bookings["draft"]))
    hotel.edit(bookings["posted"]["id"], rooms=one_room_more(bookings["posted"]))
    hotel.edit(bookings["cancelled"]["id"], status="cancelled")
    hotel.edit(bookings["down_payment"]["id"], rooms=one_room_more(bookings["down_payment"]))
    hotel.edit(guest, "guests", loyalty_points=4321)
    hotel.edit(room, "rooms", price_per_night=321.0)
    before, invoices = snapshot(odoo, installation.name), all_invoices(odoo)
    return Edited(bookings, guest, room, before, invoices, installation.synced("delta"))


@pytest.mark.parametrize(("name", "note"), [("cancelled_last", "Before"), ("cancelled_first", "After")])
def test_an_order_that_a_person_cancelled_stays_so_whatever_else_the_source_changes(
    installation: Installation, odoo: Odoo, edited: Edited, name: str, note: str
) -> None:
    order = the_order(odoo, installation, edited.bookings[name])
    assert order["state"] == "cancel"
    assert note in order["note"]


def test_a_price_that_a_person_changed_survives_a_change_of_the_quantity(
    installation: Installation, odoo: Odoo, edited: Edited
) -> None:
    order = the_order(odoo, installation, edited.bookings["priced"])
    first = edited.before["sale.order.line"][order["order_line"][0]]
    [line] = odoo.rows("sale.order.line", [("id", "=", first["id"])], ["product_uom_qty", "price_unit"])
    assert line["product_uom_qty"] > first["product_uom_qty"]
    assert line["price_unit"] == first["price_unit"] == 55.55


@pytest.mark.parametrize(("name", "reference"), [("odoo_last", "O-2"), ("odoo_first", "E-3")])
def test_of_two_edits_the_later_one_wins(
    installation: Installation, odoo: Odoo, edited: Edited, name: str, reference: str
) -> None:
    assert the_order(odoo, installation, edited.bookings[name])["client_order_ref"] == reference


def test_an_invoiced_order_is_never_touched_and_the_conflict_says_why(
    installation: Installation, odoo: Odoo, edited: Edited
) -> None:
    assert edited.delta.count("orders", "conflict") == len(INVOICED)
    after = snapshot(odoo, installation.name)
    for name in INVOICED:
        order = the_order(odoo, installation, edited.bookings[name])
        assert belonging_to(after, order) == belonging_to(edited.before, order)
    assert all_invoices(odoo) == edited.invoices
    told = {each["external_id"]: each for each in conflicts(installation, "--flow", "orders")}
    assert told.keys() == {edited.bookings[name]["id"] for name in INVOICED}
    assert {each["code"] for each in told.values()} == {"invoiced"}
    differing = {name: told[edited.bookings[name]["id"]]["reason"] for name in INVOICED}
    assert "differs in: order_line." in differing["draft"]
    assert "order_line" in differing["posted"]
    assert "state" in differing["cancelled"]


def test_the_invoiced_quantity_tells_it_also_of_drafts_and_down_payments_to_a_user_with_the_documented_rights(
    installation: Installation, user_site: Site, odoo: Odoo, edited: Edited
) -> None:
    for name in (*INVOICED, "settled"):
        order = the_order(odoo, installation, edited.bookings[name])
        lines = Odoo(user_site).rows("sale.order.line", [("order_id", "=", order["id"])], ["qty_invoiced"])
        assert any(line["qty_invoiced"] for line in lines), name
    assert {each["state"] for each in edited.invoices} == {"draft", "posted"}


def test_what_was_archived_stays_bound_and_is_still_updated(
    installation: Installation, odoo: Odoo, edited: Edited
) -> None:
    contact, product = contact_of(odoo, installation, edited.guest), product_of(odoo, installation, edited.room)
    assert (contact["active"], contact["x_loyalty_points"]) == (False, 4321)
    assert (product["active"], product["list_price"]) == (False, 321.0)


def test_a_full_sync_finds_nothing_more(installation: Installation, odoo: Odoo, edited: Edited) -> None:
    before = snapshot(odoo, installation.name)
    full = installation.synced("full")
    assert full.outcomes() == {"unchanged", "conflict"}
    assert [full.count(flow, "conflict") for flow in ("partners", "products", "orders")] == [0, 0, len(INVOICED)]
    assert snapshot(odoo, installation.name) == before
    assert all_invoices(odoo) == edited.invoices


def test_an_order_whose_invoice_was_taken_back_is_freed_by_a_retry(
    installation: Installation, odoo: Odoo, edited: Edited
) -> None:
    booking = edited.bookings["draft"]
    order = the_order(odoo, installation, booking)
    odoo.call("account.move", "button_cancel", order["invoice_ids"])
    [asked] = [each for each in conflicts(installation, "--flow", "orders") if each["external_id"] == booking["id"]]
    assert installation.run("conflicts", "resolve", str(asked["id"]), "--retry").returncode == 0
    assert installation.synced("delta").count("orders", "updated") == 1
    assert "Another pillow" in the_order(odoo, installation, booking)["note"]


def test_the_address_that_a_contact_has_from_its_company_is_left_to_odoo_and_the_rest_arrives(
    hotel: Hotel, installation: Installation, user_site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, user_site, flows={"partners": {"policy": "external_wins"}})
    guest = hotel.bookings("checked_out")[-1]["guest"]["id"]
    contact = contact_of(odoo, installation, guest)["id"]
    [company] = odoo.call("res.partner", "create", [{"name": "Firm", "is_company": True, "city": "Salzburg"}])
    odoo.write("res.partner", contact, parent_id=company, type="contact")
    odoo.write("res.partner", company, street="Company Street 1", zip="5020")
    hotel.edit(guest, "guests", address={"street": "Own Street 1", "city": "Linz"}, loyalty_points=99)

    installation.synced("full")
    address = {"street": "Company Street 1", "city": "Salzburg", "zip": "5020"}
    assert partner(odoo, contact).items() >= {**address, "x_loyalty_points": 99}.items()
    assert partner(odoo, company).items() >= address.items()
    full = installation.synced("full")
    assert full.count("partners", "unchanged") == full.count("partners", "extracted")


def test_a_record_that_a_person_deleted_follows_the_policy(
    hotel: Hotel, installation: Installation, user_site: Site, odoo: Odoo
) -> None:
    wanted, unwanted, undecided = [*hotel.bookings("pending")[2:], *hotel.bookings("provisional")][:3]
    for booking in (wanted, unwanted, undecided):
        order = the_order(odoo, installation, booking)["id"]
        odoo.call("sale.order", "unlink", [order])

    installation.connect(hotel, user_site, flows={"orders": {"deleted_in_odoo": "conflict"}})
    installation.synced("full")
    asked = deleted_in_odoo(installation)
    assert asked.keys() == {wanted["id"], unwanted["id"], undecided["id"]}
    resolve(installation, asked[wanted["id"]], take="external")
    resolve(installation, asked[unwanted["id"]], take="odoo")
    assert installation.synced("delta").count("orders", "created") == 1
    assert the_order(odoo, installation, wanted)["state"] == "draft"
    assert deleted_in_odoo(installation).keys() == {undecided["id"]}

    hotel.edit(undecided["id"], special_requests="Ignored")
    installation.connect(hotel, user_site, flows={"orders": {"deleted_in_odoo": "ignore"}})
    assert installation.synced("delta").count("orders", "created") == 0
    assert deleted_in_odoo(installation) == {}

    hotel.edit(undecided["id"], special_requests="Made again")
    installation.connect(hotel, user_site)
    assert installation.synced("delta").count("orders", "created") == 1
    assert "Made again" in the_order(odoo, installation, undecided)["note"]
    assert orders_of(odoo, installation, unwanted) == []
