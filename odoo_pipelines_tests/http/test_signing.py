from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from odoo_pipelines.http.connection import record_path
from odoo_pipelines.http.signing import signature
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines_tests.http.conftest import NOW, SECRET
from odoo_pipelines_tests.http.server import Received, Reply, Server, json_reply

_BLOCK = 64


def _hmac_by_rfc_2104(key: bytes, message: bytes) -> str:
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def _expected(received: Received) -> str:
    text = received.method + received.target.split("?", maxsplit=1)[0] + received.headers["X-Timestamp"]
    return _hmac_by_rfc_2104(SECRET.encode(), text.encode() + received.body)


def _with_token(received: Received) -> Reply:
    return json_reply({"access_token": "token"}) if received.path.endswith("/auth/token") else json_reply({"data": []})


def test_a_known_signature() -> None:
    # echo -n 'GET/bookings1790000000' | openssl dgst -sha256 -hmac 's3cret'
    expected = "f6154a822c0a80570810a43e73bd8f1e4ab8bd2fdbe8926d82e93f39a7b94b2a"
    assert signature(SecretStr("s3cret"), "GET", "/bookings", "1790000000", b"") == expected


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.get("/orders"), id="plain"),
        pytest.param(lambda client: client.get("/orders", {"cursor": "a/b?c=d&e"}), id="query"),
        pytest.param(lambda client: client.get_record(record_path("/orders", "A/7 \u00e9?")), id="quoted path"),
        pytest.param(lambda client: client.post_once("/orders", {"n": 1, "t": "\u00e9\u20ac"}, "k"), id="body"),
        pytest.param(lambda client: client.put("/orders/1", {"n": 1}), id="put"),
        pytest.param(lambda client: list(client.pages("/orders")), id="page"),
    ],
)
def test_every_request_is_signed_as_it_goes_over_the_wire(
    connect: Callable[..., ExternalClient], server: Server, ask: Callable[[ExternalClient], object]
) -> None:
    server.answer = _with_token
    ask(connect(secret=True, url=server.url + "/base"))
    token_request, request = server.received
    for received in (token_request, request):
        assert received.path.startswith("/base/")
        assert received.headers["X-Timestamp"] == str(int(NOW))
        assert received.headers["X-Signature"] == _expected(received)


def test_a_repeated_request_is_signed_anew_with_the_time_of_the_repetition(
    connect: Callable[..., ExternalClient], server: Server
) -> None:
    server.script(json_reply({"access_token": "token"}), Reply(503), Reply(200))
    connect(secret=True).get("/orders")
    first, second = server.received[1:]
    assert int(second.headers["X-Timestamp"]) == int(first.headers["X-Timestamp"]) + 1
    assert second.headers["X-Signature"] == _expected(second) != first.headers["X-Signature"]


def test_without_a_secret_nothing_is_signed(client: ExternalClient, server: Server) -> None:
    client.get("/orders")
    assert not {"X-Timestamp", "X-Signature"} & set(server.received[0].headers)
