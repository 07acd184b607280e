"""Amounts on a real Odoo in which everything is turned on that could change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import lacking_in
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.stores.state import State
from odoo_pipelines.sync.report import FlowReport
from odoo_pipelines.systems.base import MappingOptions
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.real_odoo import RealOdoo
from odoo_pipelines_tests.sync.runs import JOURNALS, Run
from odoo_pipelines_tests.systems.pms.payloads import booking, guest, room

pytestmark = pytest.mark.odoo

SETTINGS = ("product.group_product_pricelist", "sale.group_discount_per_so_line")
PERCENT = {"compute_price": "percentage", "percent_price": 25, "applied_on": "3_global"}
Booking = dict[str, Any]


@dataclass
class Hotel:
    """A real Odoo, and syncs of a few bookings into it.

    Attributes:
        real: the database.
        odoo: the same, read by another client.
        state: of the syncs.
        options: of the mappings.
    """

    real: RealOdoo
    odoo: Odoo
    state: State
    options: MappingOptions = field(default_factory=lambda: MappingOptions(journals=JOURNALS))

    def sync(self, *bookings: Booking, full: bool = False) -> dict[str, FlowReport]:
        """A run over bookings and their payments."""
        run = Run(self.real.url, self.state, given=client_of(self.real), options=self.options)
        return run(bookings, verify=full)

    def orders(self, *bookings: Booking, full: bool = False) -> dict[str, int]:
        """The same; how the orders ended."""
        counts = self.sync(*bookings, full=full)["orders"].counts
        assert counts.balanced
        return {outcome.value: count for outcome, count in counts.by_outcome.items() if count}

    def order(self, each: Booking) -> dict[str, Any]:
        """A booking's order."""
        fields = ["amount_total", "state", "currency_id", "pricelist_id", "order_line", "partner_id"]
        [found] = self.odoo.rows("sale.order", [("x_external_id", "=", str(each["id"]))], fields)
        return found

    def lines(self, each: Booking) -> list[dict[str, Any]]:
        """Its lines."""
        fields = ["product_uom_qty", "price_unit", "discount", "tax_ids"]
        return self.odoo.rows("sale.order.line", [("order_id", "=", self.order(each)["id"])], fields)


def client_of(odoo: RealOdoo) -> OdooClient:
    return OdooClient(OdooConnection(odoo.url, odoo.database, odoo.login, SecretStr(odoo.api_key)))


@pytest.fixture(scope="module")
def real(real_odoo: RealOdoo) -> Iterator[RealOdoo]:
    """A database in which pricelists and discounts are turned on, with a pricelist of 25 percent off in pounds."""
    with real_odoo.fresh_database() as odoo:
        client = client_of(odoo)
        lacking_in(client, SYSTEM, JOURNALS).apply(client)
        groups = [[4, odoo._group(xmlid)] for xmlid in SETTINGS]
        odoo.call("res.groups", "write", ids=[odoo._group("base.group_user")], vals={"implied_ids": groups})
        pounds = activate(odoo, "GBP")
        rate = {"currency_id": pounds, "company_rate": 0.8, "name": "2026-01-01"}
        odoo.call("res.currency.rate", "create", vals_list=rate)
        pricelist = {"name": "Web", "currency_id": pounds, "item_ids": [[0, 0, PERCENT]]}
        odoo.call("product.pricelist", "create", vals_list=pricelist)
        yield odoo


def activate(odoo: RealOdoo, currency: str) -> int:
    """Makes a currency usable; gives its id."""
    domain = [["name", "=", currency], ["active", "in", [True, False]]]
    [found] = odoo.call("res.currency", "search", domain=domain)
    odoo.call("res.currency", "write", ids=[found], vals={"active": True})
    return int(found)


@pytest.fixture(scope="module")
def odoo(real: RealOdoo) -> Odoo:
    return Odoo(Site(real.url, real.database, real.login, real.api_key, real.user, real=True))


@pytest.fixture
def hotel(real: RealOdoo, odoo: Odoo, state: State) -> Hotel:
    return Hotel(real, odoo, state)


def stay(number: int, *, quantity: int = 1, price: str = "100.00", total: str | None = None, **more: Any) -> Booking:
    """Two nights for pounds."""
    rooms = [room(id="r1", room_type_id=5, quantity=quantity, price_per_night=price)]
    total = total or f"{2 * quantity * float(price):.2f}"
    who = guest(id=number, email=f"g{number}@example.com", phone=None)
    given = {"id": number, "currency": "GBP", "guest": who, "rooms": rooms, "extras": [], "total_amount": total}
    return booking(**(given | more))


def later(each: Booking, **changes: Any) -> Booking:
    return each | {"updated_at": "2026-06-01T00:00:00Z"} | changes


def test_a_discount_of_the_pricelist_never_gets_into_a_line(hotel: Hotel) -> None:
    first = stay(1)
    assert hotel.orders(first) == {"created": 1}
    assert (hotel.order(first)["amount_total"], hotel.order(first)["state"]) == (200.0, "sale")

    more = later(first, rooms=stay(1, quantity=2)["rooms"], total_amount="400.00")
    assert hotel.orders(more) == {"updated": 1}
    assert hotel.order(first)["amount_total"] == 400.0
    assert [(line["price_unit"], line["discount"]) for line in hotel.lines(first)] == [(100.0, 0.0)]
    assert hotel.orders(more, full=True) == {"unchanged": 1}


def test_another_product_of_a_draft_brings_no_discount(hotel: Hotel) -> None:
    first = stay(2, status="provisional")
    hotel.sync(first)
    suite = [room(id="r1", room_type_id=6, room_type_name="Suite", price_per_night="150.00")]
    hotel.sync(later(first, status="confirmed", rooms=suite, total_amount="300.00"))
    assert hotel.order(first)["amount_total"] == 300.0


def test_a_discount_that_a_person_gives_is_an_edit_and_stays(hotel: Hotel) -> None:
    first = stay(3)
    hotel.sync(first)
    [line] = hotel.lines(first)
    hotel.odoo.write("sale.order.line", line["id"], discount=10)
    assert hotel.orders(first, full=True) == {"unchanged": 1}
    more = later(first, rooms=stay(3, quantity=2)["rooms"], total_amount="400.00")
    assert hotel.orders(more) == {"updated": 1}
    assert hotel.order(first)["amount_total"] == 360.0
