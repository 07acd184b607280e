"""A PMS gives the id of a stay to another stay of another guest: the order of the first one stays what it was."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import Entry, snapshot, touched
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import bring_to_the_present, conflicts, resolve
from odoo_pipelines_tests.end_to_end.site import Odoo, Site


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site) -> Installation:
    installation.filled(hotel, site)
    bring_to_the_present(hotel)
    return installation


@pytest.fixture(scope="module")
def stays(hotel: Hotel) -> list[dict[str, Any]]:
    """Confirmed bookings of three guests."""
    guests: dict[str, dict[str, Any]] = {}
    for each in hotel.bookings("confirmed"):
        guests.setdefault(str(each["guest"]["id"]), each)
    return list(guests.values())[:3]


def another_stay(guest_of: dict[str, Any], reference: str) -> dict[str, Any]:
    return {
        "guest": guest_of["guest"],
        "booking_reference": reference,
        "check_in": "2031-03-01",
        "check_out": "2031-03-04",
    }


def the_order(odoo: Odoo, installation: Installation, booking: dict[str, Any]) -> Entry:
    key = f"{installation.name}.booking.{booking['id']}"
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", key)], ["client_order_ref", "partner_id", "state"])
    return order


def asked(installation: Installation) -> dict[str, dict[str, Any]]:
    return {str(each["external_id"]): each for each in conflicts(installation) if each["code"] == "id_reused"}


def test_another_stay_of_another_guest_under_a_known_id_waits_for_a_person(
    hotel: Hotel, installation: Installation, odoo: Odoo, stays: list[dict[str, Any]]
) -> None:
    one, _, other = stays
    order = the_order(odoo, installation, one)
    before = snapshot(odoo, installation.name)
    hotel.edit(one["id"], **another_stay(other, "ANOTHER-1"))
    for mode in ("delta", "full"):
        assert installation.synced(mode).count("orders", "conflict") == 1
        written = touched(before, snapshot(odoo, installation.name))
        assert not written["sale.order"]
        assert not written["sale.order.line"]
    [question] = asked(installation).values()
    assert str(question["external_id"]) == str(one["id"])
    assert question["odoo"]["client_order_ref"] == one["booking_reference"]
    assert question["external"]["client_order_ref"] == "ANOTHER-1"
    assert question["odoo"]["partner_id"] == order["partner_id"] != question["external"]["partner_id"]


def test_a_payment_of_the_other_stay_is_not_booked_to_the_guest_of_the_first(
    hotel: Hotel, installation: Installation, stays: list[dict[str, Any]]
) -> None:
    payment = next(each for each in hotel.truth()["payments"] if each["status"] == "received")
    hotel.edit(payment["id"], "payments", booking_id=stays[0]["id"])
    assert installation.synced("delta").count("payments", "rejected") == 1
    hotel.edit(payment["id"], "payments", booking_id=payment["booking_id"])
    assert installation.synced("delta").count("payments", "rejected") == 0


def test_the_answer_that_it_is_the_same_booking_takes_its_values_over(
    hotel: Hotel, installation: Installation, odoo: Odoo, stays: list[dict[str, Any]]
) -> None:
    [question] = asked(installation).values()
    resolve(installation, question, take="external")
    installation.synced("delta")
    order = the_order(odoo, installation, hotel.booking(stays[0]["id"]))
    assert (order["client_order_ref"], order["partner_id"]) == ("ANOTHER-1", question["external"]["partner_id"])
    assert asked(installation) == {}
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before


def test_guest_and_dates_that_change_under_one_reference_are_a_change_like_any_other(
    hotel: Hotel, installation: Installation, odoo: Odoo, stays: list[dict[str, Any]]
) -> None:
    one, other = stays[1:]
    hotel.edit(one["id"], **another_stay(other, one["booking_reference"]))
    assert installation.synced("delta").count("orders", "updated") == 1
    assert the_order(odoo, installation, one)["partner_id"] == the_order(odoo, installation, other)["partner_id"]


def test_a_deleted_order_makes_room_for_the_stay_that_has_its_id_now(
    hotel: Hotel, installation: Installation, odoo: Odoo, stays: list[dict[str, Any]]
) -> None:
    one, two, _ = stays
    former = the_order(odoo, installation, one)
    hotel.edit(one["id"], **another_stay(one, "ANOTHER-2") | {"check_in": "2032-03-01", "check_out": "2032-03-04"})
    assert installation.synced("delta").count("orders", "conflict") == 1
    [question] = asked(installation).values()
    for action in ("action_cancel", "unlink"):
        odoo.call("sale.order", action, [former["id"]])
    assert installation.run("conflicts", "resolve", str(question["id"]), "--retry").returncode == 0
    assert installation.synced("delta").count("orders", "created") == 1
    order = the_order(odoo, installation, hotel.booking(one["id"]))
    assert (order["client_order_ref"], order["id"] != former["id"]) == ("ANOTHER-2", True)
    assert the_order(odoo, installation, two)["id"] != order["id"]
    assert asked(installation) == {}
