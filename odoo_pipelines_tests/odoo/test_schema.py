from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.errors import OdooTransientError, OdooUnknownNameError, RowRejectedError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines_tests.odoo.server import FakeOdoo, result

LINE = "sale.order.line"
PATH = f"/json/2/{LINE}/fields_get"

COMMON = {"readonly": False, "required": False, "store": True}
RECORDED: dict[str, dict[str, Any]] = {
    "name": {"type": "text", **COMMON, "required": True},
    "product_uom_qty": {"type": "float", **COMMON, "digits": [16, 2]},
    "price_unit": {"type": "float", **COMMON, "digits": False},
    "price_subtotal": {"type": "monetary", **COMMON, "readonly": True, "currency_field": "currency_id"},
    "state": {"type": "selection", **COMMON, "selection": [["draft", "Quotation"], ["sale", "Sales Order"]]},
    "product_id": {"type": "many2one", **COMMON, "relation": "product.product"},
    "tax_ids": {"type": "many2many", **COMMON, "relation": "account.tax"},
    "x_rate_plan": {"type": "char", **COMMON, "size": 64},
    "display_name": {"type": "char", **COMMON, "store": False, "size": False},
}
BEFORE_17 = {**{name: told for name, told in RECORDED.items() if name != "tax_ids"}, "tax_id": RECORDED["tax_ids"]}


def test_fields_are_read_as_odoo_describes_them(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(PATH, result(RECORDED))

    fields = Schemas(client)(LINE).fields

    assert fields["name"] == FieldSchema("name", "text", required=True)
    assert (fields["product_uom_qty"].decimals, fields["price_unit"].decimals) == (2, None)
    assert (fields["price_subtotal"].readonly, fields["price_subtotal"].currency_field) == (True, "currency_id")
    assert fields["state"].selection == frozenset({"draft", "sale"})
    assert fields["x_rate_plan"].size == 64
    assert (fields["display_name"].store, fields["display_name"].size) == (False, None)


def test_a_model_is_asked_for_once(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(PATH, result(RECORDED))
    schemas = Schemas(client)

    assert schemas(LINE) is schemas(LINE)
    assert len(odoo.to(PATH)) == 1


@pytest.mark.parametrize(("described", "name"), [(RECORDED, "tax_ids"), (BEFORE_17, "tax_id")])
def test_a_renamed_field_goes_by_the_servers_name(
    odoo: FakeOdoo, client: OdooClient, described: dict[str, Any], name: str
) -> None:
    odoo.script(PATH, result(described))
    schema = Schemas(client)(LINE)

    assert schema.server_name("tax_ids") == name
    assert schema.cells({"tax_ids": [2, 1]}) == {f"{name}/.id": "2,1"}
    assert schema.relation("tax_ids") == "account.tax"
    assert schema.missing(["tax_ids", "name"]) == []


def test_fields_that_the_server_lacks_are_listed(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(PATH, result(RECORDED))
    schema = Schemas(client)(LINE)

    assert schema.missing(["name", "mobile", "product_uom_id"]) == ["mobile", "product_uom_id"]
    assert schema.server_name("mobile") is None
    with pytest.raises(OdooUnknownNameError, match="mobile"):
        schema.caster("mobile")("+43 1 234")


def test_values_go_through_the_field_of_their_name(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(PATH, result(BEFORE_17))
    schema = Schemas(client)(LINE)

    assert schema.caster("product_uom_qty")(1.239) == schema.canonical("product_uom_qty", 1.24) == 1.24
    assert schema.cells({"tax_ids": schema.caster("tax_ids")([2, 1])}) == {"tax_id/.id": "1,2"}
    assert schema.written("tax_ids", []) == [[6, 0, []]]
    with pytest.raises(RowRejectedError) as caught:
        schema.caster("product_id")("Spa")
    assert caught.value.field == "product_id"


@pytest.mark.parametrize(
    "garbage", [{"name": "text"}, {"name": {"type": 7}}, {"name": {"type": "float", "digits": "2"}}]
)
def test_a_description_of_another_shape_is_not_odoos(odoo: FakeOdoo, client: OdooClient, garbage: Any) -> None:
    odoo.script(PATH, result(garbage))

    with pytest.raises(OdooTransientError):
        Schemas(client)(LINE)
