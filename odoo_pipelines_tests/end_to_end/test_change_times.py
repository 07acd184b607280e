"""Wrong clocks, equal and missing times, old copies of a guest, a PMS restored from a backup: Odoo ends as the PMS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from odoo_pipelines_tests.end_to_end.installation import Installation, Sync
from odoo_pipelines_tests.end_to_end.shaped import ShapedHotel, ago, booking, guest, payment, shaped_hotel
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to

pytestmark = pytest.mark.odoo  # what decides is tested without Odoo; here is that Odoo ends as it should

FUTURE = "2031-01-01T00:00:00Z"


@dataclass
class Scene:
    """A hotel of its own, and the Odoo that all share."""

    hotel: ShapedHotel
    odoo: Odoo
    proxy: Proxy
    installation: Installation
    name: str

    def synced(self, mode: str) -> Sync:
        self.proxy.requests.clear()
        return self.installation.synced(mode, self.name)

    def writes_nothing(self, *modes: str) -> None:
        """Further syncs over unchanged data."""
        for mode in modes:
            self.synced(mode)
            assert self.proxy.writes == {}, mode

    def emails(self) -> dict[str, Any]:
        domain = [("x_sync_key", "like", f"{self.name}.guest.")]
        rows = self.odoo.rows("res.partner", domain, ["x_external_guest_id", "email"])
        return {row["x_external_guest_id"]: row["email"] for row in rows}

    def orders(self) -> dict[str, tuple[str, Any]]:
        domain = [("x_sync_key", "like", f"{self.name}.booking.")]
        rows = self.odoo.rows("sale.order", domain, ["x_external_id", "state", "client_order_ref"])
        return {row["x_external_id"]: (row["state"], row["client_order_ref"]) for row in rows}


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    name = f"pms{uuid4().hex[:8]}"
    with shaped_hotel() as hotel, proxy_to(site.url) as proxy:
        installation.connect(hotel, site.through(proxy.url), name)  # type: ignore[arg-type]
        assert installation.bootstrap(name).returncode == 0
        yield Scene(hotel, odoo, proxy, installation, name)


def test_after_the_pms_was_restored_from_a_backup_a_full_sync_brings_what_it_shows(scene: Scene) -> None:
    ann = guest(f"{scene.name}-ann", ago(days=9), "ann@example.com")
    backup = booking("b1", ago(days=9), ann, booking_reference="of the backup")
    scene.hotel.has("guests", ann)
    scene.hotel.has("bookings", backup)
    scene.synced("full")
    scene.hotel.has("guests", {**ann, "email": "later@example.com", "updated_at": ago(days=1)})
    scene.hotel.has("bookings", {**backup, "booking_reference": "later", "updated_at": ago(days=1)})
    scene.synced("delta")
    assert (scene.emails()[ann["id"]], scene.orders()["b1"]) == ("later@example.com", ("sale", "later"))

    scene.hotel.has("guests", ann)
    scene.hotel.has("bookings", backup)
    scene.synced("full")

    assert (scene.emails()[ann["id"]], scene.orders()["b1"]) == ("ann@example.com", ("sale", "of the backup"))
    scene.writes_nothing("full", "delta")


def test_a_change_time_in_the_future_is_not_believed_and_the_true_cancellation_counts(scene: Scene) -> None:
    ann = guest(f"{scene.name}-ann", ago(days=9), "ann@example.com")
    scene.hotel.has("guests", ann)
    scene.hotel.has("bookings", booking("b1", FUTURE, ann))
    scene.synced("full")
    assert scene.orders()["b1"][0] == "sale"
    scene.hotel.has("bookings", booking("b1", ago(seconds=0), ann, status="cancelled"))
    scene.synced("delta")
    assert scene.orders()["b1"][0] == "cancel"
    scene.writes_nothing("delta", "full")


@pytest.mark.parametrize("updated_at", [ago(days=2), None], ids=["told", "not told"])
def test_one_guest_in_two_bookings_of_the_same_time_is_written_once(scene: Scene, updated_at: str | None) -> None:
    one, other = (guest(f"{scene.name}-ann", None, f"{name}@example.com") for name in ("one", "other"))
    rows = [booking("b1", updated_at, one), booking("b2", updated_at, other)]
    scene.hotel.has("bookings", *rows)
    scene.synced("full")
    first = scene.emails()
    scene.writes_nothing("delta", "full", "full")
    scene.hotel.has("bookings", *reversed(rows))
    scene.writes_nothing("full", "delta")
    assert scene.emails() == first
    scene.hotel.has("bookings", booking("b2", updated_at and ago(hours=1), other, status="cancelled"))
    scene.synced("delta")
    assert scene.orders()["b2"][0] == "cancel"
    assert scene.emails() == first
    scene.hotel.has("bookings", booking("b1", updated_at and ago(minutes=30), {**one, "email": "new@example.com"}))
    scene.synced("delta")
    assert scene.emails() == {one["id"]: "new@example.com"}
    scene.writes_nothing("full", "full", "delta")


def test_an_old_copy_of_a_guest_in_a_booking_does_not_overwrite_a_newer_profile(scene: Scene) -> None:
    ann = guest(f"{scene.name}-ann", ago(days=9), "old@example.com")
    scene.hotel.has("guests", ann)
    scene.hotel.has("bookings", booking("b1", ago(days=8), ann))
    scene.synced("full")
    scene.hotel.has("guests", {**ann, "email": "new@example.com", "updated_at": ago(days=2)})
    scene.synced("delta")
    scene.hotel.has("bookings", booking("b1", ago(days=1), ann, status="cancelled"))
    scene.synced("delta")
    assert scene.emails() == {ann["id"]: "new@example.com"}
    assert scene.orders()["b1"][0] == "cancel"
    scene.writes_nothing("delta", "full")
    assert scene.emails() == {ann["id"]: "new@example.com"}


def test_payments_that_say_two_things_of_one_are_written_once(scene: Scene) -> None:
    ann = guest(f"{scene.name}-ann", ago(days=9), "ann@example.com")
    scene.hotel.has("bookings", booking("b1", ago(days=8), ann))
    paid = payment(f"{scene.name}-p", ago(days=7), "b1")
    scene.hotel.lists["payments"] = [paid, {**paid, "gateway": "b"}, {**paid, "gateway": "a"}]
    scene.synced("full")
    scene.writes_nothing("full", "delta")
    scene.hotel.lists["payments"].reverse()
    scene.writes_nothing("full", "delta")
