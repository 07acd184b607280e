"""Sales orders: states, locks, prices that reset themselves, taxes and amounts."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.engine.lifecycle import always_writable_fields
from odoo_pipelines.systems.pms.targets import SALE_ORDER
from odoo_pipelines_tests.conformance.wire import Refusal, Wire, unique, xmlid

FORBIDDEN = "It is forbidden to modify the following fields in a locked order:\nQuantity"
DATE = "2026-01-02 03:04:05"


@pytest.fixture
def order(odoo: Wire, partner: int, product: int) -> int:
    """A draft with two nights at 50."""
    return new_order(odoo, partner, product)


def new_order(odoo: Wire, partner: int, product: int, **line: Any) -> int:
    """A draft with one line, untaxed unless told otherwise."""
    vals = {"product_id": product, "name": "Night", "product_uom_qty": 2, "price_unit": 50, "tax_ids": [[6, 0, []]]}
    return odoo.create("sale.order", partner_id=partner, date_order=DATE, order_line=[[0, 0, {**vals, **line}]])


def line_of(odoo: Wire, order: int) -> int:
    """Its only line."""
    [line] = odoo.value("sale.order", order, "order_line")
    return int(line)


def act(odoo: Wire, action: str, *orders: int) -> Any:
    """Calls an action on a list."""
    return odoo.json2("sale.order", f"action_{action}", ids=orders)


def test_a_new_order_is_a_numbered_draft_in_the_companys_currency(odoo: Wire, partner: int, order: int) -> None:
    fields = ("state", "locked", "currency_id", "user_id", "partner_invoice_id", "pricelist_id", "date_order")
    assert odoo.read("sale.order", order, *fields) == {
        "state": "draft",
        "locked": False,
        "currency_id": 1,
        "user_id": 2,
        "partner_invoice_id": partner,
        "pricelist_id": False,
        "date_order": DATE,
    }
    assert odoo.value("sale.order", order, "name").startswith("S0")


def test_confirming_overwrites_the_date_and_it_can_be_written_again(odoo: Wire, order: int) -> None:
    assert act(odoo, "confirm", order) is True
    assert odoo.value("sale.order", order, "state") == "sale"
    assert odoo.value("sale.order", order, "date_order") > DATE
    assert odoo.write("sale.order", order, date_order=DATE) is True
    assert odoo.value("sale.order", order, "date_order") == DATE


def test_confirming_a_list_is_all_or_nothing(odoo: Wire, partner: int, product: int, order: int) -> None:
    other = new_order(odoo, partner, product)
    act(odoo, "confirm", order)
    refused = act(odoo, "confirm", other, order)
    message = "Some orders are not in a state requiring confirmation."
    assert refused == Refusal(422, "odoo.exceptions.UserError", message)
    assert odoo.value("sale.order", other, "state") == "draft"


def test_an_order_without_lines_can_be_confirmed_one_without_product_cannot(odoo: Wire, partner: int) -> None:
    assert act(odoo, "confirm", odoo.create("sale.order", partner_id=partner)) is True
    order = odoo.create("sale.order", partner_id=partner, order_line=[[0, 0, {"name": "x", "price_unit": 1}]])
    assert act(odoo, "confirm", order).name == "odoo.exceptions.UserError"


def test_cancel_and_draft_may_be_repeated(odoo: Wire, order: int) -> None:
    for _ in range(2):
        assert act(odoo, "cancel", order) is True
        assert odoo.value("sale.order", order, "state") == "cancel"
    for _ in range(2):
        assert act(odoo, "draft", order) is True
        assert odoo.value("sale.order", order, "state") == "draft"


def test_a_confirmed_order_is_not_brought_back_to_draft(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    assert act(odoo, "draft", order) is True
    assert odoo.value("sale.order", order, "state") == "sale"


def test_lock_and_unlock_give_nothing_and_work_on_drafts(odoo: Wire, order: int) -> None:
    assert act(odoo, "lock", order) is None
    assert odoo.value("sale.order", order, "locked") is True
    assert act(odoo, "unlock", order) is None
    assert odoo.value("sale.order", order, "locked") is False


def test_a_locked_order_refuses_to_be_cancelled_and_the_list_with_it(
    odoo: Wire, partner: int, product: int, order: int
) -> None:
    other = new_order(odoo, partner, product)
    act(odoo, "lock", order)
    refused = act(odoo, "cancel", other, order)
    message = "You cannot cancel a locked order. Please unlock it first."
    assert refused == Refusal(422, "odoo.exceptions.UserError", message)
    assert odoo.value("sale.order", other, "state") == "draft"


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_locked_order_refuses_changes_of_its_lines_only(
    odoo: Wire, product: int, order: int, confirmed: bool
) -> None:
    if confirmed:
        act(odoo, "confirm", order)
    act(odoo, "lock", order)
    line = line_of(odoo, order)
    refused = odoo.write("sale.order.line", line, product_uom_qty=3)
    assert refused == Refusal(422, "odoo.exceptions.UserError", FORBIDDEN)
    assert odoo.write("sale.order", order, client_order_ref="free") is True
    added = {"product_id": product, "name": "more", "price_unit": 1}
    assert odoo.write("sale.order", order, order_line=[[0, 0, added]]) is True


FREE = {"note": "<p>Late</p>", "client_order_ref": "R"}
"""Fields of an order, other than custom ones, on which nothing hangs, and values of them."""


def test_a_locked_order_lets_its_always_writable_fields_change_and_nothing_hangs_on_them(
    odoo: Wire, order: int
) -> None:
    assert always_writable_fields(SALE_ORDER) - FREE.keys() == {
        each for each in always_writable_fields(SALE_ORDER) if "x_" in each
    }
    act(odoo, "confirm", order)
    act(odoo, "lock", order)
    names = ("date_order", "partner_id", "partner_invoice_id", "amount_total", "currency_id", "state", "locked")
    before = odoo.read("sale.order", order, *names)
    for name, value in FREE.items():
        assert odoo.write("sale.order", order, **{name: value}) is True
        assert odoo.value("sale.order", order, name) == value
        assert odoo.read("sale.order", order, *names) == before


def test_custom_fields_of_a_locked_order_and_of_its_lines_are_free(odoo: Wire, order: int, sync_key: str) -> None:
    act(odoo, "confirm", order)
    act(odoo, "lock", order)
    for model, record in (("sale.order", order), ("sale.order.line", line_of(odoo, order))):
        assert odoo.write(model, record, **{sync_key: "x"}) is True
        assert odoo.value(model, record, sync_key) == "x"


@pytest.mark.parametrize(
    "same", [{"name": "Night"}, {"product_uom_qty": 2}, {"price_unit": 50}, {"tax_ids": [[6, 0, []]]}]
)
def test_a_locked_order_refuses_all_other_fields_of_its_lines_even_the_same_values(
    odoo: Wire, order: int, same: dict[str, Any]
) -> None:
    act(odoo, "confirm", order)
    act(odoo, "lock", order)
    refused = odoo.write("sale.order.line", line_of(odoo, order), **same)
    assert (refused.status, refused.name) == (422, "odoo.exceptions.UserError")
    assert refused.message.startswith("It is forbidden to modify the following fields in a locked order:\n")


def test_the_customer_of_a_locked_order_can_change_but_its_addresses_hang_on_it(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    act(odoo, "lock", order)
    other = odoo.create("res.partner", name="B")
    assert odoo.write("sale.order", order, partner_id=other) is True
    assert odoo.value("sale.order", order, "partner_invoice_id") == other


def test_lines_of_a_confirmed_order_change_quantity_and_price_but_stay(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    line = line_of(odoo, order)
    vals = {"product_uom_qty": 0, "price_unit": 60, "technical_price_unit": -1}
    assert odoo.write("sale.order.line", line, **vals) is True
    assert odoo.value("sale.order", order, "amount_total") == 0.0
    assert odoo.json2("sale.order.line", "unlink", ids=[line]).name == "odoo.exceptions.UserError"
    assert odoo.write("sale.order", order, order_line=[[2, line, 0]]).name == "odoo.exceptions.UserError"


def test_lines_of_a_draft_can_be_deleted(odoo: Wire, order: int) -> None:
    assert odoo.write("sale.order", order, order_line=[[2, line_of(odoo, order), 0]]) is True
    assert odoo.read("sale.order", order, "order_line", "amount_total") == {"order_line": [], "amount_total": 0.0}


def test_a_confirmed_order_keeps_its_pricelist_and_gives_away_its_partner(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    refused = odoo.write("sale.order", order, pricelist_id=False)
    message = "You cannot change the pricelist of a confirmed order !"
    assert refused == Refusal(422, "odoo.exceptions.UserError", message)
    assert odoo.write("sale.order", order, partner_id=odoo.create("res.partner", name="B")) is True


def test_a_confirmed_order_cannot_be_deleted_a_cancelled_one_can(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    assert odoo.json2("sale.order", "unlink", ids=[order]).name == "odoo.exceptions.UserError"
    act(odoo, "cancel", order)
    assert odoo.json2("sale.order", "unlink", ids=[order]) is True


@pytest.mark.parametrize(
    ("created", "written", "price"),
    [
        ({}, {"product_uom_qty": 3}, 80.0),
        ({}, {"product_uom_qty": 2}, 80.0),
        ({"technical_price_unit": -1}, {"product_uom_qty": 3}, 50.0),
        ({"technical_price_unit": 0}, {"product_uom_qty": 3}, 50.0),
        ({}, {"product_uom_qty": 3, "technical_price_unit": -1}, 80.0),
        ({}, {"product_uom_qty": 3, "price_unit": 50, "technical_price_unit": -1}, 50.0),
        ({}, {"product_uom_qty": 3, "price_unit": 50}, 50.0),
        ({}, {"name": "other"}, 50.0),
        ({"price_unit": 0, "technical_price_unit": 0}, {"product_uom_qty": 3}, 80.0),
        ({"price_unit": 0, "technical_price_unit": -1}, {"product_uom_qty": 3}, 0.0),
    ],
)
def test_a_price_is_lost_with_the_quantity_unless_it_is_marked_as_set_by_hand(
    odoo: Wire, partner: int, product: int, *, created: dict[str, Any], written: dict[str, Any], price: float
) -> None:
    line = line_of(odoo, new_order(odoo, partner, product, **created))
    assert odoo.write("sale.order.line", line, **written) is True
    assert odoo.value("sale.order.line", line, "price_unit") == price


def test_the_price_is_lost_on_confirmed_orders_too(odoo: Wire, order: int) -> None:
    act(odoo, "confirm", order)
    odoo.write("sale.order.line", line_of(odoo, order), product_uom_qty=3)
    assert odoo.value("sale.order", order, "amount_total") == 240.0


def test_a_mark_survives_a_price_written_with_it(odoo: Wire, order: int) -> None:
    line = line_of(odoo, order)
    odoo.write("sale.order.line", line, price_unit=51, technical_price_unit=-1)
    odoo.write("sale.order.line", line, product_uom_qty=5)
    assert odoo.value("sale.order.line", line, "price_unit") == 51.0


@pytest.mark.parametrize(("mark", "price"), [({}, 80.0), ({"technical_price_unit": -1}, 50.0)])
def test_writing_the_product_again_resets_name_taxes_and_an_unmarked_price(
    odoo: Wire, partner: int, product: int, mark: dict[str, Any], price: float
) -> None:
    line = line_of(odoo, new_order(odoo, partner, product, **mark))
    odoo.write("sale.order.line", line, product_id=product)
    name = odoo.value("product.product", product, "display_name")
    reset = odoo.read("sale.order.line", line, "name", "tax_ids", "price_unit")
    assert reset == {"name": name, "tax_ids": [1], "price_unit": price}


def test_a_product_written_with_its_values_keeps_them(odoo: Wire, product: int, order: int) -> None:
    line = line_of(odoo, order)
    other = odoo.create("product.product", name="Suite", list_price=200)
    vals = {"product_id": other, "name": "Mine", "price_unit": 70, "technical_price_unit": -1, "tax_ids": [[6, 0, []]]}
    odoo.write("sale.order.line", line, **vals)
    kept = odoo.read("sale.order.line", line, "name", "tax_ids", "price_unit")
    assert kept == {"name": "Mine", "tax_ids": [], "price_unit": 70.0}


def test_a_line_takes_from_its_product_what_is_not_given(odoo: Wire, partner: int, product: int) -> None:
    order = odoo.create("sale.order", partner_id=partner, order_line=[[0, 0, {"product_id": product}]])
    name = odoo.value("product.product", product, "display_name")
    fields = ("name", "price_unit", "technical_price_unit", "product_uom_qty", "tax_ids", "product_uom_id", "sequence")
    assert odoo.read("sale.order.line", line_of(odoo, order), *fields) == {
        "name": name,
        "price_unit": 80.0,
        "technical_price_unit": 80.0,
        "product_uom_qty": 1.0,
        "tax_ids": [1],
        "product_uom_id": 1,
        "sequence": 10,
    }


def test_a_customer_abroad_pays_no_default_tax(odoo: Wire, product: int) -> None:
    abroad = odoo.create("res.partner", name="F", country_id=75)
    order = odoo.create("sale.order", partner_id=abroad, order_line=[[0, 0, {"product_id": product}]])
    assert odoo.read("sale.order", order, "amount_tax", "amount_total") == {"amount_tax": 0.0, "amount_total": 80.0}
    rates = odoo.json2("account.tax", "read", ids=odoo.value("sale.order.line", line_of(odoo, order), "tax_ids"))
    assert all(rate["amount"] == 0 for rate in rates)


def test_a_line_without_product_has_no_tax(odoo: Wire, partner: int) -> None:
    order = odoo.create("sale.order", partner_id=partner, order_line=[[0, 0, {"name": "x", "price_unit": 5}]])
    assert odoo.value("sale.order", order, "amount_total") == 5.0


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "total", "tax"),
    [
        (2, 123.456, 0, 283.95, 37.04),
        (3, 33.333, 0, 115.0, 15.0),
        (1, 0.1, 0, 0.12, 0.02),
        (7, 19.99, 12.5, 140.81, 18.37),
        (-1, 50, 0, -57.5, -7.5),
        (1.236, 10, 0, 14.26, 1.86),
    ],
)
def test_amounts_of_an_order_with_one_line(
    odoo: Wire, partner: int, product: int, *, quantity: float, price: float, discount: float, total: float, tax: float
) -> None:
    vals = {"product_uom_qty": quantity, "price_unit": price, "discount": discount, "tax_ids": [[6, 0, [1]]]}
    order = new_order(odoo, partner, product, **vals)
    assert odoo.read("sale.order", order, "amount_total", "amount_tax") == {"amount_total": total, "amount_tax": tax}


def test_totals_are_rounded_once(odoo: Wire, partner: int, product: int) -> None:
    line = {"product_id": product, "price_unit": 1.115, "product_uom_qty": 1, "tax_ids": [[6, 0, [1]]]}
    order = odoo.create("sale.order", partner_id=partner, order_line=[[0, 0, dict(line)] for _ in range(5)])
    amounts = odoo.read("sale.order", order, "amount_untaxed", "amount_tax", "amount_total")
    assert amounts == {"amount_untaxed": 5.58, "amount_tax": 0.84, "amount_total": 6.42}


def test_an_orders_currency_is_its_pricelists(odoo: Wire, partner: int, product: int) -> None:
    [euro] = odoo.search("res.currency", ["name", "=", "EUR"], ["active", "in", [True, False]])
    pricelist = odoo.create("product.pricelist", name=unique(), currency_id=euro)
    order = odoo.create("sale.order", partner_id=partner, pricelist_id=pricelist, currency_id=1)
    assert odoo.value("sale.order", order, "currency_id") == euro
    assert odoo.write("sale.order", order, pricelist_id=False) is True
    assert odoo.value("sale.order", order, "currency_id") == 1


def test_changing_the_partner_of_a_draft_keeps_lines_and_follows_with_addresses(odoo: Wire, order: int) -> None:
    other = odoo.create("res.partner", name="B")
    odoo.write("sale.order", order, partner_id=other)
    fields = ("partner_invoice_id", "partner_shipping_id", "amount_total")
    assert odoo.read("sale.order", order, *fields) == {
        "partner_invoice_id": other,
        "partner_shipping_id": other,
        "amount_total": 100.0,
    }


def test_header_lines_and_a_new_line_go_in_one_call(odoo: Wire, product: int, order: int) -> None:
    key = xmlid()
    new = {
        "id": key,
        "product_id": product,
        "name": "E",
        "product_uom_qty": 1,
        "price_unit": 50,
        "tax_ids": [[6, 0, []]],
    }
    change = {"product_uom_qty": 3, "price_unit": 11.5, "technical_price_unit": -1}
    vals = {"client_order_ref": "R3", "order_line": [[1, line_of(odoo, order), change], [0, 0, new]]}
    context = {"_import_current_module": "__conformance__", "tz": "UTC"}
    odoo.json2("sale.order", "web_save_multi", ids=[order], vals_list=[vals], specification={}, context=context)
    assert odoo.value("sale.order", order, "amount_total") == 84.5
    lines = odoo.value("sale.order", order, "order_line")
    assert odoo.json2("sale.order.line", "get_external_id", ids=lines[1:]) == {str(lines[1]): key}


def test_web_read_gives_orders_with_their_lines(odoo: Wire, partner: int, order: int) -> None:
    specification: dict[str, Any] = {
        "state": {},
        "partner_id": {},
        "order_line": {"fields": {"name": {}, "price_unit": {}, "tax_ids": {}, "product_id": {"fields": {"type": {}}}}},
    }
    [read] = odoo.json2("sale.order", "web_read", ids=[order], specification=specification)
    [line] = read["order_line"]
    assert read == {"id": order, "state": "draft", "partner_id": partner, "order_line": [line]}
    assert (line["name"], line["price_unit"], line["tax_ids"]) == ("Night", 50.0, [])
    assert line["product_id"]["type"] == "service"


def test_sync_keys_find_orders_and_lines(odoo: Wire, partner: int, product: int, sync_key: str) -> None:
    key = unique()
    order = new_order(odoo, partner, product, **{sync_key: f"{key}.line"})
    odoo.write("sale.order", order, **{sync_key: key})
    domain = [[sync_key, "in", [key, "other"]], ["state", "!=", "cancel"]]
    found = odoo.json2("sale.order", "search_read", domain=domain, fields=[sync_key, "write_date"])
    assert [row["id"] for row in found] == [order]
    assert odoo.search("sale.order.line", [sync_key, "in", [f"{key}.line"]]) == [line_of(odoo, order)]
    assert odoo.search("sale.order.line", ["order_id", "=", order]) == [line_of(odoo, order)]


def test_state_may_be_written_but_that_skips_the_confirmation(odoo: Wire, order: int) -> None:
    assert odoo.write("sale.order", order, state="sale") is True
    assert odoo.read("sale.order", order, "state", "date_order") == {"state": "sale", "date_order": DATE}
