"""Archiving by Odoo's own actions: a product takes its template along."""

from __future__ import annotations

import pytest

from odoo_pipelines_tests.conformance.wire import Refusal, Wire, unique


@pytest.mark.parametrize("model", ["res.partner", "product.product"])
def test_an_archived_record_is_not_found_any_more_and_comes_back(odoo: Wire, model: str) -> None:
    name = unique()
    record = odoo.create(model, name=name)
    for _ in range(2):
        assert not isinstance(odoo.json2(model, "action_archive", ids=[record]), Refusal)
        assert (odoo.search(model, ("name", "=", name)), odoo.value(model, record, "active")) == ([], False)
    assert not isinstance(odoo.json2(model, "action_unarchive", ids=[record]), Refusal)
    assert (odoo.search(model, ("name", "=", name)), odoo.value(model, record, "active")) == ([record], True)


def test_the_template_goes_and_comes_with_its_only_product(odoo: Wire) -> None:
    product = odoo.create("product.product", name=unique())
    template = odoo.read("product.product", product, "product_tmpl_id")["product_tmpl_id"]
    template = template[0] if isinstance(template, list) else template
    for method, active in (("action_archive", False), ("action_unarchive", True)):
        odoo.json2("product.product", method, ids=[product])
        assert odoo.value("product.template", template, "active") is active


def test_an_order_cannot_be_archived(odoo: Wire, partner: int) -> None:
    order = odoo.create("sale.order", partner_id=partner)
    refused = odoo.json2("sale.order", "action_archive", ids=[order])
    assert refused == Refusal(500, "builtins.AssertionError", "No 'active' field on model sale.order")
