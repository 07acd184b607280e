"""The rooms of orders on a real Odoo 19 are gone from what the PMS may sell, night by night; nothing else is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, TypeAlias

import pytest
import requests

from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

Numbers: TypeAlias = dict[tuple[str, str], int]

FLOW = "availability_out"
DAYS, ROOMS = 40, 4
PUT = "PUT /room-types/{id}/availability"

pytestmark = pytest.mark.odoo


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    """Bookings of the last and the next weeks."""
    with open_hotel(80, days=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site, odoo: Odoo) -> Installation:
    """Everything is in Odoo, and somebody has entered how many rooms there are of each type but the last."""
    installation.connect(hotel, site, availability_days=DAYS)
    assert installation.bootstrap().returncode == 0
    installation.synced("full")
    for product in room_types(odoo, installation)[:-1]:
        odoo.write("product.product", product["id"], x_room_count=ROOMS)
    installation.synced("outbound")
    return installation


def room_types(odoo: Odoo, installation: Installation) -> list[dict[str, Any]]:
    """The products that are rooms, with the id that the PMS knows each by."""
    domain = [("x_sync_key", "=like", f"{installation.name}.room_type.%")]
    return odoo.rows("product.product", domain, ["x_external_room_type_id"])


def told(hotel: Hotel) -> Numbers:
    """What the PMS holds, by room type and night."""
    ledger = requests.get(f"{hotel.url}/sandbox/ledger", timeout=60).json()["availability"]
    return {(each["room_type_id"], each["date"]): each["available"] for each in ledger}


def puts(hotel: Hotel) -> int:
    """How many numbers went over the wire."""
    requested = requests.get(f"{hotel.url}/sandbox/stats", timeout=60).json()["requests"]
    return sum(requested.get(PUT, {}).values())


def sold(hotel: Hotel) -> Counter[tuple[str, str]]:
    """The rooms of the hotel's own bookings, walked through night by night."""
    rooms: Counter[tuple[str, str]] = Counter()
    for booking in hotel.truth()["bookings"]:
        if booking["status"] in ("confirmed", "checked_in", "checked_out"):
            night, after = date.fromisoformat(booking["check_in"]), date.fromisoformat(booking["check_out"])
            while night < after:
                for room in booking["rooms"]:
                    rooms[room["room_type_id"], night.isoformat()] += room["quantity"]
                night += timedelta(days=1)
    return rooms


def test_every_night_has_the_rooms_that_no_booking_takes(installation: Installation, hotel: Hotel, odoo: Odoo) -> None:
    numbers, taken = told(hotel), sold(hotel)
    *counted, uncounted = [each["x_external_room_type_id"] for each in room_types(odoo, installation)]
    first = date.fromisoformat(min(night for _, night in numbers))
    nights = [(first + timedelta(days=number)).isoformat() for number in range(DAYS)]
    expected = {(room, night): max(ROOMS - taken[room, night], 0) for room in counted for night in nights}
    assert numbers == expected
    assert len(set(numbers.values())) > 2
    assert uncounted not in {room for room, _ in numbers}


def test_a_second_run_sends_nothing(installation: Installation, hotel: Hotel) -> None:
    before = puts(hotel)
    assert installation.synced("outbound").flows[FLOW]["unchanged"] == len(told(hotel))
    assert puts(hotel) == before


def test_an_order_that_is_confirmed_moved_and_cancelled_in_odoo_changes_its_own_nights(
    installation: Installation, hotel: Hotel, odoo: Odoo
) -> None:
    before, first = told(hotel), date.fromisoformat(min(night for _, night in told(hotel)))
    room = next(
        each for each in room_types(odoo, installation) if before[each["x_external_room_type_id"], day(first, 35)]
    )
    order = by_hand(odoo, room["id"], day(first, 33), day(first, 35))
    installation.synced("outbound")
    assert told(hotel) == before

    odoo.call("sale.order", "action_confirm", [order])
    assert changed(installation, hotel, before) == {
        (room["x_external_room_type_id"], day(first, each)) for each in (33, 34)
    }
    odoo.write("sale.order", order, x_check_in_date=day(first, 34), x_check_out_date=day(first, 36))
    assert changed(installation, hotel, before) == {
        (room["x_external_room_type_id"], day(first, each)) for each in (34, 35)
    }
    odoo.call("sale.order", "action_lock", [order])
    assert puts_of(installation, hotel) == 0
    odoo.call("sale.order", "action_unlock", [order])
    odoo.call("sale.order", "action_cancel", [order])
    assert changed(installation, hotel, before) == set()


def by_hand(odoo: Odoo, product: int, check_in: str, check_out: str) -> int:
    """A quotation for one room, as a person writes it."""
    [partner] = odoo.call("res.partner", "create", [{"name": "A guest at the desk"}])
    line = {"product_id": product, "product_uom_qty": 2, "price_unit": 90}
    dates = {"x_check_in_date": check_in, "x_check_out_date": check_out}
    [order] = odoo.call("sale.order", "create", [{"partner_id": partner, "order_line": [[0, 0, line]], **dates}])
    return int(order)


def day(first: date, number: int) -> str:
    """So many days after the first that is told."""
    return (first + timedelta(days=number)).isoformat()


def changed(installation: Installation, hotel: Hotel, before: Numbers) -> set[tuple[str, str]]:
    """Nights that have one room less than before, after a run; all others are as before."""
    installation.synced("outbound")
    differing = {key: number for key, number in told(hotel).items() if number != before[key]}
    assert all(number == before[key] - 1 for key, number in differing.items())
    return set(differing)


def puts_of(installation: Installation, hotel: Hotel) -> int:
    """How many numbers a run sends."""
    before = puts(hotel)
    installation.synced("outbound")
    return puts(hotel) - before
