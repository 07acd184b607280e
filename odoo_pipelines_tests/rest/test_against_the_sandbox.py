"""The client and the sandbox were written apart from each other, from the same contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import ExternalAuthenticationError, ExternalProtocolError, ExternalUnavailableError
from odoo_pipelines.http.connection import ExternalConnection, record_path
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines_sandbox.pms.app import SandboxApp, create_app
from odoo_pipelines_sandbox.pms.faults import Fault
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.http.conftest import Clock, CountingLimiter

_BOOKINGS = 60
_SECRET = "sandbox-secret"
Connect = Callable[..., ExternalClient]


@pytest.fixture
def sandbox(clock: Clock) -> SandboxApp:
    options = SandboxOptions(bookings=_BOOKINGS, api_key=SecretStr("key"), api_secret=SecretStr(_SECRET))
    return create_app(options, now=clock)


@pytest.fixture
def connect_sandbox(sandbox: SandboxApp, clock: Clock, limiter: CountingLimiter) -> Iterator[Connect]:
    with running(sandbox) as url:
        clients: list[ExternalClient] = []

        def make(secret: str = _SECRET) -> ExternalClient:
            connection = ExternalConnection(url, SecretStr("key"), SecretStr(secret), page_size=7)
            clients.append(ExternalClient(connection, limiter, clock=clock, sleep=clock.sleep))
            return clients[-1]

        yield make
        for client in clients:
            client.close()


def _rows(client: ExternalClient, **window: Any) -> list[dict[str, Any]]:
    return [row for page in client.pages("/bookings", **window) for row in page.rows]


def test_every_booking_is_read_once_in_order_of_change(connect_sandbox: Connect) -> None:
    rows = _rows(connect_sandbox())
    assert len({row["id"] for row in rows}) == len(rows) == _BOOKINGS
    assert [row["updated_at"] for row in rows] == sorted(row["updated_at"] for row in rows)


def test_two_windows_that_meet_hold_every_booking_once(connect_sandbox: Connect, clock: Clock) -> None:
    client = connect_sandbox()
    middle = datetime.fromtimestamp(clock.now, UTC) - timedelta(days=30)
    before, after = _rows(client, updated_before=middle), _rows(client, updated_since=middle)
    assert before
    assert after
    assert [row["id"] for row in before + after] == [row["id"] for row in _rows(client)]


def test_faults_of_every_kind_that_may_pass_lose_no_row(connect_sandbox: Connect, sandbox: SandboxApp) -> None:
    client = connect_sandbox()
    expected = _rows(client)
    faults = [
        Fault(kind="status", status=429, retry_after="3"),
        Fault(kind="status", status=429, retry_after="date", seconds=5),
        Fault(kind="status", status=503),
        Fault(kind="drop_before"),
        Fault(kind="drop_after"),
        Fault(kind="truncate"),
        Fault(kind="revoke_tokens"),
    ]
    rows = []
    for page in client.pages("/bookings"):
        rows += page.rows
        sandbox.sandbox.faults.faults += [faults.pop()] if faults else []
    assert rows == expected
    assert (faults, sandbox.sandbox.faults.faults) == ([], [])
    assert client.requests.retried == 6


def test_a_repeating_cursor_ends_the_walk_with_an_error(connect_sandbox: Connect, sandbox: SandboxApp) -> None:
    sandbox.sandbox.faults.faults.append(Fault(kind="repeat_cursor", path="/bookings"))
    with pytest.raises(ExternalProtocolError, match="repeats"):
        _rows(connect_sandbox())


def test_a_web_page_in_place_of_json_is_got_over_unless_it_stays(connect_sandbox: Connect, sandbox: SandboxApp) -> None:
    expected = _rows(connect_sandbox())
    sandbox.sandbox.faults.faults.append(Fault(kind="not_json", path="/bookings"))
    assert _rows(connect_sandbox()) == expected
    sandbox.sandbox.faults.faults.append(Fault(kind="not_json", path="/bookings", times=None))
    with pytest.raises(ExternalUnavailableError, match="a web page in place of JSON, the last of 6 tries"):
        _rows(connect_sandbox())


def test_a_wrong_secret_is_an_authentication_error(connect_sandbox: Connect) -> None:
    with pytest.raises(ExternalAuthenticationError):
        connect_sandbox(secret="wrong").get("/rooms")


def test_a_clock_that_is_off_is_an_authentication_error(
    connect_sandbox: Connect, sandbox: SandboxApp, clock: Clock
) -> None:
    sandbox.sandbox.gate.now = lambda: clock.now + 301
    with pytest.raises(ExternalAuthenticationError, match="the clock of this machine"):
        connect_sandbox().get("/rooms")


def test_one_booking_is_read_by_its_id_and_an_unknown_one_is_none(connect_sandbox: Connect) -> None:
    client = connect_sandbox()
    booking = _rows(client)[0]
    assert client.get_record(record_path("/bookings", str(booking["id"]))) == booking
    assert client.get_record(record_path("/bookings", "no/such \u00e9?#%")) is None


def test_a_payment_whose_answer_was_lost_is_recorded_once(connect_sandbox: Connect, sandbox: SandboxApp) -> None:
    client = connect_sandbox()
    path = record_path("/bookings", str(_rows(client)[0]["id"]), "payments")
    sandbox.sandbox.faults.faults.append(Fault(kind="drop_after", method="POST", path="/bookings"))
    payment = {"amount": 12.5, "transaction_id": "PBNK1/2026/00001", "payment_method": "cash"}
    with pytest.raises(ExternalUnavailableError) as caught:
        client.post_once(path, payment, "PBNK1/2026/00001")
    assert caught.value.in_doubt
    again = client.post_once(path, payment, "PBNK1/2026/00001")
    assert not again.created
    assert sandbox.sandbox.ledger.payments == [again.record]
    listed = [row["transaction_id"] for page in client.pages("/payments") for row in page.rows]
    assert listed[-1] == "PBNK1/2026/00001"


def test_availability_is_put(connect_sandbox: Connect, sandbox: SandboxApp) -> None:
    client = connect_sandbox()
    room_type = next(client.pages("/rooms")).rows[0]
    client.put(record_path("/room-types", str(room_type["id"]), "availability"), {"date": "2026-09-01", "available": 3})
    assert sandbox.sandbox.ledger.availability == {(room_type["id"], "2026-09-01"): 3}
