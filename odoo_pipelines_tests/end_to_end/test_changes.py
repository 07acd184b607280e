"""What happens to bookings, guests and orders in the course of a year: every change arrives, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot, touched
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

SPOILT = ("checked_out", "confirmed", "pending", "no_show")
"""The last booking of each of these statuses is spoilt in Odoo; nothing has happened to it before."""


@pytest.fixture(scope="module")
def hotel(site: Site) -> Iterator[Hotel]:
    with open_hotel(120, seed=3) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site) -> Installation:
    """Everything is in Odoo already."""
    return installation.filled(hotel, site)


def test_changes_of_every_kind_arrive_with_a_delta(hotel: Hotel, installation: Installation, odoo: Odoo) -> None:
    before = snapshot(odoo, installation.name)
    bookings, guests = change_everything(hotel)
    delta = installation.synced("delta")
    assert delta.count("orders", "updated") == len(bookings)
    written = touched(before, snapshot(odoo, installation.name))
    assert written["sale.order"] == {f"{installation.name}.booking.{each}" for each in bookings}
    assert written["res.partner"] == {f"{installation.name}.guest.{each}" for each in guests}
    assert written["product.product"] == set()
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []


def test_after_a_delta_there_is_nothing_left_for_a_full_sync(installation: Installation, odoo: Odoo) -> None:
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before


def test_what_people_did_in_odoo_stays_where_the_later_change_wins_and_only_what_they_deleted_comes_back(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    spoil(odoo, installation.name, *(hotel.bookings(each)[-1] for each in SPOILT))
    spoilt = read_books(odoo, installation.name).compared_with(expected_books(hotel.truth()))
    assert len(spoilt) >= 8
    before = snapshot(odoo, installation.name)
    full = installation.synced("full")
    gone = hotel.bookings(SPOILT[-1])[-1]["id"]
    left = [each for each in spoilt if f"bookings {gone}" not in each]
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == left != spoilt
    assert (full.count("orders", "created"), full.count("orders", "updated")) == (1, 0)
    again = f"{installation.name}.booking.{gone}"
    assert touched(before, snapshot(odoo, installation.name))["sale.order"] == {again}


def test_what_people_did_in_odoo_is_corrected_by_a_full_sync_where_the_external_side_wins(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, site, policy="external_wins")
    full = installation.synced("full")
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
    assert full.count("orders", "updated") == 3
    assert full.count("partners", "updated") == 1


def test_a_line_that_a_person_added_stays(hotel: Hotel, installation: Installation, odoo: Odoo) -> None:
    booking = hotel.bookings("confirmed")[5]
    order = order_of(odoo, installation.name, booking)
    [line] = odoo.call(
        "sale.order.line", "create", [{"order_id": order["id"], "name": "Broken lamp", "price_unit": 80}]
    )
    hotel.edit(booking["id"], rooms=[{**booking["rooms"][0], "price_per_night": 99.5}])
    installation.synced("delta")
    installation.synced("full")
    [kept] = odoo.rows("sale.order.line", [("id", "=", line)], ["name", "price_unit", "order_id"])
    assert kept == {"id": line, "name": "Broken lamp", "price_unit": 80.0, "order_id": order["id"]}
    others = expected_books(hotel.truth(), without=[booking["id"]])
    differences = read_books(odoo, installation.name).compared_with(others)
    paid = [each["transaction_id"] for each in hotel.truth()["payments"] if each["booking_id"] == booking["id"]]
    surplus = [f"bookings {booking['id']}", *(f"payments {transaction}" for transaction in paid)]
    assert sorted(differences) == [f"{each}: should not be in Odoo" for each in surplus]


def test_a_locked_order_is_left_alone_where_nothing_may_be_unlocked(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    booking = next(each for each in hotel.bookings("checked_out") if each["extras"])
    installation.connect(hotel, site, unlock_orders=False)  # as earlier versions had it
    before = snapshot(odoo, installation.name)
    hotel.edit(booking["id"], extras=[])
    assert installation.synced("delta").count("orders", "conflict") == 1
    assert snapshot(odoo, installation.name) == before


def change_everything(hotel: Hotel) -> tuple[list[str], list[str]]:
    """One booking for every kind of change, and some guests; gives their ids."""
    confirmed, departed = hotel.bookings("confirmed"), hotel.bookings("checked_out")
    several = [each for each in confirmed if len(each["rooms"]) > 1]
    plain = [each for each in confirmed if each not in several]
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (plain[0], {"rooms": [*plain[0]["rooms"], another_room(plain[0])]}),
        (several[0], {"rooms": several[0]["rooms"][1:]}),
        (plain[1], {"rooms": [{**plain[1]["rooms"][0], "price_per_night": 123.45}]}),
        (plain[2], {"rooms": [{**plain[2]["rooms"][0], "quantity": plain[2]["rooms"][0]["quantity"] + 1}]}),
        (plain[3], {"rooms": [{**plain[3]["rooms"][0], "room_type_id": "rt_00000010", "room_type_name": "Penthouse"}]}),
        (plain[4], {"check_in": "2027-03-01", "check_out": "2027-03-01"}),
        (plain[5], {"check_in": "2027-02-27", "check_out": "2027-03-03", "special_requests": None}),
        (plain[6], {"status": "checked_out", "special_requests": "Thanks & <good> \"bye\""}),
        (plain[7], {"status": "no_show"}),
        (plain[8], {"extras": []}),
        (plain[9], {"rooms": []}),
        (departed[0], {"extras": [an_extra(departed[0])]}),
        (departed[1], {"status": "confirmed"}),
        (hotel.bookings("cancelled")[0], {"status": "confirmed"}),
        (hotel.bookings("cancelled")[1], {"status": "checked_out", "channel": {"source": "agency"}}),
        (hotel.bookings("cancelled")[2], {"special_requests": "Refund, please"}),
        (hotel.bookings("pending")[0], {"status": "confirmed", "adults": 7}),
        (hotel.bookings("provisional")[0], {"rooms": [], "extras": [an_extra(hotel.bookings("provisional")[0])]}),
    ]  # fmt: skip
    for booking, fields in changes:
        hotel.edit(booking["id"], **fields)
    guests = [guest["id"] for guest in hotel.truth()["guests"][:2]]
    hotel.edit(guests[0], "guests", first_name="Renamed", last_name="Person", email="NEW@example.com", phone="")
    hotel.edit(guests[1], "guests", address=None, date_of_birth=None, vip_status=True, loyalty_points=0)
    return [booking["id"] for booking, _ in changes], guests


def spoil(odoo: Odoo, integration: str, *bookings: dict[str, Any]) -> None:
    """Edits, empties and deletes what belongs to four bookings, as people do."""
    departed, confirmed, pending, gone = (order_of(odoo, integration, booking) for booking in bookings)
    odoo.write("sale.order", departed["id"], note="<p>What?</p>", client_order_ref="", x_check_in_date="1999-01-01")
    odoo.write("sale.order.line", confirmed["order_line"][0], price_unit=1.0, name="Cheap")
    odoo.write("sale.order", confirmed["id"], date_order="2001-01-01 01:01:01")
    odoo.call("sale.order", "action_confirm", [pending["id"]])
    odoo.call("sale.order", "action_draft", [gone["id"]])
    odoo.call("sale.order", "unlink", [gone["id"]])
    odoo.write("res.partner", departed["partner_id"], name="Somebody", email="other@example.com", x_loyalty_points=-1)


def order_of(odoo: Odoo, integration: str, booking: dict[str, Any]) -> dict[str, Any]:
    key = f"{integration}.booking.{booking['id']}"
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", key)], ["order_line", "partner_id"])
    return order


def another_room(booking: dict[str, Any]) -> dict[str, Any]:
    first = booking["rooms"][0]
    return {**first, "id": f"{booking['id']}-r9", "room_number": "909", "price_per_night": 77.77}


def an_extra(booking: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{booking['id']}-new", "name": "Parking", "quantity": 3, "price_per_unit": 12.5}
