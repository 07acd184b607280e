"""What changes for everybody when a currency or a language is activated; in this order, on a database of its own."""

from __future__ import annotations

from odoo_pipelines_tests.conformance.wire import Wire, unique, xmlid

EURO = 126


def order_of(odoo: Wire, **vals: object) -> int:
    return odoo.create("sale.order", partner_id=odoo.create("res.partner", name=unique()), **vals)


def test_with_one_currency_an_order_gets_no_pricelist_even_if_there_is_one(own_odoo: Wire) -> None:
    own_odoo.create("product.pricelist", name="Euro", currency_id=EURO)
    assert own_odoo.read("sale.order", order_of(own_odoo), "pricelist_id", "currency_id") == {
        "pricelist_id": False,
        "currency_id": 1,
    }


def test_with_a_second_currency_orders_get_the_first_pricelist_unless_the_cell_is_empty(own_odoo: Wire) -> None:
    assert own_odoo.write("res.currency", EURO, active=True) is True
    first, *_ = own_odoo.search("product.pricelist")
    order = order_of(own_odoo)
    assert own_odoo.value("sale.order", order, "pricelist_id") == first
    partner = own_odoo.create("res.partner", name=unique())
    columns = ["id", "partner_id/.id", "pricelist_id/.id"]
    [empty] = own_odoo.loaded("sale.order", columns, [xmlid(), str(partner), ""])
    assert own_odoo.read("sale.order", empty, "pricelist_id", "currency_id") == {
        "pricelist_id": False,
        "currency_id": 1,
    }


def test_currencies_of_pricelists_are_found_by_a_dotted_path(own_odoo: Wire) -> None:
    [pricelist] = own_odoo.search("product.pricelist", ["currency_id.name", "=", "EUR"])
    assert own_odoo.value("product.pricelist", pricelist, "currency_id") == EURO


def test_an_activated_language_is_offered_and_loaded(own_odoo: Wire) -> None:
    [french] = own_odoo.search("res.lang", ["code", "=", "fr_FR"], ["active", "=", False])
    assert own_odoo.write("res.lang", french, active=True) is True
    offered = own_odoo.json2("res.partner", "fields_get", allfields=["lang"])["lang"]["selection"]
    assert sorted(code for code, _ in offered) == ["en_US", "fr_FR"]
    [contact] = own_odoo.loaded("res.partner", ["id", "name", "lang"], [xmlid(), "x", "fr_FR"])
    assert own_odoo.value("res.partner", contact, "lang") == "fr_FR"
