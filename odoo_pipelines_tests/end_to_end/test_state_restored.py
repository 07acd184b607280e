"""The state comes back older, beside a real Odoo 19 that goes on: both sides end as the truth, and nothing is twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from odoo_pipelines.stores.database import connect
from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.snapshots import TABLES, StateSnapshot

pytestmark = pytest.mark.odoo


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@contextmanager
def state_restored(installation: Installation) -> Iterator[None]:
    """At the end of the block the state is what it was at its beginning; Odoo, PMS and batches are not."""
    engine = connect(installation.database_url)
    try:
        backup = StateSnapshot.of(engine)
        yield
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {', '.join(TABLES)} restart identity cascade"))
        backup.restore(engine)
    finally:
        engine.dispose()


def test_what_happened_after_the_backup_is_neither_lost_nor_there_twice(
    hotel: Hotel, odoo: Odoo, site: Site, installation: Installation
) -> None:
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    installation.synced("full")
    kept, changed = hotel.bookings("confirmed")[:2]
    with state_restored(installation):
        hotel.advance(changed_bookings=3, new_bookings=2, cancelled=1, changed_guests=2)
        hotel.edit(changed["id"], special_requests="A quiet room")
        installation.synced("delta")
        sent = register(odoo, installation, kept["id"], 50.0)
        installation.synced("outbound")
        installation.synced("delta")
        by_hand = differences(hotel, odoo, installation)
        assert [each.partition(" ")[0] for each in by_hand] == ["payments"]  # the clerk's has another memo, or none
        hotel.advance(new_bookings=1)  # nobody has seen it when the state comes back
    assert len(differences(hotel, odoo, installation)) > len(by_hand)

    told = recovered(installation)

    assert differences(hotel, odoo, installation) == by_hand
    assert told["for_a_person"] == {name: [] for name in told["for_a_person"]}
    amounts = [each["amount"] for each in odoo.rows("account.payment", [("id", "=", sent)], ["amount"])]
    assert (amounts, ledger(hotel)) == ([50.0], [50.0])
    before = snapshot(odoo, installation.name)
    again = recovered(installation)
    assert again["written_again"] == again["created_again"] == []
    assert snapshot(odoo, installation.name) == before
    assert ledger(hotel) == [50.0]


def differences(hotel: Hotel, odoo: Odoo, installation: Installation) -> list[str]:
    return read_books(odoo, installation.name).compared_with(expected_books(hotel.truth()))


def recovered(installation: Installation) -> dict[str, Any]:
    done = installation.run("recover", "--from", "state-backup", "-i", installation.name, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def register(odoo: Odoo, installation: Installation, booking: str, amount: float) -> int:
    """A clerk registers a payment for a booking and posts it."""
    key = f"{installation.name}.booking.{booking}"
    [order] = odoo.rows("sale.order", [("x_sync_key", "=", key)], ["partner_id"])
    values = {"partner_id": order["partner_id"], "amount": amount, "x_related_booking_id": booking}
    payment = int(odoo.call("account.payment", "create", [values])[0])
    odoo.call("account.payment", "action_post", [payment])
    return payment


def ledger(hotel: Hotel) -> list[float]:
    """The amounts that the PMS was sent."""
    sent = requests.get(f"{hotel.url}/sandbox/ledger", timeout=60).json()["payments"]
    return [each["amount"] for each in sent]
