"""What the real Odoo does with locks that the stand-in has no need to know: settings, rates of currencies, invoices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines.systems.pms.targets import SALE_ORDER
from odoo_pipelines_tests.conformance.conftest import _real
from odoo_pipelines_tests.conformance.test_orders import FREE, act, line_of, new_order
from odoo_pipelines_tests.conformance.wire import Wire
from odoo_pipelines_tests.real_odoo import RealOdoo

pytestmark = pytest.mark.odoo

assert SALE_ORDER.lifecycle
assert SALE_ORDER.lifecycle.auto_lock
GROUP = SALE_ORDER.lifecycle.auto_lock.group


@pytest.fixture(scope="module")
def odoo(real_odoo: RealOdoo) -> Iterator[Wire]:
    """A database of its own: settings are changed in it."""
    with real_odoo.fresh_database() as database:
        yield _real(database)


def locked(odoo: Wire, partner: int, product: int) -> int:
    order = new_order(odoo, partner, product)
    act(odoo, "confirm", order)
    act(odoo, "lock", order)
    return order


def invoice(odoo: Wire, order: int) -> int:
    wizard = odoo.create(
        "sale.advance.payment.inv", sale_order_ids=[[6, 0, [order]]], advance_payment_method="delivered"
    )
    odoo.json2("sale.advance.payment.inv", "create_invoices", ids=[wizard])
    [made] = odoo.value("sale.order", order, "invoice_ids")
    return int(made)


def test_the_free_fields_and_the_lock_of_an_invoiced_order_do_not_touch_the_invoice(
    odoo: Wire, partner: int, product: int
) -> None:
    order = locked(odoo, partner, product)
    entry = invoice(odoo, order)
    names = ("ref", "narration", "state", "amount_total", "invoice_origin", "partner_id", "write_date")
    before = odoo.read("account.move", entry, *names)
    assert odoo.write("sale.order", order, **FREE) is True
    assert act(odoo, "unlock", order) is None
    assert act(odoo, "lock", order) is None
    assert odoo.read("account.move", entry, *names) == before


def test_the_rate_of_the_currency_hangs_on_the_date_of_a_locked_order(odoo: Wire, partner: int) -> None:
    [euro] = odoo.search("res.currency", ["name", "=", "EUR"], ["active", "in", [True, False]])
    odoo.write("res.currency", euro, active=True)
    odoo.create("res.currency.rate", currency_id=euro, company_rate=0.5, name="2026-01-01")
    odoo.create("res.currency.rate", currency_id=euro, company_rate=0.8, name="2026-06-01")
    pricelist = odoo.create("product.pricelist", name="EUR", currency_id=euro)
    order = odoo.create("sale.order", partner_id=partner, pricelist_id=pricelist, date_order="2026-07-01 00:00:00")
    act(odoo, "lock", order)
    assert odoo.value("sale.order", order, "currency_rate") == 0.8
    assert odoo.write("sale.order", order, date_order="2026-02-01 00:00:00") is True
    assert odoo.value("sale.order", order, "currency_rate") == 0.5


class TestLockConfirmedSales:
    """The setting, and the group by which every user can tell that it is on."""

    @pytest.fixture(autouse=True)
    def setting(self, odoo: Wire) -> Iterator[None]:
        """Is on, and off again."""
        switch(odoo, on=True)
        yield
        switch(odoo, on=False)

    def test_a_confirmed_order_is_locked_and_takes_its_date_back(self, odoo: Wire, partner: int, product: int) -> None:
        order = new_order(odoo, partner, product)
        assert act(odoo, "confirm", order) is True
        assert odoo.read("sale.order", order, "state", "locked") == {"state": "sale", "locked": True}
        assert odoo.write("sale.order", order, date_order="2026-01-02 03:04:05") is True
        assert odoo.value("sale.order", order, "date_order") == "2026-01-02 03:04:05"
        assert odoo.write("sale.order.line", line_of(odoo, order), product_uom_qty=3).status == 422

    def test_a_user_with_the_documented_rights_can_ask_for_it(self, odoo: Wire) -> None:
        user = odoo.as_user("base.group_user", "sales_team.group_sale_salesman_all_leads")
        me = user.json2("res.users", "context_get")["uid"]
        assert user.json2("res.users", "has_group", ids=[me], group_ext_id=GROUP) is True
        switch(odoo, on=False)
        assert user.json2("res.users", "has_group", ids=[me], group_ext_id=GROUP) is False

    def test_orders_that_are_confirmed_already_are_left_as_they_are(
        self, odoo: Wire, partner: int, product: int
    ) -> None:
        switch(odoo, on=False)
        order = new_order(odoo, partner, product)
        act(odoo, "confirm", order)
        switch(odoo, on=True)
        assert odoo.value("sale.order", order, "locked") is False
        other = new_order(odoo, partner, product)
        act(odoo, "confirm", other)
        switch(odoo, on=False)
        assert odoo.value("sale.order", other, "locked") is True


def switch(odoo: Wire, *, on: bool) -> Any:
    """Saves the settings of sales."""
    settings = odoo.create("res.config.settings", group_auto_done_setting=on)
    return odoo.json2("res.config.settings", "execute", ids=[settings])
