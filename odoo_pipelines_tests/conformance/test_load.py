"""load: external ids, cells, sub-rows, messages, and its traps."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.conformance.wire import QUIET, Refusal, Wire, unique, xmlid

ORDER_COLUMNS = [
    "id",
    "partner_id/.id",
    "client_order_ref",
    "date_order",
    "note",
    "order_line/id",
    "order_line/product_id/.id",
    "order_line/name",
    "order_line/product_uom_qty",
    "order_line/price_unit",
    "order_line/tax_ids/.id",
    "order_line/technical_price_unit",
]


def order_rows(order: str, partner: int, product: int, *, lines: int = 2) -> list[list[str]]:
    """One order as rows of ORDER_COLUMNS."""
    header = [order, str(partner), "PMS-7", "2026-11-01 10:11:12", "<p>Late<br>arrival</p>"]
    cells = [[f"{order}_line_{at}", str(product), f"Night {at}", "2", "123.456", "", "-1"] for at in range(lines)]
    return [[*(header if not at else [""] * len(header)), *line] for at, line in enumerate(cells)]


def test_a_new_external_id_creates_and_a_known_one_updates(odoo: Wire) -> None:
    key = xmlid()
    answer = odoo.load("res.partner", ["id", "name", "street"], [key, "Ann", "S1"])
    assert answer == {"ids": answer["ids"], "messages": [], "nextrow": 0}
    assert odoo.loaded("res.partner", ["id", "street"], [key, "S2"]) == answer["ids"]
    assert odoo.read("res.partner", answer["ids"][0], "name", "street") == {"name": "Ann", "street": "S2"}


def test_ids_come_in_the_order_of_the_rows(odoo: Wire) -> None:
    first, second = xmlid(), xmlid()
    [known] = odoo.loaded("res.partner", ["id", "name"], [second, "known"])
    ids = odoo.loaded("res.partner", ["id", "name"], [first, "new"], [second, "known"])
    assert ids[1] == known
    assert odoo.value("res.partner", ids[0], "name") == "new"


def test_external_ids_can_be_read_back_without_rights_on_ir_model_data(odoo: Wire) -> None:
    key = xmlid()
    [contact] = odoo.loaded("res.partner", ["id", "name"], [key, "Ann"])
    plain = odoo.create("res.partner", name="plain")
    found = odoo.json2("res.partner", "get_external_id", ids=[contact, plain])
    assert found == {str(contact): key, str(plain): ""}
    module, name = key.split(".")
    found = odoo.json2("ir.model.data", "check_object_reference", module=module, xml_id=name)
    assert found == ["res.partner", contact]


def test_any_user_may_ask_whose_an_external_id_is(odoo: Wire) -> None:
    key, gone, archived = xmlid(), xmlid(), xmlid()
    contact, deleted, hidden = odoo.loaded("res.partner", ["id", "name"], [key, "A"], [gone, "B"], [archived, "C"])
    odoo.json2("res.partner", "unlink", ids=[deleted])
    odoo.write("res.partner", hidden, active=False)
    employee = odoo.as_user("base.group_user")
    assert referenced(employee, key) == ["res.partner", contact]
    assert referenced(employee, archived) == ["res.partner", False]
    assert referenced(employee, archived, active_test=False) == ["res.partner", hidden]
    refusal = Refusal(500, "builtins.ValueError", f"External ID not found in the system: {gone}")
    assert referenced(employee, gone) == refusal
    assert employee.json2("res.partner", "get_external_id", ids=[contact, deleted]) == {
        str(contact): key,
        str(deleted): "",
    }


def referenced(odoo: Wire, key: str, **context: bool) -> Any:
    """Whose an external id is, as Odoo tells."""
    module, name = key.split(".")
    return odoo.json2("ir.model.data", "check_object_reference", module=module, xml_id=name, context=context)


def test_an_id_without_module_goes_to_the_import_module(odoo: Wire) -> None:
    name = unique()
    [contact] = odoo.loaded("res.partner", ["id", "name"], [name, "Ann"])
    assert odoo.json2("res.partner", "get_external_id", ids=[contact]) == {str(contact): f"__import__.{name}"}


def test_an_external_id_that_comes_twice_updates_its_own_record(odoo: Wire) -> None:
    key = xmlid()
    first, second = odoo.loaded("res.partner", ["id", "name"], [key, "one"], [key, "two"])
    assert first == second
    assert odoo.value("res.partner", first, "name") == "two"


def test_an_empty_cell_clears_the_field(odoo: Wire) -> None:
    key = xmlid()
    [contact] = odoo.loaded("res.partner", ["id", "name", "street", "customer_rank"], [key, "Ann", "S", "3"])
    odoo.loaded("res.partner", ["id", "street", "customer_rank"], [key, "", ""])
    assert odoo.read("res.partner", contact, "street", "customer_rank") == {"street": False, "customer_rank": 0}


def test_a_database_id_with_an_external_id_makes_a_second_record(odoo: Wire, partner: int) -> None:
    [made] = odoo.loaded("res.partner", [".id", "id", "name"], [str(partner), xmlid(), "second"])
    assert made != partner


def test_a_database_id_alone_updates(odoo: Wire, partner: int) -> None:
    assert odoo.loaded("res.partner", [".id", "street"], [str(partner), "S"]) == [partner]
    assert odoo.value("res.partner", partner, "street") == "S"


def test_an_unknown_database_id_is_an_error_of_the_row(odoo: Wire) -> None:
    answer = odoo.load("res.partner", [".id", "name"], ["999999999", "x"])
    assert answer["ids"] is False
    [message] = answer["messages"]
    assert message["message"] == "Unknown database identifier '999999999'"
    assert (message["rows"], message["record"], message["field"]) == ({"from": 0, "to": 0}, 0, ".id")


def test_an_unknown_column_fails_the_call(odoo: Wire) -> None:
    refused = odoo.load("res.partner", ["id", "nope"], [xmlid(), "x"])
    assert refused == Refusal(500, "builtins.ValueError", "Invalid field name 'nope'")


def test_a_true_instead_of_text_fails_the_call(odoo: Wire) -> None:
    refused = odoo.load("res.partner", ["id", "name", "is_company"], [xmlid(), "x", True])
    message = "'bool' object has no attribute 'lower'"
    assert refused == Refusal(500, "builtins.AttributeError", message)


def test_a_load_is_all_or_nothing_and_names_the_bad_rows(odoo: Wire) -> None:
    good, bad = xmlid(), xmlid()
    answer = odoo.load("res.partner", ["id", "name", "country_id/.id"], [good, "g", "75"], [bad, "b", "999999"])
    assert answer["ids"] is False
    [message] = answer["messages"]
    assert message["type"] == "error"
    assert message["rows"] == {"from": 1, "to": 1}
    assert (message["record"], message["field"], message["field_name"]) == (1, "country_id", "Country")
    assert message["message"] == "No matching record found for database id '999999' in field 'Country'"
    assert "moreinfo" in message
    assert odoo.search("ir.model.data", ["name", "=", good.split(".")[1]]) == []


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("country_id", "Narnia", "No matching record found for name 'Narnia' in field 'Country'"),
        ("country_id/id", "a.b", "No matching record found for external id 'a.b' in field 'Country'"),
        ("country_id/.id", "x", "Invalid database id 'x' for the field 'Country'"),
        ("type", "zzz", "Value 'zzz' not found in selection field 'Address Type'"),
        ("customer_rank", "1.7", "'1.7' does not seem to be an integer for field 'Customer Rank'"),
        ("lang", "de_DE", "Value 'de_DE' not found in selection field 'Language'"),
    ],
)
def test_a_cell_that_cannot_be_converted_is_named(odoo: Wire, column: str, cell: str, message: str) -> None:
    answer = odoo.load("res.partner", ["id", "name", column], [xmlid(), "x", cell])
    assert answer["ids"] is False
    assert [found["message"] for found in answer["messages"]] == [message]


def test_several_bad_cells_give_several_messages(odoo: Wire) -> None:
    columns = ["id", "name", "country_id", "type"]
    answer = odoo.load("res.partner", columns, [xmlid(), "x", "Narnia", "zzz"], [xmlid(), "y", "Mordor", ""])
    assert sorted((found["record"], found["field"]) for found in answer["messages"]) == [
        (0, "country_id"),
        (0, "type"),
        (1, "country_id"),
    ]


def test_what_the_database_refuses_is_named_too(odoo: Wire) -> None:
    answer = odoo.load("res.partner", ["id", "name"], [xmlid(), "good"], [xmlid(), ""])
    assert answer["ids"] is False
    [message] = answer["messages"]
    assert (message["record"], message["rows"]) == (1, {"from": 1, "to": 1})
    assert message["message"] == "Contacts require a name"


def test_a_nul_is_an_error_of_the_row(odoo: Wire) -> None:
    answer = odoo.load("res.partner", ["id", "name"], [xmlid(), "a\0b"])
    assert answer["ids"] is False
    assert "Unknown error during import" in answer["messages"][0]["message"]


def test_many_bad_rows_stop_the_server_counting(odoo: Wire) -> None:
    answer = odoo.load("res.partner", ["id", "name"], *([xmlid(), ""] for _ in range(15)))
    assert answer["ids"] is False
    errors = [message for message in answer["messages"] if message["type"] == "error"]
    assert [message["record"] for message in errors] == list(range(10))
    assert answer["messages"][-1]["type"] == "warning"


def test_relations_by_name_external_id_and_database_id(odoo: Wire) -> None:
    for column, cell in (("country_id", "France"), ("country_id/id", "base.fr"), ("country_id/.id", "75")):
        [contact] = odoo.loaded("res.partner", ["id", "name", column], [xmlid(), "x", cell])
        assert odoo.value("res.partner", contact, "country_id") == 75


def test_booleans_and_numbers_are_text(odoo: Wire) -> None:
    columns = ["id", "name", "is_company", "customer_rank", "active"]
    [contact] = odoo.loaded("res.partner", columns, [xmlid(), "x", "1", "7", "0"])
    assert odoo.read("res.partner", contact, "is_company", "customer_rank", "active") == {
        "is_company": True,
        "customer_rank": 7,
        "active": False,
    }


def test_a_many2many_cell_replaces_the_set(odoo: Wire) -> None:
    tags = [odoo.create("res.partner.category", name=unique()) for _ in range(3)]
    key = xmlid()
    [contact] = odoo.loaded("res.partner", ["id", "name", "category_id/.id"], [key, "x", f"{tags[0]},{tags[1]}"])
    odoo.loaded("res.partner", ["id", "category_id/.id"], [key, str(tags[2])])
    assert odoo.value("res.partner", contact, "category_id") == [tags[2]]


def test_datetimes_are_read_in_the_time_zone_of_the_context(odoo: Wire, partner: int) -> None:
    row = [xmlid(), str(partner), "2026-01-15 03:04:05"]
    answer = odoo.load("sale.order", ["id", "partner_id/.id", "date_order"], row, tz="Europe/Berlin")
    assert odoo.value("sale.order", answer["ids"][0], "date_order") == "2026-01-15 02:04:05"


def test_an_iso_datetime_is_refused(odoo: Wire, partner: int) -> None:
    row = [xmlid(), str(partner), "2026-01-15T03:04:05Z"]
    answer = odoo.load("sale.order", ["id", "partner_id/.id", "date_order"], row)
    assert "'2026-01-15T03:04:05Z' does not seem to be a valid datetime" in answer["messages"][0]["message"]


def test_a_deleted_record_is_created_again(odoo: Wire) -> None:
    key = xmlid()
    [contact] = odoo.loaded("res.partner", ["id", "name"], [key, "x"])
    odoo.json2("res.partner", "unlink", ids=[contact])
    [again] = odoo.loaded("res.partner", ["id", "name"], [key, "x"])
    assert again != contact


def test_an_archived_record_is_updated_and_stays_archived(odoo: Wire) -> None:
    key = xmlid()
    [contact] = odoo.loaded("res.partner", ["id", "name"], [key, "x"])
    odoo.write("res.partner", contact, active=False)
    assert odoo.loaded("res.partner", ["id", "street"], [key, "S"]) == [contact]
    assert odoo.read("res.partner", contact, "street", "active") == {"street": "S", "active": False}


def test_an_external_id_of_another_model_is_an_error(odoo: Wire) -> None:
    key = xmlid()
    odoo.loaded("res.partner", ["id", "name"], [key, "x"])
    answer = odoo.load("product.product", ["id", "name"], [key, "x"])
    assert answer["ids"] is False
    assert "found record of different model res.partner" in answer["messages"][0]["message"]


def test_a_products_template_gets_an_external_id_too(odoo: Wire) -> None:
    key = xmlid()
    [product] = odoo.loaded("product.product", ["id", "name", "type", "list_price"], [key, "Room", "service", "99.5"])
    template = odoo.value("product.product", product, "product_tmpl_id")
    found = odoo.json2("product.template", "get_external_id", ids=[template])
    assert found == {str(template): f"{key}_product_template"}
    assert odoo.value("product.template", template, "list_price") == 99.5


def test_orders_are_loaded_with_their_lines(odoo: Wire, partner: int, product: int) -> None:
    keys = [xmlid(), xmlid()]
    rows = [row for key in keys for row in order_rows(key, partner, product)]
    ids = odoo.loaded("sale.order", ORDER_COLUMNS, *rows)
    assert len(ids) == 2
    fields = ("client_order_ref", "date_order", "note", "amount_total", "amount_tax", "state", "pricelist_id")
    assert odoo.read("sale.order", ids[0], *fields) == {
        "client_order_ref": "PMS-7",
        "date_order": "2026-11-01 10:11:12",
        "note": "<p>Late<br>arrival</p>",
        "amount_total": 493.82,
        "amount_tax": 0.0,
        "state": "draft",
        "pricelist_id": False,
    }
    lines = odoo.value("sale.order", ids[0], "order_line")
    values = odoo.json2("sale.order.line", "read", ids=lines, fields=["name", "price_unit", "product_uom_qty"])
    assert [(line["name"], line["price_unit"], line["product_uom_qty"]) for line in values] == [
        ("Night 0", 123.456, 2.0),
        ("Night 1", 123.456, 2.0),
    ]
    found = odoo.json2("sale.order.line", "get_external_id", ids=lines)
    assert set(found.values()) == {f"{keys[0]}_line_0", f"{keys[0]}_line_1"}


def test_loading_an_order_again_changes_nothing(odoo: Wire, partner: int, product: int) -> None:
    rows = order_rows(xmlid(), partner, product)
    [order] = odoo.loaded("sale.order", ORDER_COLUMNS, *rows)
    before = odoo.read("sale.order", order, "order_line", "amount_total")
    assert odoo.loaded("sale.order", ORDER_COLUMNS, *rows) == [order]
    assert odoo.read("sale.order", order, "order_line", "amount_total") == before


def test_lines_without_external_ids_are_added_again(odoo: Wire, partner: int, product: int) -> None:
    row = [xmlid(), str(partner), str(product)]
    columns = ["id", "partner_id/.id", "order_line/product_id/.id"]
    [order] = odoo.loaded("sale.order", columns, row)
    odoo.loaded("sale.order", columns, row)
    assert len(odoo.value("sale.order", order, "order_line")) == 2


def test_lines_that_a_later_load_leaves_out_stay(odoo: Wire, partner: int, product: int) -> None:
    rows = order_rows(xmlid(), partner, product)
    [order] = odoo.loaded("sale.order", ORDER_COLUMNS, *rows)
    odoo.loaded("sale.order", ORDER_COLUMNS, rows[0])
    assert len(odoo.value("sale.order", order, "order_line")) == 2


def test_a_bad_line_spans_its_whole_order(odoo: Wire, partner: int, product: int) -> None:
    good = order_rows(xmlid(), partner, product)
    bad = order_rows(xmlid(), partner, product)
    bad[1][6] = "999999"
    answer = odoo.load("sale.order", ORDER_COLUMNS, *good, *bad)
    assert answer["ids"] is False
    [message] = answer["messages"]
    assert (message["record"], message["rows"], message["field"]) == (1, {"from": 2, "to": 3}, "order_line")
    assert message["message"].endswith("in field 'Order Lines/Product'")


def test_an_unknown_partner_is_named_by_conversion_and_database(odoo: Wire, product: int) -> None:
    answer = odoo.load("sale.order", ORDER_COLUMNS, *order_rows(xmlid(), 999999, product))
    assert answer["ids"] is False
    assert {message["record"] for message in answer["messages"]} == {0}
    texts = [message["message"] for message in answer["messages"]]
    assert texts[0] == "No matching record found for database id '999999' in field 'Customer'"
    assert any(text.startswith("Missing required value for the field 'Customer'") for text in texts)


def test_an_empty_line_description_is_refused(odoo: Wire, partner: int, product: int) -> None:
    rows = order_rows(xmlid(), partner, product, lines=1)
    rows[0][7] = ""
    answer = odoo.load("sale.order", ORDER_COLUMNS, *rows)
    assert answer["ids"] is False
    assert answer["messages"][0]["record"] == 0


def test_orders_may_come_without_lines(odoo: Wire, partner: int) -> None:
    [order] = odoo.loaded("sale.order", ["id", "partner_id/.id", "order_line/id"], [xmlid(), str(partner), ""])
    assert odoo.value("sale.order", order, "order_line") == []


def test_no_tax_column_means_the_default_tax_and_an_empty_cell_none(odoo: Wire, partner: int, product: int) -> None:
    columns = ["id", "partner_id/.id", "order_line/product_id/.id", "order_line/price_unit"]
    row = [xmlid(), str(partner), str(product), "100"]
    [taxed] = odoo.loaded("sale.order", columns, row)
    [untaxed] = odoo.loaded("sale.order", [*columns, "order_line/tax_ids/.id"], [xmlid(), *row[1:], ""])
    assert odoo.read("sale.order", taxed, "amount_tax", "amount_total") == {"amount_tax": 15.0, "amount_total": 115.0}
    assert odoo.value("sale.order", untaxed, "amount_total") == 100.0


def test_lines_can_be_loaded_on_their_own(odoo: Wire, partner: int, product: int) -> None:
    order = odoo.create("sale.order", partner_id=partner)
    columns = ["id", "order_id/.id", "product_id/.id", "name", "product_uom_qty", "price_unit", "tax_ids/.id"]
    columns.append("technical_price_unit")
    row = [xmlid(), str(order), str(product), "Night", "2", "50", "", "-1"]
    [line] = odoo.loaded("sale.order.line", columns, row)
    assert odoo.loaded("sale.order.line", columns, row) == [line]
    assert odoo.read("sale.order", order, "order_line", "amount_total") == {"order_line": [line], "amount_total": 100.0}
    odoo.loaded("sale.order.line", ["id", "product_uom_qty"], [row[0], "3"])
    assert odoo.value("sale.order", order, "amount_total") == 150.0


def test_an_external_id_of_another_orders_line_moves_that_line(odoo: Wire, partner: int, product: int) -> None:
    first, second = order_rows(xmlid(), partner, product, lines=1), order_rows(xmlid(), partner, product, lines=1)
    [source] = odoo.loaded("sale.order", ORDER_COLUMNS, *first)
    second[0][5] = first[0][5]
    [target] = odoo.loaded("sale.order", ORDER_COLUMNS, *second)
    assert odoo.value("sale.order", source, "order_line") == []
    assert len(odoo.value("sale.order", target, "order_line")) == 1
    assert odoo.value("sale.order", source, "amount_total") == 0.0


def test_a_line_id_that_stands_for_another_model_is_re_pointed(odoo: Wire, partner: int, product: int) -> None:
    rows = order_rows(xmlid(), partner, product, lines=1)
    odoo.loaded("res.partner", ["id", "name"], [rows[0][5], "x"])
    [order] = odoo.loaded("sale.order", ORDER_COLUMNS, *rows)
    [line] = odoo.value("sale.order", order, "order_line")
    module, name = rows[0][5].split(".")
    found = odoo.json2("ir.model.data", "check_object_reference", module=module, xml_id=name)
    assert found == ["sale.order.line", line]


def test_load_without_the_right_is_a_message_and_no_error(odoo: Wire) -> None:
    user = odoo.as_user("base.group_user")
    answer = user.load("res.partner", ["id", "name"], [xmlid(), "x"])
    assert answer["ids"] is False
    assert answer["messages"][0]["record"] == 0
    assert answer["messages"][0]["message"].startswith("You are not allowed to create 'Contact' (res.partner) records.")


def test_load_writes_external_ids_for_users_who_cannot_read_them(odoo: Wire) -> None:
    user = odoo.as_user("base.group_user", "base.group_partner_manager")
    key = xmlid()
    [contact] = user.loaded("res.partner", ["id", "name"], [key, "x"])
    assert user.loaded("res.partner", ["id", "name"], [key, "y"]) == [contact]
    assert user.json2("ir.model.data", "search", domain=[]).name == "odoo.exceptions.AccessError"


def test_the_same_over_jsonrpc(odoo: Wire) -> None:
    rows: list[list[Any]] = [[xmlid(), "x"]]
    answer = odoo.rpc("res.partner", "load", ["id", "name"], rows, context=QUIET)
    assert answer["messages"] == []
    assert odoo.rpc("res.partner", "load", ["id", "nope"], rows).name == "builtins.ValueError"
