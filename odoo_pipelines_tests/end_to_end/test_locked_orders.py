"""Corrections after check-out are daily business: they arrive, unless somebody in Odoo stands in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import (
    all_invoices,
    bring_to_the_present,
    conflicts,
    invoice,
    the_order,
)
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo  # what Odoo lets change on a locked order is the point

ROUNDS = 2


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(120, seed=11) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site) -> Installation:
    """Everything is in Odoo already, with the default settings."""
    installation.filled(hotel, site)
    bring_to_the_present(hotel)
    return installation


def test_corrections_of_every_kind_after_check_out_arrive_and_none_is_a_conflict(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    bookings = hotel.bookings("checked_out")
    for number in range(ROUNDS):
        corrected = correct(hotel, bookings, number)
        delta = installation.synced("delta")
        assert (delta.count("orders", "updated"), delta.count("orders", "conflict")) == (len(corrected), 0)
        assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []
    for booking in bookings:
        order = the_order(odoo, installation, booking)
        assert locked(odoo, order) is (hotel.booking(booking["id"])["status"] == "checked_out")
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before


def test_a_dry_run_shows_that_an_order_is_unlocked_and_locked_again(hotel: Hotel, installation: Installation) -> None:
    booking = untouched(hotel)[0]
    hotel.edit(booking["id"], extras=[an_extra(booking, 7)])
    done = installation.run("sync", "--integration", installation.name, "--dry-run", "--json")
    [shown] = [each for each in json.loads(done.stdout)["flows"]["orders"]["sample"] if each["outcome"] == "updated"]
    states = [(each["before"], each["after"]) for each in shown["changes"] if each["field"] == "state"]
    assert states == [("locked", "sale"), ("sale", "locked")]
    assert installation.synced("delta").count("orders", "updated") == 1


def test_orders_that_people_have_locked_or_changed_since_are_a_question_until_they_are_unlocked(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    departed, confirmed = untouched(hotel)[1], hotel.bookings("confirmed")[0]
    orders = [the_order(odoo, installation, each) for each in (departed, confirmed)]
    odoo.call("sale.order", "action_unlock", [orders[0]["id"]])
    odoo.write("sale.order.line", orders[0]["order_line"][0], price_unit=1.25)
    odoo.call("sale.order", "action_lock", [each["id"] for each in orders])
    before = snapshot(odoo, installation.name)
    bring_to_the_present(hotel)
    for booking in (departed, confirmed):
        hotel.edit(booking["id"], extras=[an_extra(booking, 8)])

    assert installation.synced("delta").count("orders", "conflict") == 2
    assert snapshot(odoo, installation.name) == before
    asked = conflicts(installation, "--flow", "orders")
    assert {each["code"] for each in asked} == {"frozen"}

    odoo.call("sale.order", "action_unlock", [each["id"] for each in orders])
    for each in asked:
        done = installation.run("conflicts", "resolve", str(each["id"]), "--retry")
        assert done.returncode == 0, done.stderr
    assert installation.synced("delta").count("orders", "updated") == 2
    assert conflicts(installation, "--flow", "orders") == []


def test_a_note_or_a_status_of_an_invoiced_order_arrives_and_leaves_the_invoice_alone(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    noted, left, reopened = untouched(hotel)[2], hotel.bookings("checked_in")[0], untouched(hotel)[3]
    for booking in (noted, left, reopened):
        odoo.call("account.move", "action_post", [invoice(odoo, the_order(odoo, installation, booking))])
    invoices = all_invoices(odoo)
    hotel.edit(noted["id"], special_requests="Invoice to the office", booking_reference="REF-9")
    hotel.edit(left["id"], status="checked_out")
    hotel.edit(reopened["id"], status="checked_in")

    delta = installation.synced("delta")
    assert (delta.count("orders", "updated"), delta.count("orders", "conflict")) == (3, 0)
    assert all_invoices(odoo) == invoices
    order = the_order(odoo, installation, noted)
    assert ("Invoice to the office" in order["note"], order["client_order_ref"]) == (True, "REF-9")
    assert locked(odoo, the_order(odoo, installation, left))
    assert not locked(odoo, the_order(odoo, installation, reopened))


def test_confirmed_bookings_are_corrected_also_where_odoo_locks_what_is_confirmed(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    settings = odoo.call("res.config.settings", "create", [{"group_auto_done_setting": True}])
    odoo.call("res.config.settings", "execute", settings)
    pending, confirmed = hotel.bookings("pending")[:4], hotel.bookings("confirmed")[1:3]
    for booking in pending:
        hotel.edit(booking["id"], status="confirmed")
    assert installation.synced("delta").count("orders", "updated") == len(pending)
    assert all(locked(odoo, the_order(odoo, installation, each)) for each in pending)
    assert installation.synced("full").count("orders", "updated") == 0

    noted, dearer, cancelled, departed = pending
    hotel.edit(noted["id"], special_requests="Late arrival")
    hotel.edit(dearer["id"], extras=[an_extra(dearer, 9)])
    hotel.edit(cancelled["id"], status="cancelled")
    hotel.edit(departed["id"], status="checked_out", extras=[an_extra(departed, 9)])
    for booking in confirmed:  # from before the setting was switched on
        hotel.edit(booking["id"], extras=[an_extra(booking, 9)])
    delta = installation.synced("delta")
    assert (delta.count("orders", "updated"), delta.count("orders", "conflict")) == (6, 0)
    orders = [the_order(odoo, installation, each) for each in (*pending, *confirmed)]
    assert [locked(odoo, each) for each in orders] == [True, True, False, True, False, False]
    assert "Late arrival" in orders[0]["note"]
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").count("orders", "updated") == 0
    assert snapshot(odoo, installation.name) == before


def correct(hotel: Hotel, bookings: list[dict[str, Any]], number: int) -> list[str]:
    """One correction of every kind; gives the bookings."""
    bookings = [hotel.booking(each["id"]) for each in bookings]
    several = [each for each in bookings if len(each["rooms"]) > 1]
    others = iter(each for each in bookings if each not in several[:1])
    guest = hotel.truth()["guests"][-1 - number]

    def with_room(booking: dict[str, Any], **values: Any) -> dict[str, Any]:
        first, *rest = booking["rooms"]
        return {"rooms": [{**first, **values}, *rest]}

    kinds = (
        lambda _: {"special_requests": f"Lost an umbrella {number}"},
        lambda _: {"channel": {"source": f"agency {number}"}},
        lambda _: {"booking_reference": f"REF-{number}"},
        lambda each: {"extras": [*each["extras"], an_extra(each, number)]},
        lambda each: {"extras": [*each["extras"], an_extra(each, number)], "special_requests": f"Minibar {number}"},
        lambda each: with_room(each, price_per_night=111.5 + number),
        lambda each: with_room(each, room_number=f"90{number}"),
        lambda each: with_room(each, rate_plan_name=f"Corporate {number}"),
        lambda each: {"adults": 5 + number, **with_room(each, adults=5 + number)},
        lambda each: with_room(each, quantity=each["rooms"][0]["quantity"] + 1),
        lambda _: {"check_in": "2026-09-01", "check_out": f"2026-09-0{3 + number}"},
        lambda _: {"guest": guest},
        lambda _: {"status": ("confirmed", "checked_out")[number]},
        lambda _: {"status": ("cancelled", "checked_out")[number]},
    )
    changes = [(next(others), kind) for kind in kinds]
    if several:
        changes.append(
            (several[0], lambda each: {"rooms": each["rooms"][1:]} if len(each["rooms"]) > 1 else {"extras": []})
        )
    for booking, kind in changes:
        hotel.edit(booking["id"], **kind(booking))
    return [booking["id"] for booking, _ in changes]


def untouched(hotel: Hotel) -> list[dict[str, Any]]:
    """Departed guests' bookings that no correction has been made of, the last ones."""
    return hotel.bookings("checked_out")[::-1]


def an_extra(booking: dict[str, Any], number: int) -> dict[str, Any]:
    return {"id": f"{booking['id']}-late{number}", "name": "Parking", "quantity": 1 + number, "price_per_unit": 12.5}


def locked(odoo: Odoo, order: dict[str, Any]) -> bool:
    [row] = odoo.rows("sale.order", [("id", "=", order["id"])], ["state", "locked"])
    return bool(row["locked"])
