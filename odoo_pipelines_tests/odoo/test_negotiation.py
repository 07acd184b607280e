from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import OdooAuthenticationError, OdooTransientError
from odoo_pipelines.odoo.connection import OdooVersion
from odoo_pipelines_tests.odoo.conftest import NewClient
from odoo_pipelines_tests.odoo.server import (
    VERSION_PATH,
    FakeOdoo,
    Reply,
    fault,
    page,
    result,
    rpc_fault,
    rpc_result,
)

CONTEXT_GET, READ_USER = "/json/2/res.users/context_get", "/json/2/res.users/read"
REFUSED = fault(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
VERSION_18 = {"server_version": "18.0", "server_version_info": [18, 0, 0, "final", 0, ""], "protocol_version": 1}


def takes_the_key(odoo: FakeOdoo, login: str = "ann@example.com") -> None:
    odoo.script(CONTEXT_GET, result({"lang": "en_US", "tz": False, "uid": 2}))
    odoo.script(READ_USER, result([{"id": 2, "login": login}]))


@pytest.mark.parametrize(
    ("info", "text", "version"),
    [
        ([19, 0, 0, "final", 0, ""], "19.0", OdooVersion(19, 0, "19.0")),
        (["saas~18", 3, 0, "final", 0, "e"], "saas~18.3+e", OdooVersion(18, 3, "saas~18.3+e")),
    ],
)
def test_the_version_is_asked_without_logging_in(
    odoo: FakeOdoo, new_client: NewClient, info: list[Any], text: str, version: OdooVersion
) -> None:
    odoo.script(VERSION_PATH, result({"version_info": info, "version": text}))
    client = new_client()

    assert (client.version, client.version) == (version, version)
    assert [request.verb for request in odoo.received] == ["GET"]


def test_an_older_server_tells_its_version_over_json_rpc(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(VERSION_PATH, page(404))
    odoo.script("/jsonrpc", rpc_result(VERSION_18))

    assert new_client().version == OdooVersion(18, 0, "18.0")


@pytest.mark.parametrize(
    "answer", [result({}), result([19]), page(200), result({"version_info": ["x", 0], "version": ""})]
)
def test_a_version_that_cannot_be_read_is_no_answer_of_odoos(
    odoo: FakeOdoo, new_client: NewClient, answer: Reply
) -> None:
    odoo.script(VERSION_PATH, answer)

    with pytest.raises(OdooTransientError):
        _ = new_client().version


def test_odoo_19_with_an_api_key_is_spoken_to_in_json2(odoo: FakeOdoo, new_client: NewClient) -> None:
    takes_the_key(odoo)
    client = new_client(transport="auto")

    assert client.transport == "json2"
    assert client.authenticate() == 2


def test_odoo_19_with_a_password_is_spoken_to_in_json_rpc(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(CONTEXT_GET, REFUSED)
    odoo.script("/jsonrpc", rpc_result(2))
    client = new_client(transport="auto")

    assert client.transport == "jsonrpc"
    assert client.authenticate() == 2


@pytest.mark.parametrize("password", ["pässwört", "two words", "line\n"])
def test_a_password_that_fits_no_header_is_not_tried_as_a_key(
    odoo: FakeOdoo, new_client: NewClient, password: str
) -> None:
    odoo.script("/jsonrpc", rpc_result(2))
    client = new_client(transport="auto", secret=SecretStr(password))

    assert client.transport == "jsonrpc"
    assert odoo.to(CONTEXT_GET) == []
    with pytest.raises(OdooAuthenticationError, match="not an API key"):
        new_client(transport="json2", secret=SecretStr(password)).authenticate()


def test_an_older_server_is_spoken_to_in_json_rpc(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(VERSION_PATH, page(404))
    odoo.script("/jsonrpc", rpc_result(VERSION_18), rpc_result(2))

    assert new_client(transport="auto").transport == "jsonrpc"


@pytest.mark.parametrize("forced", ["json2", "jsonrpc"])
def test_a_protocol_that_is_set_is_taken_without_a_try(odoo: FakeOdoo, new_client: NewClient, forced: str) -> None:
    assert new_client(transport=forced).transport == forced
    assert [request.path for request in odoo.received] == [VERSION_PATH]


def test_a_secret_that_neither_protocol_takes_is_refused(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(CONTEXT_GET, REFUSED)
    odoo.script("/jsonrpc", rpc_result(value=False))

    with pytest.raises(OdooAuthenticationError):
        new_client(transport="auto").authenticate()


def test_an_api_key_of_another_user_is_refused(odoo: FakeOdoo, new_client: NewClient) -> None:
    takes_the_key(odoo, login="bob@example.com")

    with pytest.raises(OdooAuthenticationError, match="another user"):
        new_client().authenticate()


def test_an_unknown_database_is_an_authentication_error_over_json_rpc_too(
    odoo: FakeOdoo, new_client: NewClient
) -> None:
    message = 'connection to server at "127.0.0.1", port 5432 failed: FATAL:  database "hotel" does not exist\n'
    odoo.script("/jsonrpc", rpc_fault("psycopg2.OperationalError", message))

    with pytest.raises(OdooAuthenticationError):
        new_client(transport="jsonrpc").authenticate()


def test_a_bad_moment_does_not_decide_the_protocol(odoo: FakeOdoo, new_client: NewClient, sleeps: list[float]) -> None:
    takes_the_key(odoo)
    odoo.script(CONTEXT_GET, page(502), result({"uid": 2}))

    assert new_client(transport="auto").transport == "json2"
    assert len(sleeps) == 1
