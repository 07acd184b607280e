"""The package's own client, over both entrances: what it makes of Odoo's answers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import (
    OdooAccessError,
    OdooAuthenticationError,
    OdooError,
    OdooMissingRecordError,
    OdooUnknownNameError,
    OdooValidationError,
)
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection, TransportChoice
from odoo_pipelines.odoo.custom_fields import CustomField, apply_bootstrap, plan_bootstrap
from odoo_pipelines_tests.conformance.wire import Wire, unique, xmlid

GONE = 999_999_999


def client_of(wire: Wire, transport: TransportChoice, secret: str = "") -> OdooClient:
    """A client for the user of a wire."""
    key = SecretStr(secret or wire.key)
    return OdooClient(OdooConnection(wire.url, wire.database, wire.login, key, transport))


@pytest.fixture(params=["json2", "jsonrpc"])
def client(request: pytest.FixtureRequest, odoo: Wire) -> OdooClient:
    """The administrator's."""
    return client_of(odoo, request.param)


def test_a_key_is_taken_over_json2_and_a_password_over_jsonrpc(odoo: Wire) -> None:
    assert client_of(odoo, "auto").transport == "json2"
    assert client_of(odoo, "auto", odoo.password).transport == "jsonrpc"
    assert client_of(odoo, "auto").version.major == 19


def test_authenticate_gives_the_user_or_refuses(client: OdooClient, odoo: Wire) -> None:
    assert client.authenticate() == 2
    with pytest.raises(OdooAuthenticationError):
        client_of(odoo, "json2", "nonsense").authenticate()
    with pytest.raises(OdooAuthenticationError):
        client_of(odoo, "jsonrpc", "nonsense").authenticate()


def test_records_live_and_die(client: OdooClient) -> None:
    tag = unique()
    first, second = client.create(
        "res.partner", [{"name": "a", "ref": tag}, {"name": "b", "ref": tag, "country_id": 75}]
    )
    client.write("res.partner", [first, second], {"street": "S"})
    client.web_save_multi("res.partner", [first, second], [{"city": "A"}, {"city": "B"}])
    rows = client.read("res.partner", [first, second, GONE], ["street", "city", "country_id"])
    assert rows == [
        {"id": first, "street": "S", "city": "A", "country_id": False},
        {"id": second, "street": "S", "city": "B", "country_id": 75},
    ]
    domain = [["ref", "=", tag]]
    assert client.search("res.partner", domain, order="id desc", limit=1) == [second]
    assert client.search_count("res.partner", domain) == 2
    found = client.search_read("res.partner", domain, ["country_id"], order="id")
    assert [row["country_id"] for row in found] == [False, 75]
    client.unlink("res.partner", [first, second])
    assert client.search("res.partner", domain, context={"active_test": False}) == []


@pytest.mark.parametrize(
    ("model", "method", "params", "expected"),
    [
        ("res.nope", "search", {"domain": []}, OdooUnknownNameError),
        ("res.partner", "nope", {}, OdooUnknownNameError),
        ("res.partner", "search", {"domain": [["nope", "=", 1]]}, OdooUnknownNameError),
        ("res.partner", "create", {"vals_list": [{"nope": 1}]}, OdooUnknownNameError),
        ("res.partner", "create", {"vals_list": [{"name": False}]}, OdooValidationError),
        ("sale.order", "create", {"vals_list": [{}]}, OdooValidationError),
    ],
)
def test_errors_have_the_classes_that_decide(
    client: OdooClient, *, model: str, method: str, params: dict[str, Any], expected: type[OdooError]
) -> None:
    with pytest.raises(expected):
        client.call(model, method, **params)


@pytest.mark.parametrize(
    ("vals", "ids", "expected"),
    [
        ({"nope": 1}, [1], OdooUnknownNameError),
        ({"name": "x"}, [GONE], OdooMissingRecordError),
    ],
)
def test_writes_have_them_too(
    client: OdooClient, vals: dict[str, Any], ids: list[int], expected: type[OdooError]
) -> None:
    with pytest.raises(expected):
        client.write("res.partner", ids, vals)


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
def test_a_missing_right_is_an_error_also_where_load_blames_a_row(odoo: Wire, transport: TransportChoice) -> None:
    client = client_of(odoo.as_user("base.group_user"), transport)
    assert client.has_access("res.partner", "read") is True
    assert client.has_access("res.partner", "create") is False
    with pytest.raises(OdooAccessError):
        client.create("res.partner", [{"name": "x"}])
    with pytest.raises(OdooAccessError):
        client.load("res.partner", ["id", "name"], [[xmlid(), "x"]])


def test_load_gives_ids_or_messages(client: OdooClient) -> None:
    good, bad = xmlid(), xmlid()
    loaded = client.load("res.partner", ["id", "name"], [[good, "a"], [bad, "b"]])
    assert loaded.ids is not None
    assert len(loaded.ids) == 2
    refused = client.load("res.partner", ["id", "country_id/.id"], [[good, "75"], [bad, "999999"]])
    assert refused.ids is None
    [message] = refused.messages
    assert (message.record, message.rows_from, message.rows_to, message.field) == (1, 1, 1, "country_id")


def test_actions_and_refusals_of_orders(client: OdooClient) -> None:
    [partner] = client.create("res.partner", [{"name": "x"}])
    [order] = client.create("sale.order", [{"partner_id": partner}])
    client.call("sale.order", "action_confirm", [order])
    client.call("sale.order", "action_lock", [order])
    with pytest.raises(OdooValidationError):
        client.call("sale.order", "action_cancel", [order])
    assert client.read("sale.order", [order], ["state", "locked"]) == [{"id": order, "state": "sale", "locked": True}]


def test_bootstrap_creates_what_is_missing_once(client: OdooClient) -> None:
    fields = [
        CustomField(f"x_{unique().replace('-', '_')}", "char", "A key", indexed=True),
        CustomField(f"x_{unique().replace('-', '_')}", "date", "A date"),
    ]
    wanted, category = {"res.partner": fields}, unique("Rooms")
    plan = plan_bootstrap(client, wanted, [category])
    assert (plan.fields, plan.categories, plan.problems) == ({"res.partner": tuple(fields)}, (category,), ())
    apply_bootstrap(client, plan)
    assert plan_bootstrap(client, wanted, [category]).is_empty
    apply_bootstrap(client, plan)
    assert client.search_count("product.category", [["name", "=", category]]) == 1
