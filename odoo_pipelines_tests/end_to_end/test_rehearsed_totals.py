"""The dry run names the totals that will differ, and no others: as the run then does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import snapshot
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import conflicts
from odoo_pipelines_tests.end_to_end.shaped import ShapedHotel, ago, booking, guest, shaped_hotel
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

ANN = guest("ann", None, "ann@example.com")
COMMISSION = {"id": "x1", "name": "Commission", "quantity": 1, "price_per_unit": -30}
RIGHT, CENT, WRONG, LESS, UNTOLD, CANCELLED = (f"b{number}" for number in range(6))


@pytest.fixture(scope="module")
def shaped(site: Site, installation: Installation) -> Iterator[ShapedHotel]:
    """Bookings of two nights of 100, of which some say another total."""
    with shaped_hotel() as hotel:
        installation.connect(hotel, site)  # type: ignore[arg-type]
        assert installation.bootstrap().returncode == 0
        hotel.has(
            "bookings",
            booking(RIGHT, ago(days=3), ANN, total_amount=200),
            booking(CENT, ago(days=3), ANN, total_amount="200.01"),
            booking(WRONG, ago(days=3), ANN, total_amount=190),
            booking(LESS, ago(days=3), ANN, extras=[COMMISSION], total_amount=200),
            booking(UNTOLD, ago(days=3), ANN),
            booking(CANCELLED, ago(days=3), ANN, total_amount=190, status="cancelled"),
        )
        yield hotel


def test_a_first_sync_asks_about_the_totals_that_the_dry_run_has_named(
    shaped: ShapedHotel, installation: Installation, odoo: Odoo
) -> None:
    del shaped
    assert rehearsed_and_done(installation, odoo, "full") == {
        WRONG: ("190.00", "200.00"),
        LESS: ("200.00", "170.00"),
    }


def test_a_delta_asks_about_totals_and_lines_that_have_moved_as_the_dry_run_has_said(
    shaped: ShapedHotel, installation: Installation, odoo: Odoo
) -> None:
    """One is right now, of one the total alone has moved, of one the lines, and of one nothing that bears on it."""
    shaped.has(
        "bookings",
        booking(WRONG, ago(days=1), ANN, total_amount=200),
        booking(RIGHT, ago(days=1), ANN, total_amount=210),
        booking(LESS, ago(days=1), ANN, extras=[{**COMMISSION, "price_per_unit": -40}], total_amount=200),
        booking(UNTOLD, ago(days=1), ANN, booking_reference="another"),
    )
    expected = {RIGHT: ("210.00", "200.00"), LESS: ("200.00", "160.00")}
    assert rehearsed_and_done(installation, odoo, "delta") == expected
    assert rehearsed_and_done(installation, odoo, "full") == expected


def rehearsed_and_done(installation: Installation, odoo: Odoo, mode: str) -> dict[str, tuple[str, str]]:
    """Both totals by booking, as a dry run has named them, and as the run after it asks about the same ones."""
    before = snapshot(odoo, installation.name)
    done = installation.run("sync", "-i", installation.name, "--dry-run", "--mode", mode, "--json", "--sample", "100")
    assert done.returncode == 0, done.stderr
    assert snapshot(odoo, installation.name) == before
    said: dict[str, Any] = json.loads(done.stdout)["flows"]
    assert {name: flow["counts"] for name, flow in said.items()} == installation.synced(mode).flows
    assert {each["code"] for each in asked(installation)} == {"total_differs"}
    named = [(row["external_id"], each) for row in said["orders"]["sample"] for each in row["conflicts"]]
    then = {each["external_id"]: (each["field"], each["external"], each["odoo"]) for each in asked(installation)}
    assert {booking: (each["field"], each["external"], each["odoo"]) for booking, each in named} == then
    return {booking: (each["external"], each["odoo"]) for booking, each in named}


def asked(installation: Installation) -> list[dict[str, Any]]:
    return conflicts(installation, "--flow", "orders", "--integration", installation.name)
