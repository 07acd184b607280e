"""Keys, tokens and signatures."""

from __future__ import annotations

import hmac
import time
from typing import Any

import pytest
import requests

from odoo_pipelines_tests.sandbox.pms.client import Client, sandbox

KEY, SECRET = "key-1", "secret-1"


class Clock:
    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


def _signed(
    pms: Client, token: str, at: float, method: str = "GET", path: str = "/bookings", **changes: Any
) -> requests.Response:
    body = changes.get("body", b"")
    stamp = changes.get("stamp", str(int(at)))
    message = f"{method}{path}{stamp}".encode() + body
    signature = hmac.new(changes.get("secret", SECRET).encode(), message, "sha256").hexdigest()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "X-Timestamp": stamp,
        "X-Signature": signature,
    }
    return pms.ask(method, path + changes.get("query", ""), headers=headers, data=changes.get("sent", body))


def _token(pms: Client, key: str = KEY, secret: str = SECRET) -> requests.Response:
    return pms.post("/auth/token", {"api_key": key, "api_secret": secret})


def test_without_a_key_the_server_is_open() -> None:
    with sandbox(bookings=1) as pms:
        assert pms.get("/bookings").status_code == 200


def test_a_key_without_a_secret_is_the_bearer() -> None:
    with sandbox(bookings=1, api_key=KEY) as pms:
        for headers, status in (
            ({"Authorization": f"Bearer {KEY}"}, 200),
            ({"Authorization": "Bearer x"}, 401),
            ({}, 401),
        ):
            answer = pms.ask("GET", "/bookings", headers=headers)
            assert answer.status_code == status
            assert answer.ok or answer.json()["error"]


def test_with_a_secret_the_bare_key_is_refused() -> None:
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        assert _signed(pms, KEY, time.time()).status_code == 401


def test_a_token_and_a_signature_open_every_endpoint() -> None:
    body = b'{"amount": 5, "transaction_id": "t"}'
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        answer = _token(pms).json()
        token, now = answer["access_token"], time.time()
        assert answer["expires_in"] == 3600
        assert _signed(pms, token, now, query="?limit=1").status_code == 200
        paid = _signed(pms, token, now, "POST", "/bookings/bk_00000001/payments", body=body)
        assert paid.status_code == 201


@pytest.mark.parametrize(("key", "secret"), [("x", SECRET), (KEY, "x"), ("", "")])
def test_wrong_credentials_get_no_token(key: str, secret: str) -> None:
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        answer = _token(pms, key, secret)
        assert answer.status_code == 401
        assert answer.json()["error"]


def test_a_server_without_a_secret_gives_no_tokens() -> None:
    with sandbox(bookings=1, api_key=KEY) as pms:
        assert _token(pms, KEY, "").status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "other"},
        {"body": b"signed", "sent": b"sent"},
        {"stamp": "now"},
        {"stamp": ""},
        {"stamp": "1700000000"},
        {"stamp": "1700000000000"},
    ],
    ids=["wrong secret", "another body", "no number", "none", "long ago", "in milliseconds"],
)
def test_a_wrong_signature_or_timestamp_is_refused(changes: dict[str, Any]) -> None:
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        token = _token(pms).json()["access_token"]
        answer = _signed(pms, token, time.time(), **changes)
        assert answer.status_code == 401
        assert answer.json()["error"]


def test_a_token_expires() -> None:
    clock = Clock()
    with sandbox(clock, bookings=1, api_key=KEY, api_secret=SECRET, token_seconds=60) as pms:
        token = _token(pms).json()["access_token"]
        clock.seconds += 59
        assert _signed(pms, token, clock.seconds).status_code == 200
        clock.seconds += 1
        assert _signed(pms, token, clock.seconds).status_code == 401


def test_revoked_tokens_are_refused_until_a_new_one_is_asked_for() -> None:
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        token = _token(pms).json()["access_token"]
        pms.control("faults", kind="revoke_tokens")
        assert _signed(pms, token, time.time()).status_code == 401
        assert _signed(pms, _token(pms).json()["access_token"], time.time()).status_code == 200


def test_the_control_endpoints_ask_for_no_key() -> None:
    with sandbox(bookings=1, api_key=KEY, api_secret=SECRET) as pms:
        assert pms.get("/sandbox/stats").status_code == 200
        assert pms.get("/").status_code == 200
