"""The proxy itself: what the client and the server see of every fault."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from odoo_pipelines_tests.faults.kinds import (
    BAD_GATEWAY,
    CUT,
    GATEWAY_TIMEOUT,
    LATE,
    LOST,
    NOTHING,
    REFRAMED,
    RESET,
    SILENCE,
    WAIT,
    Fault,
)
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to
from odoo_pipelines_tests.http.server import Server, json_reply, serving

PATIENCE = 0.2


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.answer = lambda _received: json_reply({"rows": list(range(100))})
        yield server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with proxy_to(server.url) as proxy:
        yield proxy


def ask(proxy: Proxy, path: str = "/json/2/res.partner/load") -> requests.Response:
    return requests.post(proxy.url + path, json={"a": 1}, headers={"X-Own": "kept"}, timeout=PATIENCE)


def test_without_a_fault_everything_passes_and_is_counted(proxy: Proxy, server: Server) -> None:
    answers = [ask(proxy), ask(proxy, "/json/2/res.partner/search?x=1")]
    assert [len(each.json()["rows"]) for each in answers] == [100, 100]
    [first, _] = server.received
    assert (first.body, first.headers["X-Own"]) == (b'{"a": 1}', "kept")
    assert proxy.requests == {"/json/2/res.partner/load": 1, "/json/2/res.partner/search": 1}
    assert proxy.writes == {"res.partner/load": 1}


@pytest.mark.parametrize(
    ("fault", "error", "served"),
    [
        (RESET, requests.ConnectionError, 0),
        (LOST, requests.ConnectionError, 1),
        (CUT, requests.exceptions.ChunkedEncodingError, 1),
        (SILENCE, requests.ReadTimeout, 1),
    ],
    ids=str,
)
def test_a_lost_answer(
    proxy: Proxy, server: Server, fault: Fault, error: type[requests.RequestException], served: int
) -> None:
    proxy.strike(fault)
    with pytest.raises(error):
        ask(proxy)
    assert len(server.received) == served
    assert ask(proxy).ok
    assert proxy.struck == [fault.name]


def test_half_an_answer_whose_length_agrees(proxy: Proxy, server: Server) -> None:
    server.script(json_reply({"id": 1234}))
    proxy.strike(REFRAMED)
    answer = ask(proxy)
    assert (answer.status_code, answer.content) == (200, b'{"id": 1234}'[:6])
    assert ask(proxy).json() == {"id": 1234}


def test_a_late_server_goes_on_when_nobody_waits_any_more(proxy: Proxy, server: Server) -> None:
    done = threading.Event()

    def told(_received: object) -> object:
        done.set()
        return json_reply({})

    server.answer = told  # type: ignore[assignment]
    proxy.strike(LATE)
    with pytest.raises(requests.ReadTimeout):
        ask(proxy)
    assert done.wait(10)


@pytest.mark.parametrize(
    ("fault", "status", "served"), [(BAD_GATEWAY, 502, 0), (GATEWAY_TIMEOUT, 504, 1), (WAIT, 429, 0)]
)
def test_an_answer_of_somebody_else(proxy: Proxy, server: Server, fault: Fault, status: int, served: int) -> None:
    proxy.strike(fault)
    assert ask(proxy).status_code == status
    assert len(server.received) == served


def test_a_reset_is_a_reset(proxy: Proxy) -> None:
    proxy.strike(RESET)
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2]))) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_while_it_is_down_connections_are_refused(proxy: Proxy) -> None:
    proxy.go_down()
    with pytest.raises(requests.ConnectionError, match="refused"):
        ask(proxy)
    proxy.come_up()
    assert ask(proxy).ok


def test_a_strike_hits_the_requests_that_it_names_and_no_other(proxy: Proxy) -> None:
    proxy.strike(BAD_GATEWAY, "/json/2/res.partner/w", nth=2, times=2)
    paths = ["write", "load", "web_save_multi", "write", "write"]
    assert [ask(proxy, f"/json/2/res.partner/{each}").status_code for each in paths] == [200, 200, 502, 502, 200]


def test_an_effect_takes_place_when_it_strikes(proxy: Proxy, server: Server) -> None:
    served: list[int] = []
    proxy.strike(NOTHING, nth=2, effect=lambda: served.append(len(server.received)))
    assert all(ask(proxy).ok for _ in range(3))
    assert served == [2]


def test_disturbances_are_chosen_by_path_and_number(proxy: Proxy) -> None:
    proxy.disturb(lambda path, number: BAD_GATEWAY if path.endswith("/load") and number == 2 else None)
    paths = ["/load", "/read", "/load", "/read", "/load"]
    assert [ask(proxy, path).status_code for path in paths] == [200, 200, 502, 200, 200]
    proxy.calm()
    assert ask(proxy, "/load").ok
