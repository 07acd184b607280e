"""A real Odoo 19 that is restored from a backup: what it lost is written again, and what people did before stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import contact_of, the_order
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.real_odoo import RealOdoo

pytestmark = pytest.mark.odoo


@dataclass
class Scene:
    """A hotel, an installation, and the Odoo that it uses."""

    hotel: Hotel
    installation: Installation
    database: RealOdoo
    site: Site

    @property
    def odoo(self) -> Odoo:
        return Odoo(self.site)

    @contextmanager
    def restored(self) -> Iterator[Scene]:
        """A backup is taken now; the scene that is given has what is restored from it."""
        with self.database.backup() as copy:
            yield Scene(self.hotel, self.installation, copy, site_of(copy))

    def use(self) -> None:
        self.installation.connect(self.hotel, self.site)

    def differences(self) -> list[str]:
        return read_books(self.odoo, self.installation.name).compared_with(expected_books(self.hotel.truth()))


def site_of(odoo: RealOdoo) -> Site:
    return Site(odoo.url, odoo.database, odoo.login, odoo.api_key, odoo.user, real=True)


@pytest.fixture(scope="module")
def scene(real_odoo: RealOdoo, site: Site, installation: Installation) -> Iterator[Scene]:
    with open_hotel(20, seed=5, days=30) as hotel:
        made = Scene(hotel, installation, real_odoo, site)
        made.use()
        assert installation.bootstrap().returncode == 0
        installation.synced("full")
        yield made


@pytest.fixture(scope="module")
def real_odoo(real_odoo: RealOdoo) -> Iterator[RealOdoo]:
    """A database of this module's own."""
    with real_odoo.fresh_database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def site(real_odoo: RealOdoo) -> Site:
    return site_of(real_odoo)


def test_every_update_that_the_backup_lost_is_written_again_and_edits_of_before_stay(scene: Scene) -> None:
    kept, untouched = scene.hotel.bookings("confirmed")[:2]
    order = the_order(scene.odoo, scene.installation, kept)
    scene.odoo.write("sale.order", order["id"], note="<p>Late arrival</p>")
    guest = contact_of(scene.odoo, scene.installation, kept["guest"]["id"])
    scene.odoo.write("res.partner", guest["id"], x_loyalty_points=4711)
    with scene.restored() as after:
        changed = scene.hotel.advance(changed_bookings=5, new_bookings=2, cancelled=1, changed_guests=3)
        scene.installation.synced("delta")
        scene.hotel.edit(untouched["id"], special_requests="A quiet room")
        scene.installation.synced("delta")
        edits = scene.differences()
        after.use()
        assert len(after.differences()) > len(edits) + 3
        full = after.installation.synced("full")
        assert after.differences() == edits
        assert not {"conflict", "rejected"} & full.outcomes()
        assert len(changed["changed_bookings"]) >= 5
        before = snapshot(after.odoo, after.installation.name)
        assert after.installation.synced("full").outcomes() == {"unchanged"}
        assert snapshot(after.odoo, after.installation.name) == before
        scene.use()


def test_recover_brings_payments_and_orders_back_and_takes_no_new_payment_for_a_lost_one(scene: Scene) -> None:
    paid, other = scene.hotel.bookings("confirmed")[2:4]
    before_backup = register(scene, paid["id"], 11.0)
    with scene.restored() as after:
        scene.installation.synced("outbound")  # its mark is lost with the backup
        lost = register(scene, paid["id"], 50.0)
        scene.installation.synced("outbound")
        scene.installation.synced("delta")
        name = held(scene, lost)["name"]
        scene.hotel.advance(changed_bookings=3, new_bookings=1)
        scene.installation.synced("delta")
        edits = scene.differences()
        after.use()
        new = register(after, other["id"], 80.0)
        assert (new, held(after, new)["name"]) == (lost, name)
        name_of = after.installation.name
        done = after.installation.run("recover", "--from", "odoo-backup", "-i", name_of, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert set(after.differences()) <= set(edits)  # the one that was made again has the memo of its mapping, too
        assert len(told["written_again"]) >= 2
        [again] = told["for_a_person"]["registered_in_odoo"]
        assert again["entity"] == "payment"
        rows = after.odoo.rows("account.payment", [("x_external_transaction_id", "=", name)], ["amount", "x_sync_key"])
        assert [row["amount"] for row in rows] == [50.0]
        assert held(after, before_backup)["x_external_synced"] is True
        assert held(after, new)["x_external_synced"] is False
        assert not held(after, new)["x_sync_key"]
        assert [each["flow"] for each in told["for_a_person"]["rejected"]] == ["payments_out"]
        assert sorted(ledger(scene)) == [11.0, 50.0]
        after.odoo.call("account.payment", "action_draft", [new])
        after.odoo.call("account.payment", "action_cancel", [new])
        anew = register(after, other["id"], 80.0)
        assert held(after, anew)["name"] != name
        after.installation.synced("outbound")
        assert held(after, anew)["x_external_synced"] is True
        assert sorted(ledger(scene)) == [11.0, 50.0, 80.0]
        scene.use()


def register(scene: Scene, booking: str, amount: float) -> int:
    """A clerk registers a payment for a booking and posts it."""
    key = f"{scene.installation.name}.booking.{booking}"
    [order] = scene.odoo.rows("sale.order", [("x_sync_key", "=", key)], ["partner_id"])
    values = {"partner_id": order["partner_id"], "amount": amount, "x_related_booking_id": booking}
    payment = int(scene.odoo.call("account.payment", "create", [values])[0])
    scene.odoo.call("account.payment", "action_post", [payment])
    return payment


def held(scene: Scene, payment: int) -> dict[str, Any]:
    """A payment as Odoo has it."""
    names = ["name", "amount", "x_external_synced", "x_sync_key"]
    [row] = scene.odoo.rows("account.payment", [("id", "=", payment)], names)
    return row


def ledger(scene: Scene) -> list[float]:
    """The amounts that the PMS was sent."""
    sent = requests.get(f"{scene.hotel.url}/sandbox/ledger", timeout=60).json()["payments"]
    return [each["amount"] for each in sent]
