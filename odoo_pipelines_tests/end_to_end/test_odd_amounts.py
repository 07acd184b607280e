"""What is given back, taken off or left out of a booking, on a real Odoo, as another client reads it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from odoo_pipelines_tests.end_to_end.installation import Installation, Sync
from odoo_pipelines_tests.end_to_end.people import conflicts
from odoo_pipelines_tests.end_to_end.shaped import ShapedHotel, ago, booking, guest, payment, shaped_hotel
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo

Row = dict[str, Any]
BREAKFAST = {"id": "x1", "name": "Breakfast", "quantity": 2, "price_per_unit": 15}
COMMISSION = {"id": "x2", "name": "Commission", "quantity": 1, "price_per_unit": -30}


@dataclass
class Scene:
    """A hotel of its own, and the Odoo that all share; what is shown later is as much later in the hotel."""

    hotel: ShapedHotel
    site: Site
    odoo: Odoo
    installation: Installation
    name: str = field(default_factory=lambda: f"pms{uuid4().hex[:8]}")
    hours: int = 100

    def connect(self, **settings: Any) -> None:
        self.installation.connect(self.hotel, self.site, self.name, **settings)  # type: ignore[arg-type]
        assert self.installation.bootstrap(self.name).returncode == 0

    def shows(self, stream: str, row: Row) -> None:
        self.hours -= 1
        self.hotel.has(stream, {**row, "updated_at": ago(hours=self.hours)})

    def books(self, **fields: Any) -> Row:
        """Two nights of 100 dollars."""
        row = booking("b1", None, guest(f"{self.name}-ann", None, "ann@example.com", country="US"), **fields)
        self.shows("bookings", row)
        return row

    def pays(self, **fields: Any) -> None:
        self.shows("payments", payment(f"{self.name}-p", None, "b1", **{"amount": 100, **fields}))

    def synced(self, mode: str = "delta") -> Sync:
        return self.installation.synced(mode, self.name)

    def writes_nothing_more(self) -> None:
        for mode in ("delta", "full"):
            assert self.synced(mode).outcomes() <= {"unchanged"}

    def order(self) -> Row:
        fields = ["state", "amount_untaxed", "amount_total"]
        [found] = self.odoo.rows("sale.order", [("x_sync_key", "=", f"{self.name}.booking.b1")], fields)
        return found

    def lines(self) -> dict[str, tuple[float, float]]:
        """Quantity and price by name."""
        fields = ["name", "product_uom_qty", "price_unit"]
        found = self.odoo.rows("sale.order.line", [("order_id", "=", self.order()["id"])], fields)
        assert len({each["name"] for each in found}) == len(found)
        return {each["name"]: (each["product_uom_qty"], each["price_unit"]) for each in found}

    def money(self) -> list[tuple[str, float, float]]:
        """Direction and amount of every payment that is posted, and the amount of its entry."""
        domain = [("x_external_transaction_id", "=", f"{self.name}-p"), ("state", "in", ["in_process", "paid"])]
        found = self.odoo.rows("account.payment", domain, ["payment_type", "amount", "move_id"])
        return sorted((each["payment_type"], each["amount"], self.entry(each["move_id"])) for each in found)

    def entry(self, move: int) -> float:
        [found] = self.odoo.rows("account.move", [("id", "=", move)], ["state", "amount_total"])
        assert found["state"] == "posted"
        return float(found["amount_total"])


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    with shaped_hotel() as hotel:
        scene = Scene(hotel, site, odoo, installation)
        scene.connect()
        yield scene


REFUNDS: list[tuple[Row, float]] = [
    ({"status": "refunded"}, 100.0),
    ({"status": "refunded", "refunded_amount": None}, 100.0),
    ({"status": "refunded", "refunded_amount": 30}, 30.0),
    ({"status": "received", "refunded_amount": "30.00"}, 30.0),
]


@pytest.mark.parametrize("seen", [True, False], ids=["received before", "first seen refunded"])
@pytest.mark.parametrize(("refund", "back"), REFUNDS)
def test_a_refund_ends_alike_whether_or_not_the_payment_was_seen_before(
    scene: Scene, refund: Row, back: float, *, seen: bool
) -> None:
    scene.books(total_amount=200)
    if seen:
        scene.pays()
        scene.synced("full")
        assert scene.money() == [("inbound", 100.0, 100.0)]
    scene.pays(**refund)
    scene.synced("delta" if seen else "full")
    assert scene.money() == [("inbound", 100.0, 100.0), ("outbound", back, back)]
    scene.writes_nothing_more()
    assert scene.money() == [("inbound", 100.0, 100.0), ("outbound", back, back)]


def test_more_that_is_given_back_later_is_a_question_and_more_than_came_in_is_rejected(scene: Scene) -> None:
    scene.books(total_amount=200)
    scene.pays(refunded_amount=30)
    scene.synced("full")
    scene.pays(refunded_amount=100.01)
    assert scene.synced().count("payments", "rejected") == 1
    [letter] = scene.installation.rejections(scene.name, "payments")
    assert letter.code == "more_than_amount"
    scene.pays(refunded_amount=50)
    assert scene.synced().count("payments", "conflict") == 1
    [asked] = conflicts(scene.installation, "--flow", "payments", "--integration", scene.name)
    assert (asked["field"], asked["external"], asked["odoo"]) == ("amount", 50.0, 30.0)
    assert scene.money() == [("inbound", 100.0, 100.0), ("outbound", 30.0, 30.0)]


@pytest.mark.parametrize("status", ["provisional", "confirmed", "checked_out"])
def test_rooms_that_a_booking_does_not_carry_keep_their_line_beside_its_extras(scene: Scene, status: str) -> None:
    first = scene.books(status=status, extras=[BREAKFAST], total_amount=230)
    scene.synced("full")
    kept = scene.lines()
    assert sorted(kept.values()) == [(2.0, 15.0), (2.0, 100.0)]

    later = {**first, "extras": [{**BREAKFAST, "quantity": 3}], "total_amount": 245}
    del later["rooms"]
    scene.shows("bookings", later)
    assert scene.synced().count("orders", "updated") == 1
    assert scene.lines() == {**kept, "Breakfast": (3.0, 15.0)}
    assert scene.order()["amount_total"] == 245.0
    scene.writes_nothing_more()

    del later["extras"]
    scene.shows("bookings", {**later, "rooms": []})
    scene.synced()
    assert {price for quantity, price in scene.lines().values() if quantity} == {15.0}


def test_a_discount_is_a_line_of_its_own_with_a_negative_price(scene: Scene) -> None:
    first = scene.books(extras=[BREAKFAST, COMMISSION], total_amount=200)
    scene.synced("full")
    assert scene.lines() == {
        "Double - 2 night(s)": (2.0, 100.0),
        "Breakfast": (2.0, 15.0),
        "Commission": (1.0, -30.0),
    }
    assert (scene.order()["state"], scene.order()["amount_total"]) == ("sale", 200.0)
    scene.writes_nothing_more()

    scene.shows("bookings", {**first, "extras": [{**COMMISSION, "price_per_unit": -45.5}], "total_amount": 154.5})
    scene.synced()
    assert scene.order()["amount_total"] == 154.5
    scene.writes_nothing_more()


@pytest.mark.parametrize(
    "changes",
    [
        {"total_amount": -0.01},
        {"total_amount": None, "extras": [{**COMMISSION, "price_per_unit": -200.01}]},
        {"total_amount": 200, "extras": [{**COMMISSION, "quantity": 7}]},
    ],
)
def test_a_total_below_nothing_is_rejected_and_the_order_stays_as_it_was(scene: Scene, changes: Row) -> None:
    first = scene.books(total_amount=200)
    scene.synced("full")
    scene.shows("bookings", {**first, **changes})
    assert scene.synced().count("orders", "rejected") == 1
    [letter] = scene.installation.rejections(scene.name, "orders")
    assert letter.code == "negative_total"
    assert (scene.order()["amount_total"], scene.lines()) == (200.0, {"Double - 2 night(s)": (2.0, 100.0)})

    scene.shows("bookings", {**first, "extras": [{**COMMISSION, "price_per_unit": -200}], "total_amount": 0})
    assert scene.synced().count("orders", "updated") == 1
    assert scene.order()["amount_total"] == 0.0


def test_net_prices_to_which_odoo_adds_taxes_are_compared_without_them(scene: Scene) -> None:
    scene.connect(taxes="odoo", compare_total="without_tax")
    first = scene.books(total_amount=200)
    assert scene.synced("full").count("orders", "created") == 1
    order = scene.order()
    assert (order["amount_untaxed"], order["amount_total"]) == (200.0, 230.0)
    scene.writes_nothing_more()

    scene.shows("bookings", {**first, "total_amount": 230})
    assert scene.synced().count("orders", "conflict") == 1
    [asked] = conflicts(scene.installation, "--flow", "orders", "--integration", scene.name)
    assert (asked["code"], asked["field"]) == ("total_differs", "amount_untaxed")
    assert (asked["external"], asked["odoo"]) == ("230.00", "200.00")
    scene.connect(taxes="odoo")
    assert scene.synced("full").outcomes() == {"unchanged"}
    assert conflicts(scene.installation, "--flow", "orders", "--integration", scene.name) == []
