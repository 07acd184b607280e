"""Records that the hotel has no more: reported, cancelled, archived, and not believed if they are many."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import snapshot
from odoo_pipelines_tests.end_to_end.conftest import new_installation
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

CANCEL = {"orders": {"vanished": "cancel"}}
ARCHIVE = {"orders": {"vanished": "cancel"}, "partners": {"vanished": "archive"}}


@pytest.fixture
def new_hotel() -> Iterator[Hotel]:
    with open_hotel(60) as opened:
        yield opened


@pytest.fixture
def new_home(tmp_path: Path, server_url: str, template: str) -> Iterator[Installation]:
    with new_installation(tmp_path, server_url, template, in_process=True) as made:
        yield made


@pytest.mark.odoo
def test_vanished_records_are_treated_as_the_policies_say_and_too_many_stop_the_run(
    real_site: Site, new_hotel: Hotel, new_home: Installation
) -> None:
    odoo = Odoo(real_site)
    new_home.connect(new_hotel, real_site, vanished_share_limit=0.1, flows=CANCEL)
    assert new_home.bootstrap().returncode == 0
    new_home.synced("full")

    [confirmed, *_], [locked, corrected, *_] = only_stays(new_hotel, "confirmed"), only_stays(new_hotel, "checked_out")
    correct_and_lock(odoo, new_home, corrected)
    guest = confirmed["guest"]["id"]
    for booking in (confirmed, locked, corrected):
        new_hotel.delete(booking["id"])
    new_hotel.delete(guest, "guests")
    before = snapshot(odoo, new_home.name)
    sync = new_home.synced("full")
    assert sync.outcomes() == {"unchanged"}
    for booking in (confirmed, locked):  # our own lock is opened, somebody else's is not
        assert order_state(odoo, new_home, booking) == ("cancel", False)
        assert told(new_home, "booking", booking["id"]) == [("created", ""), ("updated", "vanished_cancelled")]
    assert order_state(odoo, new_home, corrected) == ("sale", True)
    assert told(new_home, "booking", corrected["id"])[-1] == ("conflict", "frozen")
    assert snapshot(odoo, new_home.name)["res.partner"] == before["res.partner"]
    assert trace(new_home, "guest", guest)["record"]["vanished_at"]

    before = snapshot(odoo, new_home.name)
    assert new_home.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, new_home.name) == before

    new_home.connect(new_hotel, real_site, vanished_share_limit=0.1, flows=ARCHIVE)
    new_home.synced("full")
    assert is_active(odoo, new_home, guest) is False

    for booking in new_hotel.bookings("confirmed"):
        new_hotel.delete(booking["id"])
    before = snapshot(odoo, new_home.name)
    stopped = new_home.sync("full")
    assert stopped.code == 1
    assert "So many records seem to have vanished" in stopped.stderr
    assert snapshot(odoo, new_home.name) == before


def only_stays(hotel: Hotel, status: str) -> list[dict[str, Any]]:
    """Bookings whose guests have no other."""
    stays = Counter(each["guest"]["id"] for each in hotel.truth()["bookings"])
    return [each for each in hotel.bookings(status) if stays[each["guest"]["id"]] == 1]


def correct_and_lock(odoo: Odoo, home: Installation, booking: dict[str, Any]) -> None:
    """Somebody opens an order, corrects its price, and locks it again."""
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", f"{home.name}.booking.{booking['id']}")], ["order_line"])
    odoo.call("sale.order", "action_unlock", [order["id"]])
    odoo.write("sale.order.line", order["order_line"][0], price_unit=1.0)
    odoo.call("sale.order", "action_lock", [order["id"]])


def trace(home: Installation, entity: str, external_id: str | int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        home.run("trace", entity, str(external_id), "--integration", home.name, "--json").stdout
    )
    return found


def told(home: Installation, entity: str, external_id: str | int) -> list[tuple[str, str]]:
    return [(each["outcome"], each["code"]) for each in trace(home, entity, external_id)["runs"]]


def order_state(odoo: Odoo, home: Installation, booking: dict[str, Any]) -> tuple[str, bool]:
    key = f"{home.name}.booking.{booking['id']}"
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", key)], ["state", "locked"])
    return order["state"], order["locked"]


def is_active(odoo: Odoo, home: Installation, guest: str | int) -> bool:
    [partner] = odoo.rows("res.partner", [("x_sync_key", "=", f"{home.name}.guest.{guest}")], ["active"])
    return bool(partner["active"])
