from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.sync.merge import LineChanges, LineMerger, changed_values, server_names
from odoo_pipelines.sync.resolve import ResolvedLine
from odoo_pipelines.systems.pms.targets import PARTNER, SALE_ORDER
from odoo_pipelines_tests.sync.sales import INTEGRATION, SCHEMAS

assert SALE_ORDER.lines
PARTNERS, ORDERS, LINES = (SCHEMAS[model] for model in ("res.partner", "sale.order", "sale.order.line"))
MERGER = LineMerger(
    SALE_ORDER.lines, LINES, server_names(LINES, SALE_ORDER.lines.fields, only_on_create=True), INTEGRATION
)


def external(number: int, **values: Any) -> ResolvedLine:
    key = f"{INTEGRATION}.booking_room.b.{number}"
    given = {"product_uom_qty": 2.0, "price_unit": 80.0, "technical_price_unit": -1.0, SYNC_KEY_FIELD: key} | values
    return ResolvedLine(key, given)


def in_odoo(number: int, **values: Any) -> dict[str, Any]:
    return external(number).values | {"id": number, "technical_price_unit": 80.0} | values


def test_only_fields_that_differ_are_written() -> None:
    odoo = {"id": 1, "name": "Ann", "city": False, "x_vip_status": False}

    assert changed_values({"name": "Ann", "city": "Wien", "x_vip_status": False}, odoo, PARTNERS, frozenset()) == {
        "city": "Wien"
    }


def test_a_field_that_is_to_be_emptied_is_written_once() -> None:
    assert changed_values({"city": False}, {"city": "Wien"}, PARTNERS, frozenset()) == {"city": False}
    assert changed_values({"city": False}, {"city": ""}, PARTNERS, frozenset()) == {}


def test_a_field_for_new_records_only_is_never_compared() -> None:
    create_only = server_names(PARTNERS, PARTNER.fields, only_on_create=True)

    assert create_only == {"customer_rank"}
    assert changed_values({"customer_rank": 1}, {"customer_rank": 9}, PARTNERS, create_only) == {}


def test_fields_that_the_server_lacks_have_no_name() -> None:
    assert "mobile" not in server_names(PARTNERS, PARTNER.fields, only_on_create=False)


def test_a_value_that_is_as_good_is_left_alone() -> None:
    as_good = {"pricelist_id": (3, 5, False)}

    assert changed_values({"pricelist_id": 3}, {"pricelist_id": 5}, ORDERS, frozenset(), as_good) == {}
    assert changed_values({"pricelist_id": 3}, {"pricelist_id": False}, ORDERS, frozenset(), as_good) == {}
    assert changed_values({"pricelist_id": 3}, {"pricelist_id": 4}, ORDERS, frozenset(), as_good) == {"pricelist_id": 3}


@pytest.mark.parametrize("keep", [True, False])
def test_equal_lines_need_nothing(*, keep: bool) -> None:
    assert not MERGER.changes([external(1)], [in_odoo(1)], keep=keep)


def test_a_line_that_odoo_lacks_is_created() -> None:
    assert MERGER.changes([external(1)], [], keep=True) == LineChanges(created=(external(1),))


def test_a_changed_quantity_takes_the_price_along() -> None:
    changes = MERGER.changes([external(1, product_uom_qty=3.0)], [in_odoo(1)], keep=True)

    assert changes.updated == ((1, {"product_uom_qty": 3.0, "price_unit": 80.0, "technical_price_unit": -1.0}),)


def test_a_changed_description_goes_alone() -> None:
    changes = MERGER.changes([external(1, name="b")], [in_odoo(1, name="a")], keep=True)

    assert changes.updated == ((1, {"name": "b"}),)


def test_a_vanished_line_is_deleted_where_it_may_be() -> None:
    assert MERGER.changes([], [in_odoo(1)], keep=False) == LineChanges(deleted=(1,))


def test_a_vanished_line_that_must_stay_is_emptied_once_and_keeps_its_price() -> None:
    emptied = {"product_uom_qty": 0.0, "price_unit": 80.0, "technical_price_unit": 80.0}

    assert MERGER.changes([], [in_odoo(1)], keep=True) == LineChanges(updated=((1, emptied),))
    assert not MERGER.changes([], [in_odoo(1, product_uom_qty=0.0)], keep=True)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("key", [False, "", "hotel2.booking_room.b.1", "hote.booking_room.b.1"])
def test_lines_of_people_and_of_other_integrations_are_left_alone(key: str | bool, *, keep: bool) -> None:
    theirs = in_odoo(1, **{SYNC_KEY_FIELD: key})

    assert not MERGER.changes([], [theirs], keep=keep)
