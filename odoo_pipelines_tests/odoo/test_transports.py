"""What goes over the wire, in both protocols, and what comes of each kind of answer."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.errors import (
    ConfigurationError,
    OdooAccessError,
    OdooAuthenticationError,
    OdooServerError,
    OdooTransientError,
    OdooValidationError,
)
from odoo_pipelines.odoo.client import BASE_CONTEXT
from odoo_pipelines_tests.odoo.conftest import NewClient
from odoo_pipelines_tests.odoo.server import (
    DROPPED,
    VERSION_19,
    VERSION_PATH,
    FakeOdoo,
    Reply,
    fault,
    page,
    result,
    rpc_fault,
    rpc_result,
)

CONTEXT = dict(BASE_CONTEXT)
CONFIRM = "/json/2/sale.order/action_confirm"
RPC = "/jsonrpc"


def test_json2_sends_named_parameters_ids_and_context_with_the_key(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script("/json/2/res.partner/write", result(value=True))

    new_client(company_id=3).write("res.partner", [7], {"name": "Ann"})

    [sent] = odoo.to("/json/2/res.partner/write")
    assert sent.verb == "POST"
    assert sent.body == {"ids": [7], "vals": {"name": "Ann"}, "context": {**CONTEXT, "allowed_company_ids": [3]}}
    assert sent.headers["Authorization"] == "bearer s3cret-key"
    assert sent.headers["X-Odoo-Database"] == "hotel"


def test_json2_sends_no_ids_to_a_method_of_the_model(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script("/json/2/res.partner/create", result([7]))

    assert new_client().create("res.partner", [{"name": "Ann"}]) == [7]

    assert odoo.received[-1].body == {"vals_list": [{"name": "Ann"}], "context": CONTEXT}


def test_json_rpc_logs_in_once_and_sends_ids_by_position(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(RPC, rpc_result(2), rpc_result(value=True))
    client = new_client(transport="jsonrpc")

    client.write("res.partner", [7], {"name": "Ann"})
    client.write("res.partner", [8], {"name": "Bob"})

    log_in, first, second = [request.body["params"] for request in odoo.to(RPC)]
    assert log_in == {
        "service": "common",
        "method": "authenticate",
        "args": ["hotel", "ann@example.com", "s3cret-key", {}],
    }
    assert (first["service"], first["method"]) == ("object", "execute_kw")
    account, arguments, named = first["args"][:5], first["args"][5], first["args"][6]
    assert account == ["hotel", 2, "s3cret-key", "res.partner", "write"]
    assert arguments == [[7]]
    assert named == {"vals": {"name": "Ann"}, "context": CONTEXT}
    assert second["args"][5] == [[8]]
    assert all(request.headers["X-Odoo-Database"] == "hotel" for request in odoo.received)


@pytest.mark.parametrize(
    ("method", "named", "answer"),
    [("create", {"vals_list": [{}]}, [7]), ("search", {"domain": []}, [7]), ("search_count", {"domain": []}, 1)],
)
def test_json_rpc_sends_by_position_what_odoo_reads_so_or_has_renamed(
    odoo: FakeOdoo, new_client: NewClient, method: str, named: dict[str, Any], answer: Any
) -> None:
    odoo.script(RPC, rpc_result(2), rpc_result(answer))

    new_client(transport="jsonrpc").call("res.partner", method, **named)

    assert odoo.received[-1].body["params"]["args"][5:] == [list(named.values()), {"context": CONTEXT}]


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
def test_a_method_may_return_nothing(odoo: FakeOdoo, new_client: NewClient, transport: str) -> None:
    odoo.script(CONFIRM, result(None))
    odoo.script(RPC, rpc_result(2), rpc_result(None))

    assert new_client(transport=transport).call("sale.order", "action_confirm", [1]) is None


def test_an_error_over_json_rpc_comes_with_status_200(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(RPC, rpc_result(2), rpc_fault("odoo.exceptions.AccessError", "You are not allowed"))

    with pytest.raises(OdooAccessError):
        new_client(transport="jsonrpc").write("res.partner", [7], {})


def test_a_wrong_value_over_json2_comes_with_status_500(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(CONFIRM, fault(500, "builtins.ValueError", "Wrong value for res.partner.type: 'zzz'"))

    with pytest.raises(OdooValidationError) as caught:
        new_client().call("sale.order", "action_confirm", [1])

    assert caught.value.odoo_name == "builtins.ValueError"


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (DROPPED, OdooTransientError),
        (page(502), OdooTransientError),
        (page(503), OdooTransientError),
        (page(504), OdooTransientError),
        (page(429), OdooTransientError),
        (page(200, "<html>Please log in to the hotel's Wi-Fi</html>"), OdooTransientError),
        (Reply(200, b'[{"id": 1, "name": "An'), OdooTransientError),
        (Reply(200, b"[" * 100_000), OdooTransientError),
        (Reply(200, b'{"result": [1, 2', cut=True), OdooTransientError),
        (Reply(200, b'{"jsonrpc": "2.0", "id": 1, "resu'), OdooTransientError),
        (Reply(200, b""), OdooTransientError),
        (Reply(200, b"\xff\xfe\x00"), OdooTransientError),
        (Reply(502, b'{"message": "Bad Gateway"}'), OdooTransientError),
        (Reply(502, b'{"name": "gateway", "message": "down"}'), OdooTransientError),
        (page(413), OdooServerError),
    ],
)
@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
def test_an_answer_that_is_not_odoos_leaves_the_call_in_doubt_and_is_not_repeated(
    odoo: FakeOdoo, new_client: NewClient, transport: str, broken: Reply, kind: type[Exception]
) -> None:
    odoo.script(CONFIRM, broken)
    odoo.script(RPC, rpc_result(2), broken)
    client = new_client(transport=transport)

    with pytest.raises(kind) as caught:
        client.call("sale.order", "action_confirm", [1])

    assert type(caught.value) is kind
    assert client.requests.writes == 1


@pytest.mark.parametrize("garbage", [[], 7, "yes", {"result": 1}, {"jsonrpc": "2.0", "id": 2, "result": 1}])
def test_json_that_is_no_json_rpc_is_no_answer(odoo: FakeOdoo, new_client: NewClient, garbage: Any) -> None:
    odoo.script(RPC, rpc_result(2), result(garbage))

    with pytest.raises(OdooTransientError):
        new_client(transport="jsonrpc").call("sale.order", "action_confirm", [1])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(odoo: FakeOdoo, new_client: NewClient, status: int) -> None:
    odoo.script(CONFIRM, Reply(status, b"", headers={"Location": "https://elsewhere.example/json?token=abc"}))

    with pytest.raises(ConfigurationError, match=r"https://elsewhere\.example; set that address") as caught:
        new_client().call("sale.order", "action_confirm", [1])

    assert "token" not in str(caught.value)
    assert len(odoo.received) == 2  # the version and the call


def test_an_unreachable_server_is_an_error_of_its_own(new_client: NewClient, sleeps: list[float]) -> None:
    with pytest.raises(OdooTransientError, match="no answer"):
        new_client(url="http://127.0.0.1:1").authenticate()

    assert len(sleeps) == 3


def test_a_wrong_database_is_told_from_a_missing_record(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(CONFIRM, page(404, "<p>No database is selected and the requested URL was not found</p>"))

    with pytest.raises(OdooAuthenticationError, match="no such database"):
        new_client().call("sale.order", "action_confirm", [1])


def test_a_netrc_file_does_not_replace_the_key(
    odoo: FakeOdoo, new_client: NewClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    odoo.script(CONFIRM, result(None))

    new_client().call("sale.order", "action_confirm", [1])

    assert odoo.to(CONFIRM)[0].headers["Authorization"] == "bearer s3cret-key"


def test_a_proxy_of_the_environment_is_used(
    odoo: FakeOdoo, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", odoo.url)
    odoo.script(f"http://odoo.example{VERSION_PATH}", result(VERSION_19))
    odoo.script(f"http://odoo.example{CONFIRM}", result(None))

    new_client(url="http://odoo.example").call("sale.order", "action_confirm", [1])

    assert [request.path for request in odoo.received][-1] == f"http://odoo.example{CONFIRM}"


def test_a_certificate_bundle_of_the_environment_is_used_unless_another_is_set(
    odoo: FakeOdoo, new_client: NewClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    with pytest.raises(OSError, match=r"missing\.pem"):
        _ = new_client(url=odoo.url.replace("http:", "https:")).version


def test_cookies_are_not_kept(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(CONFIRM, Reply(200, b"null", headers={"Set-Cookie": "session_id=of-another-database; Path=/"}))
    client = new_client()

    client.call("sale.order", "action_confirm", [1])
    client.call("sale.order", "action_confirm", [2])

    assert "Cookie" not in odoo.received[-1].headers
