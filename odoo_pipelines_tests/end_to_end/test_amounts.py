"""Amounts on a real Odoo in which everything is turned on that could change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import lacking_in
from odoo_pipelines.commands.doctor_amounts import amount_findings
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.stores.conflicts import ConflictFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.base import MappingOptions
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import CompareTotal
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.engine.runs import JOURNALS, Run
from odoo_pipelines_tests.real_odoo import RealOdoo
from odoo_pipelines_tests.systems.pms.payloads import booking, guest, payment, room

pytestmark = pytest.mark.odoo

SETTINGS = ("product.group_product_pricelist", "sale.group_discount_per_so_line")
PERCENT = {"compute_price": "percentage", "percent_price": 25, "applied_on": "3_global"}
MAPPING = (Path(__file__).resolve().parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
Booking = dict[str, Any]


@dataclass
class Hotel:
    """A real Odoo, and syncs of a few bookings into it.

    Attributes:
        real: the database.
        odoo: the same, read by another client.
        state: of the syncs.
        taxes: setting of the integration.
        compare_total: likewise.
    """

    real: RealOdoo
    odoo: Odoo
    state: State
    taxes: Any = "none"
    compare_total: CompareTotal = "with_tax"

    def sync(self, *bookings: Booking, full: bool = False) -> dict[str, FlowReport]:
        """A run over bookings and their payments."""
        options = MappingOptions(taxes=self.taxes, journals=JOURNALS)
        client = client_of(self.real)
        run = Run(self.real.url, self.state, given=client, options=options, compare_total=self.compare_total)
        return run(bookings, verify=full)

    def orders(self, *bookings: Booking, full: bool = False) -> dict[str, int]:
        """The same; how the orders ended."""
        counts = self.sync(*bookings, full=full)["orders"].counts
        assert counts.balanced
        return {outcome.value: count for outcome, count in counts.by_outcome.items() if count}

    def open_totals(self) -> list[tuple[str, str, str]]:
        """Field and both values of what waits for a person."""
        found = self.state.conflicts(ConflictFilter("hotel", "orders"))
        assert {each.code for each in found} <= {"total_differs"}
        return [(each.field, each.external, each.odoo) for each in found]

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


@pytest.mark.parametrize("model", ["sale.order", "sale.order.line", "account.payment"])
def test_the_documents_name_every_field_that_odoo_computes_and_lets_us_write(real: RealOdoo, model: str) -> None:
    fields = real.call(model, "fields_get", attributes=["depends", "store", "readonly"])
    computed = {name for name, each in fields.items() if each["depends"] and each["store"] and not each["readonly"]}
    section = MAPPING.split("## What Odoo computes by itself")[1].split(f"\n`{model}`:\n")[1].split("\n\n")[0]
    assert computed <= set(re.findall(r"`(\w+)`", section))


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


def test_taxes_that_odoo_adds_are_a_question_unless_the_totals_are_without_tax(hotel: Hotel) -> None:
    hotel.taxes = "odoo"
    first = stay(10, currency="USD", guest=guest(id=10, email="g10@example.com", phone=None, country="US"))
    assert hotel.orders(first) == {"conflict": 1}
    assert hotel.open_totals() == [("amount_total", "200.00", "230.00")]
    assert hotel.order(first)["state"] == "sale"
    assert hotel.orders(first) == {"unchanged": 1}
    assert hotel.orders(first, full=True) == {"conflict": 1}
    assert hotel.open_totals() == [("amount_total", "200.00", "230.00")]

    hotel.compare_total = "without_tax"
    assert hotel.orders(first, full=True) == {"unchanged": 1}
    assert hotel.open_totals() == []


def test_a_total_that_is_accepted_or_corrected_is_no_question_any_more(hotel: Hotel) -> None:
    first = stay(11, total="190.00")
    assert hotel.orders(first) == {"conflict": 1}
    [waiting] = hotel.state.conflicts(ConflictFilter("hotel", "orders"))
    hotel.state.resolve([waiting.id], "odoo")
    assert hotel.orders(first) == {"unchanged": 1}
    assert hotel.orders(first, full=True) == {"unchanged": 1}

    assert hotel.orders(later(first, total_amount="180.00")) == {"conflict": 1}
    assert hotel.open_totals() == [("amount_total", "180.00", "200.00")]
    corrected = later(first, updated_at="2026-06-02T00:00:00Z", total_amount="200.00")
    assert hotel.orders(corrected) == {"unchanged": 1}
    assert hotel.open_totals() == []
    assert hotel.order(first)["amount_total"] == 200.0


def test_a_currency_without_a_rate_is_rejected_until_it_has_one(hotel: Hotel) -> None:
    yen = activate(hotel.real, "JPY")
    hotel.real.call("product.pricelist", "create", vals_list={"name": "Yen", "currency_id": yen})
    money = payment(id="tx-yen", booking_id=12, transaction_id="tx-yen", amount="10000", currency="JPY")
    first = stay(12, currency="JPY", price="5000", total="10000.4", payments=[money])
    reports = hotel.sync(first)
    assert [each.code for each in reports["orders"].rejections] == ["unknown_to_odoo"]
    assert reports["payments"].counts.by_outcome[Outcome.REJECTED] == 1

    rate = {"currency_id": yen, "company_rate": 150, "name": "2029-01-01"}
    hotel.real.call("res.currency.rate", "create", vals_list=rate)
    assert hotel.orders(later(first)) == {"created": 1}
    assert hotel.order(first)["amount_total"] == 10000.0
    [paid] = hotel.odoo.rows("account.payment", [("x_external_transaction_id", "=", "tx-yen")], ["move_id", "amount"])
    [entry] = hotel.odoo.rows("account.move", [("id", "=", paid["move_id"])], ["amount_total_signed"])
    assert paid["amount"] == 10000.0
    assert abs(entry["amount_total_signed"]) == pytest.approx(66.67)  # a rate of a later day is the first one


def test_everything_that_odoo_computes_is_turned_on_and_the_totals_are_right(hotel: Hotel) -> None:
    """A fiscal position, a payment term with an early discount, a sales team, and a tax of the product."""
    real = hotel.real
    [austria] = real.call("res.country", "search", domain=[["code", "=", "AT"]])
    position = {"name": "Austria", "auto_apply": True, "country_id": austria}
    real.call("account.fiscal.position", "create", vals_list=position)
    term = {
        "name": "Early",
        "early_discount": True,
        "discount_percentage": 10,
        "early_pay_discount_computation": "mixed",
    }
    [term_id] = real.call("account.payment.term", "create", vals_list=term)
    first, taxed = stay(13), stay(14)
    hotel.sync(first, taxed)
    for each in (first, taxed):
        real.call(
            "res.partner", "write", ids=[hotel.order(each)["partner_id"]], vals={"property_payment_term_id": term_id}
        )
    more = [later(each, rooms=stay(0, quantity=3)["rooms"], total_amount="600.00") for each in (first, taxed)]
    assert hotel.orders(*more) == {"updated": 2}
    assert [hotel.order(each)["amount_total"] for each in more] == [600.0, 600.0]
    assert hotel.orders(*more, full=True) == {"unchanged": 2}
    assert hotel.orders(stay(15, id=15, guest=first["guest"])) == {"created": 1}
    assert hotel.order({"id": 15})["amount_total"] == 200.0


def test_a_payment_of_a_closed_day_is_told_with_the_day_of_its_entry(hotel: Hotel) -> None:
    hotel.real.call("res.company", "write", ids=[1], vals={"fiscalyear_lock_date": "2026-03-31"})
    try:
        money = payment(
            id="tx-closed", booking_id=17, transaction_id="tx-closed", amount="50", currency="USD", paid_at="2026-03-15"
        )
        reports = hotel.sync(stay(17, payments=[money]))
    finally:
        hotel.real.call("res.company", "write", ids=[1], vals={"fiscalyear_lock_date": False})
    assert reports["payments"].counts.by_outcome[Outcome.CREATED] == 1
    [paid] = hotel.odoo.rows("account.payment", [("x_external_transaction_id", "=", "tx-closed")], ["date", "move_id"])
    [entry] = hotel.odoo.rows("account.move", [("id", "=", paid["move_id"])], ["date"])
    assert entry["date"] > "2026-03-31"
    told = f"date: 2026-03-15 is closed in Odoo (up to 2026-03-31); the entry is dated {entry['date']}"
    assert reports["payments"].warnings == {told: 1}


def test_the_payment_of_a_booking_that_gets_another_guest_is_told_and_becomes_a_question(hotel: Hotel) -> None:
    money = payment(id="tx-guest", booking_id=18, transaction_id="tx-guest", amount="50", currency="USD")
    first = stay(18, payments=[money])
    hotel.sync(first)
    other = later(first, guest=guest(id=19, email="g19@example.com", phone=None, first_name="Eva"), payments=[])
    reports = hotel.sync(other)
    assert [warning for warning in reports["orders"].warnings if "former partner" in warning]

    everything = other | {"payments": [money]}
    reports = hotel.sync(everything, full=True)
    assert reports["payments"].counts.by_outcome[Outcome.CONFLICT] == 1
    [asked] = hotel.state.conflicts(ConflictFilter("hotel", "payments"))
    assert (asked.field, asked.code) == ("partner_id", "sealed")
    [paid] = hotel.odoo.rows("account.payment", [("x_external_transaction_id", "=", "tx-guest")], ["partner_id"])
    assert paid["partner_id"] != hotel.order(first)["partner_id"]

    hotel.odoo.call("account.payment", "action_draft", [paid["id"]])
    hotel.odoo.write("account.payment", paid["id"], partner_id=hotel.order(first)["partner_id"])
    hotel.odoo.call("account.payment", "action_post", [paid["id"]])
    reports = hotel.sync(everything, full=True)
    assert reports["payments"].counts.by_outcome[Outcome.CONFLICT] == 0
    assert hotel.state.conflicts(ConflictFilter("hotel", "payments")) == []


def test_a_pricelist_without_rules_is_preferred(hotel: Hotel) -> None:
    """Last of all: from now on there is one."""
    [pounds] = hotel.real.call("res.currency", "search", domain=[["name", "=", "GBP"]])
    [plain] = hotel.real.call("product.pricelist", "create", vals_list={"name": "Plain", "currency_id": pounds})
    first = stay(16)
    hotel.sync(first)
    assert hotel.order(first)["pricelist_id"] == plain


def test_the_doctor_finds_what_changes_amounts(real: RealOdoo) -> None:
    activate(real, "CHF")
    francs = activate(real, "SEK")
    rules = {"name": "Krona", "currency_id": francs, "item_ids": [[0, 0, PERCENT]]}
    real.call("product.pricelist", "create", vals_list=rules)
    real.call("res.company", "write", ids=[1], vals={"tax_lock_date": "2020-01-31"})
    groups = [[4, real._group("sale.group_auto_done_setting")]]
    real.call("res.groups", "write", ids=[real._group("base.group_user")], vals={"implied_ids": groups})
    found = {each.check: each for each in amount_findings(client_of(real), 2, "odoo", "with_tax")}
    assert {check for check, each in found.items() if each.status == "warning"} == {
        "currency rates",
        "pricelists",
        "taxes",
        "Lock Confirmed Sales",
        "lock dates",
    }
    assert "CHF, SEK" in found["currency rates"].detail
    assert "SEK" in found["pricelists"].fix
    assert "15%" in found["taxes"].detail
    assert "tax_lock_date 2020-01-31" in found["lock dates"].detail
