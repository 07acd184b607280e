from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from odoo_pipelines.errors import (
    ExternalAuthenticationError,
    ExternalProtocolError,
    ExternalRequestError,
    ExternalUnavailableError,
)
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines_tests.http.conftest import KEY, SECRET, Clock
from odoo_pipelines_tests.http.server import Received, Reply, Server, json_reply

Connect = Callable[..., ExternalClient]


class Tokens:
    """The server's side: issues t1, t2, ... and accepts those that are not revoked."""

    def __init__(self, expires_in: int | None = 3600) -> None:
        self.issued = 0
        self.revoked: set[str] = set()
        self._answer: dict[str, Any] = {} if expires_in is None else {"expires_in": expires_in}

    def __call__(self, received: Received) -> Reply:
        if received.path == "/auth/token":
            self.issued += 1
            return json_reply({"access_token": f"t{self.issued}", **self._answer})
        valid = {f"t{number + 1}" for number in range(self.issued)} - self.revoked
        return json_reply({"used": received.bearer}) if received.bearer in valid else json_reply({"error": "no"}, 401)


@pytest.fixture
def tokens(server: Server) -> Tokens:
    server.answer = tokens = Tokens()
    return tokens


def test_without_a_secret_the_key_is_the_bearer(client: ExternalClient, server: Server) -> None:
    client.get("/orders")
    assert [received.bearer for received in server.received] == [KEY]


def test_a_netrc_of_the_machine_does_not_replace_the_bearer(
    client: ExternalClient, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client.get("/orders")
    assert server.received[0].bearer == KEY


def test_a_refused_key_is_an_authentication_error_at_once(client: ExternalClient, server: Server) -> None:
    server.script(json_reply({"error": KEY}, 401))
    with pytest.raises(ExternalAuthenticationError, match="Check API key and secret") as caught:
        client.get("/orders")
    assert caught.value.status == 401
    assert KEY not in str(caught.value)
    assert len(server.received) == 1


def test_with_a_secret_key_and_secret_are_exchanged_once_for_all_requests(
    connect: Connect, server: Server, tokens: Tokens
) -> None:
    client = connect(secret=True)
    assert [client.get("/orders")["used"] for _ in range(3)] == ["t1", "t1", "t1"]
    assert server.received[0].body == f'{{"api_key": "{KEY}", "api_secret": "{SECRET}"}}'.encode()
    assert "Authorization" not in server.received[0].headers
    assert tokens.issued == 1


@pytest.mark.parametrize(
    ("expires_in", "age", "token"),
    [
        (3600, 3539, "t1"),
        (3600, 3540, "t2"),  # 60 s before it expires
        (None, 3539, "t1"),  # the contract's default is 3600
        (None, 3540, "t2"),
        (40, 19, "t1"),  # shorter than the margin: used for half its life
        (40, 20, "t2"),
    ],
)
def test_a_token_is_refreshed_before_it_expires(
    connect: Connect, server: Server, clock: Clock, *, expires_in: int | None, age: int, token: str
) -> None:
    server.answer = Tokens(expires_in)
    client = connect(secret=True)
    client.get("/orders")
    clock.now += age
    assert client.get("/orders")["used"] == token


def test_a_revoked_token_is_replaced_once_and_the_request_repeated(connect: Connect, tokens: Tokens) -> None:
    client = connect(secret=True)
    client.get("/orders")
    tokens.revoked = {"t1"}
    assert client.get("/orders")["used"] == "t2"
    assert tokens.issued == 2


def test_every_request_may_replace_a_revoked_token_once(connect: Connect, tokens: Tokens) -> None:
    client = connect(secret=True)
    for revoked in ({"t0"}, {"t1"}, {"t1", "t2"}):
        tokens.revoked = revoked
        client.get("/orders")
    assert tokens.issued == 3


def test_a_token_that_is_refused_twice_is_an_authentication_error(
    connect: Connect, server: Server, tokens: Tokens
) -> None:
    tokens.revoked = {"t1", "t2"}
    with pytest.raises(ExternalAuthenticationError):
        connect(secret=True).get("/orders")
    assert [received.path for received in server.received] == ["/auth/token", "/orders"] * 2


def test_threads_that_start_together_share_one_exchange(connect: Connect, tokens: Tokens) -> None:
    client = connect(secret=True)
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return str(client.get("/orders")["used"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"t1"}
    assert tokens.issued == 1


def test_threads_that_are_refused_together_share_one_exchange(connect: Connect, server: Server, tokens: Tokens) -> None:
    client = connect(secret=True)
    client.get("/orders")
    tokens.revoked = {"t1"}
    refused_together = threading.Barrier(4)
    plain = server.handle

    def handle(received: Received) -> Reply:
        reply = plain(received)
        if reply.status == 401:
            refused_together.wait()  # nobody gets its 401 before all have used t1
        return reply

    server.handle = handle  # type: ignore[method-assign]
    with ThreadPoolExecutor(4) as pool:
        assert {answer["used"] for answer in pool.map(lambda _: client.get("/orders"), range(4))} == {"t2"}
    assert tokens.issued == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ExternalRequestError),
        (401, ExternalAuthenticationError),
        (403, ExternalAuthenticationError),
        (404, ExternalRequestError),
        (503, ExternalUnavailableError),
    ],
)
def test_a_refused_exchange_stops_before_any_request(
    connect: Connect, server: Server, status: int, error: type[Exception]
) -> None:
    server.script(Reply(status))
    with pytest.raises(error, match="/auth/token") as caught:
        connect(secret=True).get("/orders")
    assert not {KEY, SECRET} & set(str(caught.value).split())
    assert {received.path for received in server.received} == {"/auth/token"}


def test_an_exchange_is_retried_like_every_request(connect: Connect, server: Server) -> None:
    server.script(Reply(503), Reply(fault="reset"), json_reply({"access_token": "token"}), json_reply({}))
    client = connect(secret=True)
    client.get("/orders")
    assert client.requests.retried == 2


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        "token",
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "two\nlines"},
        {"access_token": "t", "expires_in": "3600"},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": -1},
        {"access_token": "t", "expires_in": True},
        {"access_token": "t", "expires_in": None},
    ],
)
def test_an_exchange_that_breaks_the_contract_is_a_protocol_error(
    connect: Connect, server: Server, answer: object
) -> None:
    server.script(json_reply(answer))
    with pytest.raises(ExternalProtocolError, match=r"access_token|expires_in") as caught:
        connect(secret=True).get("/orders")
    assert "two" not in str(caught.value)
