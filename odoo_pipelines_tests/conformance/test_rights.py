"""Who may do what, and what a user without a right is told."""

from __future__ import annotations

import pytest

from odoo_pipelines_tests.conformance.wire import Wire, unique

INTEGRATION = (
    "base.group_user",
    "sales_team.group_sale_salesman_all_leads",
    "base.group_partner_manager",
    "product.group_product_manager",
    "account.group_account_invoice",
)
EVERYTHING = "read write create unlink"


@pytest.fixture(scope="session")
def employee(odoo: Wire) -> Wire:
    """An internal user without any other group."""
    return odoo.as_user("base.group_user")


@pytest.fixture(scope="session")
def integration(odoo: Wire) -> Wire:
    """A user with the groups that the pipelines ask for."""
    return odoo.as_user(*INTEGRATION)


def rights(user: Wire, model: str) -> str:
    """What a user may do with a model."""
    return " ".join(
        operation
        for operation in EVERYTHING.split()
        if user.json2(model, "has_access", ids=[], operation=operation) is True
    )


@pytest.mark.parametrize(
    ("model", "employee_may", "integration_may"),
    [
        ("res.partner", "read", EVERYTHING),
        ("product.product", "read", EVERYTHING),
        ("product.category", "read", EVERYTHING),
        ("product.pricelist", "read", EVERYTHING),
        ("sale.order", "", "read write create"),
        ("sale.order.line", "", EVERYTHING),
        ("res.lang", "read", "read"),
        ("res.currency", "read", "read"),
        ("res.country", "read", "read"),
        ("res.company", "read", "read"),
        ("account.tax", "read", "read"),
        ("account.payment", "", EVERYTHING),
        ("account.journal", "", "read"),
        ("account.payment.method.line", "read", EVERYTHING),
        ("res.groups", "read", "read"),
        ("ir.model", "", ""),
        ("ir.model.fields", "", ""),
        ("ir.model.data", "", ""),
    ],
)
def test_rights_by_group(
    employee: Wire, integration: Wire, model: str, employee_may: str, integration_may: str
) -> None:
    assert rights(employee, model) == employee_may
    assert rights(integration, model) == integration_may


def test_a_missing_right_is_an_access_error(employee: Wire) -> None:
    over_json2 = employee.json2("res.partner", "create", vals_list={"name": "x"})
    assert (over_json2.status, over_json2.name) == (403, "odoo.exceptions.AccessError")
    assert over_json2.message.startswith("You are not allowed to create 'Contact' (res.partner) records.")
    over_rpc = employee.rpc("res.partner", "create", {"name": "x"})
    assert (over_rpc.status, over_rpc.name) == (200, "odoo.exceptions.AccessError")


def test_fields_get_needs_no_right_on_the_model(employee: Wire) -> None:
    assert "order_line" in employee.json2("sale.order", "fields_get", attributes=["type"])


def test_an_order_is_written_confirmed_and_locked_with_the_integrations_rights(integration: Wire) -> None:
    product = integration.create("product.product", name=unique(), type="service")
    partner = integration.create("res.partner", name=unique())
    order = integration.create("sale.order", partner_id=partner, order_line=[[0, 0, {"product_id": product}]])
    for action in ("confirm", "lock", "unlock", "cancel", "draft"):
        assert integration.json2("sale.order", f"action_{action}", ids=[order]) in {True, None}
    assert integration.json2("sale.order", "unlink", ids=[order]).name == "odoo.exceptions.AccessError"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("sales_team.group_sale_salesman_all_leads", True),
        ("sales_team.group_sale_salesman", True),
        ("sales_team.group_sale_manager", False),
        ("no.such_group", False),
    ],
)
def test_a_user_may_ask_for_his_groups_the_implied_ones_included(integration: Wire, group: str, expected: bool) -> None:
    uid = integration.json2("res.users", "context_get")["uid"]
    assert integration.json2("res.users", "has_group", ids=[uid], group_ext_id=group) is expected


def test_users_see_their_own_keys_only(employee: Wire) -> None:
    uid = employee.json2("res.users", "context_get")["uid"]
    keys = employee.json2("res.users.apikeys", "search_read", domain=[], fields=["user_id", "expiration_date", "scope"])
    assert {key["user_id"][0] for key in keys} == {uid}


def test_custom_fields_are_made_by_those_with_access_rights_only(odoo: Wire, employee: Wire) -> None:
    [model] = odoo.search("ir.model", ["model", "=", "res.partner"])
    name = f"x_{unique().replace('-', '_')}"
    vals = {"name": name, "model_id": model, "ttype": "char", "field_description": "Test"}
    assert employee.json2("ir.model.fields", "create", vals_list=[vals]).name == "odoo.exceptions.AccessError"
    assert odoo.create("ir.model.fields", **vals) > 0
    fields = odoo.json2("res.partner", "fields_get", allfields=[name])
    assert (fields[name]["type"], fields[name]["string"], fields[name]["manual"]) == ("char", "Test", True)
    again = odoo.json2("ir.model.fields", "create", vals_list=[vals])
    assert again.name == "odoo.exceptions.ValidationError"
    assert "Field names must be unique per model." in again.message


def test_custom_fields_start_with_x(odoo: Wire) -> None:
    [model] = odoo.search("ir.model", ["model", "=", "res.partner"])
    vals = {"name": "y_key", "model_id": model, "ttype": "char", "field_description": "Test"}
    refused = odoo.json2("ir.model.fields", "create", vals_list=[vals])
    assert refused.name == "odoo.exceptions.ValidationError"
    assert "x_" in refused.message


@pytest.mark.parametrize(
    ("ttype", "written", "read"),
    [
        ("char", "a b ", "a b "),
        ("integer", 7, 7),
        ("integer", False, 0),
        ("float", 0.1 + 0.2, 0.1 + 0.2),
        ("boolean", True, True),
        ("date", "2026-12-24", "2026-12-24"),
        ("date", "2026-12-24 23:00:00", "2026-12-24"),
        ("datetime", "2026-12-24 10:11", "2026-12-24 10:11:00"),
        ("date", False, False),
    ],
)
def test_custom_fields_keep_what_their_type_keeps(
    odoo: Wire, partner: int, *, custom: dict[str, str], ttype: str, written: object, read: object
) -> None:
    odoo.write("res.partner", partner, **{custom[ttype]: written})
    assert odoo.value("res.partner", partner, custom[ttype]) == read


@pytest.fixture(scope="session")
def custom(odoo: Wire) -> dict[str, str]:
    """A custom field of each type on partners."""
    [model] = odoo.search("ir.model", ["model", "=", "res.partner"])
    names = {
        ttype: f"x_{unique().replace('-', '_')}"
        for ttype in ("char", "integer", "float", "boolean", "date", "datetime")
    }
    vals = [
        {"name": name, "model_id": model, "ttype": ttype, "field_description": ttype} for ttype, name in names.items()
    ]
    odoo.json2("ir.model.fields", "create", vals_list=vals)
    return names
