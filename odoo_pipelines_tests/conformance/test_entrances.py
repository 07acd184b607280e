"""/json/2, /jsonrpc and the version: who may enter, and how refusals look."""

from __future__ import annotations

import pytest
import requests

from odoo_pipelines_tests.conformance.wire import TIMEOUT, Refusal, Wire

CONTEXT_GET = "/json/2/res.users/context_get"


@pytest.mark.parametrize("path", ["/web/version", "/json/version"])
def test_the_version_is_told_without_login(odoo: Wire, path: str) -> None:
    answer = requests.get(odoo.url + path, headers={"X-Odoo-Database": odoo.database}, timeout=TIMEOUT)
    assert answer.json()["version_info"][0] == 19


def test_common_version_is_told_without_login(odoo: Wire) -> None:
    assert odoo.service("common", "version")["server_version_info"][0] == 19


def test_a_key_gives_the_user_and_his_context(odoo: Wire) -> None:
    context = odoo.post(CONTEXT_GET, json={}).json()
    assert context["uid"] == 2
    assert context.keys() == {"lang", "tz", "uid"}


def test_a_wrong_key_is_401(odoo: Wire) -> None:
    headers = {"Authorization": "bearer nonsense", "X-Odoo-Database": odoo.database}
    answer = odoo.post(CONTEXT_GET, json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert answer.json()["name"] == "werkzeug.exceptions.Unauthorized"
    assert answer.json()["arguments"] == ["Invalid apikey", 401]


def test_no_key_is_401(odoo: Wire) -> None:
    answer = odoo.post(CONTEXT_GET, json={}, headers={"X-Odoo-Database": odoo.database})
    assert answer.status_code == 401
    assert answer.json()["message"] == "User not authenticated, use an API Key with a Bearer Authorization header."


def test_a_database_that_does_not_exist_is_404_in_html(odoo: Wire) -> None:
    headers = {"Authorization": f"bearer {odoo.key}", "X-Odoo-Database": "nowhere"}
    answer = odoo.post(CONTEXT_GET, json={}, headers=headers)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_unknown_model_is_404(odoo: Wire) -> None:
    refused = odoo.json2("res.nope", "search", domain=[])
    assert refused == Refusal(404, "werkzeug.exceptions.NotFound", "the model 'res.nope' does not exist")


def test_an_unknown_method_is_404(odoo: Wire) -> None:
    refused = odoo.json2("res.partner", "nope")
    assert refused == Refusal(404, "werkzeug.exceptions.NotFound", "The method 'res.partner.nope' does not exist")


def test_a_private_method_is_403(odoo: Wire) -> None:
    refused = odoo.json2("res.partner", "_write", ids=[1], vals={})
    assert (refused.status, refused.name) == (403, "odoo.exceptions.AccessError")


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("write", {"ids": [1]}, "missing a required argument: 'vals'"),
        ("write", {"ids": [1], "vals": {}, "foo": 1}, "got an unexpected keyword argument 'foo'"),
        ("create", {"ids": [1], "vals_list": []}, "cannot call res.partner.create with ids"),
    ],
)
def test_parameters_that_do_not_fit_are_422(odoo: Wire, method: str, params: dict[str, object], message: str) -> None:
    refused = odoo.json2("res.partner", method, **params)
    assert refused == Refusal(422, "werkzeug.exceptions.UnprocessableEntity", message)


def test_broken_json_is_400(odoo: Wire) -> None:
    headers = {"Authorization": f"bearer {odoo.key}", "X-Odoo-Database": odoo.database}
    answer = odoo.post(CONTEXT_GET, data="{", headers={**headers, "Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["name"] == "werkzeug.exceptions.BadRequest"


def test_another_content_type_is_415_in_html(odoo: Wire) -> None:
    headers = {"Authorization": f"bearer {odoo.key}", "X-Odoo-Database": odoo.database, "Content-Type": "text/plain"}
    answer = odoo.post(CONTEXT_GET, data="{}", headers=headers)
    assert answer.status_code == 415
    assert answer.headers["Content-Type"].startswith("text/html")


def test_password_and_key_authenticate_over_jsonrpc(odoo: Wire) -> None:
    for secret in (odoo.password, odoo.key):
        assert odoo.service("common", "authenticate", odoo.database, odoo.login, secret, {}) == 2


def test_a_wrong_password_authenticates_as_false_and_is_refused_in_calls(odoo: Wire) -> None:
    assert odoo.service("common", "authenticate", odoo.database, odoo.login, "nonsense", {}) is False
    refused = odoo.service("object", "execute_kw", odoo.database, 2, "nonsense", "res.users", "context_get", [], {})
    assert refused == Refusal(200, "odoo.exceptions.AccessDenied", "Access Denied")


def test_an_unknown_database_is_an_operational_error_over_jsonrpc(odoo: Wire) -> None:
    refused = odoo.service("object", "execute_kw", "nowhere", 2, odoo.key, "res.users", "context_get", [], {})
    assert (refused.status, refused.name) == (200, "psycopg2.OperationalError")


def test_unknown_models_and_methods_have_other_names_over_jsonrpc(odoo: Wire) -> None:
    unknown_model = odoo.rpc("res.nope", "search", [])
    assert unknown_model == Refusal(200, "odoo.exceptions.UserError", "Object res.nope doesn't exist")
    assert odoo.rpc("res.partner", "nope", [1]).name == "builtins.AttributeError"


def test_nothing_is_null_over_json2_and_left_out_over_jsonrpc(odoo: Wire) -> None:
    assert odoo.post("/json/2/sale.order/action_lock", json={"ids": []}).json() is None
    args = [odoo.database, 2, odoo.key, "sale.order", "action_lock", [[]], {}]
    params = {"service": "object", "method": "execute_kw", "args": args}
    answer = odoo.post("/jsonrpc", json={"jsonrpc": "2.0", "id": 7, "method": "call", "params": params}).json()
    assert answer == {"jsonrpc": "2.0", "id": 7}


def test_create_gives_a_list_except_for_one_dict_over_jsonrpc(odoo: Wire) -> None:
    assert isinstance(odoo.json2("res.partner", "create", vals_list={"name": "J"}), list)
    assert isinstance(odoo.rpc("res.partner", "create", {"name": "J"}), int)
    assert isinstance(odoo.rpc("res.partner", "create", [{"name": "J"}]), list)


def test_both_entrances_read_the_same(odoo: Wire) -> None:
    fields = ["login", "partner_id"]
    over_json2 = odoo.json2("res.users", "read", ids=[2], fields=fields)
    assert over_json2 == odoo.rpc("res.users", "read", [2], fields)
    assert over_json2 == [{"id": 2, "login": "admin", "partner_id": [3, "Administrator"]}]
