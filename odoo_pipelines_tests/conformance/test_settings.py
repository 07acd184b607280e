"""What changes for everybody when a currency or a language is activated; on a database of its own."""

from __future__ import annotations

from odoo_pipelines_tests.conformance.wire import Wire, unique, xmlid

EURO = 126
FIELDS = ("pricelist_id", "currency_id")


def order_of(odoo: Wire) -> int:
    """An order of which only the customer is given."""
    return odoo.create("sale.order", partner_id=odoo.create("res.partner", name=unique()))


def test_a_second_active_currency_gives_every_order_a_pricelist(own_odoo: Wire) -> None:
    pricelist = own_odoo.create("product.pricelist", name="Euro", currency_id=EURO)
    assert own_odoo.search("product.pricelist", ["currency_id.name", "=", "EUR"]) == [pricelist]
    assert own_odoo.read("sale.order", order_of(own_odoo), *FIELDS) == {"pricelist_id": False, "currency_id": 1}

    assert own_odoo.write("res.currency", EURO, active=True) is True
    first, *_ = own_odoo.search("product.pricelist")
    assert own_odoo.value("sale.order", order_of(own_odoo), "pricelist_id") == first

    partner = own_odoo.create("res.partner", name=unique())
    columns = ["id", "partner_id/.id", "pricelist_id/.id"]
    [empty] = own_odoo.loaded("sale.order", columns, [xmlid(), str(partner), ""])
    assert own_odoo.read("sale.order", empty, *FIELDS) == {"pricelist_id": False, "currency_id": 1}


def test_an_activated_language_is_offered_and_loaded(own_odoo: Wire) -> None:
    [french] = own_odoo.search("res.lang", ["code", "=", "fr_FR"], ["active", "=", False])
    assert own_odoo.write("res.lang", french, active=True) is True
    offered = own_odoo.json2("res.partner", "fields_get", allfields=["lang"])["lang"]["selection"]
    assert sorted(code for code, _ in offered) == ["en_US", "fr_FR"]
    [contact] = own_odoo.loaded("res.partner", ["id", "name", "lang"], [xmlid(), "x", "fr_FR"])
    assert own_odoo.value("res.partner", contact, "lang") == "fr_FR"
