from __future__ import annotations

import gzip
import socket
import tracemalloc
from collections.abc import Callable
from typing import Any, Literal

import pytest

from odoo_pipelines.errors import ExternalProtocolError, ExternalRequestError, ExternalUnavailableError
from odoo_pipelines.http.retries import ATTEMPTS
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines_tests.http.conftest import KEY, SECRET, Clock, CountingLimiter
from odoo_pipelines_tests.http.server import Received, Reply, Server, json_reply, serving

Connect = Callable[..., ExternalClient]
GZIP = {"Content-Encoding": "gzip"}
MIB = 1024 * 1024

CUT_JSON = Reply(body=b'{"id": 1, "name": "An')
"""As a proxy sends it on that lost the connection to the server, and announces what it has."""
PASSING_BODIES = [
    pytest.param(CUT_JSON, id="cut JSON"),
    pytest.param(Reply(body=b'{"id": 1, "name": "\xc3'), id="cut inside a character"),
    pytest.param(Reply(body=gzip.compress(b'{"id": 1, "name": "Anna"}' * 9)[:30], headers=GZIP), id="cut compression"),
    pytest.param(Reply(body=b"<html>Sorry</html>", headers={"Content-Type": "text/html"}), id="web page"),
]


def _ask(client: ExternalClient, method: str) -> Any:
    if method == "GET":
        return client.get("/orders")
    return client.post_once("/orders", {}, "k") if method == "POST" else client.put("/orders", {})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(408), id="408"),
        pytest.param(Reply(429), id="429"),
        pytest.param(Reply(500), id="500"),
        pytest.param(Reply(503), id="503"),
        pytest.param(Reply(fault="reset"), id="connection reset"),
        pytest.param(Reply(fault="cut", body=b'{"a": 1, "b": 2}'), id="cut body"),
        pytest.param(Reply(fault="cut chunk", body=b'{"a": 1, "b": 2}'), id="cut chunk"),
        pytest.param(Reply(body=b"no gzip", headers=GZIP), id="damaged compression"),
        *PASSING_BODIES,
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_fault_that_may_pass_is_tried_again(
    client: ExternalClient, server: Server, clock: Clock, fault: Reply, method: str
) -> None:
    server.script(fault, json_reply({"id": 1}))
    assert _ask(client, method) == {"id": 1}
    assert clock.slept == [1.0]
    assert (client.requests.total, client.requests.retried) == (2, 1)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(408), id="408"),
        pytest.param(Reply(500), id="500"),
        pytest.param(Reply(503), id="503"),
        pytest.param(Reply(fault="reset"), id="connection reset"),
        pytest.param(Reply(fault="cut", body=b'{"a": 1, "b": 2}'), id="cut body"),
        pytest.param(Reply(body=b"no gzip", headers=GZIP), id="damaged compression"),
        pytest.param(Reply(201, b""), id="empty body"),
        *PASSING_BODIES,
    ],
)
def test_a_post_that_may_have_been_carried_out_is_never_repeated(
    client: ExternalClient, server: Server, clock: Clock, fault: Reply
) -> None:
    server.script(fault, json_reply({}, 201))
    with pytest.raises(ExternalUnavailableError, match="may have been carried out") as caught:
        _ask(client, "POST")
    assert caught.value.in_doubt
    assert (len(server.received), clock.slept) == (1, [])


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_asked_for_again_except_after_a_put(
    client: ExternalClient, server: Server, clock: Clock, body: bytes
) -> None:
    server.script(Reply(body=body), json_reply({"id": 1}))
    assert client.get("/orders") == {"id": 1}
    assert clock.slept == [1.0]
    server.script(Reply(body=body))
    assert client.put("/orders", {}) is None
    assert clock.slept == [1.0]


def test_an_answer_that_is_always_cut_off_is_an_error_that_says_so_without_anything_of_it(
    connect: Connect, server: Server
) -> None:
    server.answer = lambda received: json_reply({"access_token": "t"}) if "auth" in received.path else CUT_JSON
    expected = (
        rf"GET {server.url}/orders answered 200 with {len(CUT_JSON.body)} bytes that end in the middle of their JSON, "
        r"the last of 6 tries\. Look whether a proxy in between cuts answers off"
    )
    with pytest.raises(ExternalUnavailableError, match=expected) as caught:
        connect(secret=True).get("/orders", {"cursor": "opaque"})
    assert not any(word in str(caught.value) for word in ("An", "opaque", KEY, SECRET))
    assert len(server.received) == 1 + ATTEMPTS


def test_a_page_that_is_cut_off_is_asked_for_again_and_the_walk_goes_on(client: ExternalClient, server: Server) -> None:
    first = json_reply({"data": [{"id": 1}], "next_cursor": "a"})
    second = json_reply({"data": [{"id": 2}, {"id": 3}], "next_cursor": None})
    server.script(first, Reply(body=second.body[:-30]), Reply(body=second.body[:-1]), second)
    assert [row["id"] for page in client.pages("/orders") for row in page.rows] == [1, 2, 3]
    assert [received.query.get("cursor") for received in server.received] == [None, "a", "a", "a"]


def test_a_token_whose_answer_is_cut_off_is_asked_for_again(connect: Connect, server: Server) -> None:
    server.script(Reply(body=b'{"access_token": "t'), json_reply({"access_token": "t0"}), json_reply({"id": 1}))
    assert connect(secret=True).get("/orders") == {"id": 1}
    assert server.received[-1].bearer == "t0"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_broken_contract_is_not_asked_for_again(client: ExternalClient, server: Server, method: str) -> None:
    server.script(Reply(body=b'{"id": NaN}'))
    with pytest.raises(ExternalProtocolError, match="not valid JSON") as caught:
        _ask(client, method)
    assert caught.value.in_doubt == (method == "POST")
    assert len(server.received) == 1


def test_a_post_that_a_silent_server_took_is_never_repeated(connect: Connect, server: Server) -> None:
    server.script(Reply(fault="silence"))
    with pytest.raises(ExternalUnavailableError) as caught:
        _ask(connect(read_timeout=0.05), "POST")
    assert caught.value.in_doubt
    assert len(server.received) == 1


def test_a_post_that_was_refused_for_now_is_repeated_with_the_same_key_and_body(
    client: ExternalClient, server: Server, clock: Clock
) -> None:
    server.script(Reply(429), Reply(429), json_reply({}, 201))
    client.post_once("/orders", {"amount": 1.5}, "key/7")
    assert len({(received.headers["Idempotency-Key"], received.body) for received in server.received}) == 1
    assert clock.slept == [1.0, 2.0]


def test_a_post_that_never_arrived_is_repeated_and_at_last_not_in_doubt(connect: Connect, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ExternalUnavailableError, match="the last of 6 tries") as caught:
        _ask(connect(url=f"http://127.0.0.1:{port}"), "POST")
    assert not caught.value.in_doubt
    assert len(clock.slept) == ATTEMPTS - 1


def test_a_post_whose_token_has_run_out_is_sent_again_with_a_new_one(connect: Connect, server: Server) -> None:
    server.script(
        json_reply({"access_token": "t0"}),
        json_reply({"error": "expired"}, 401),
        json_reply({"access_token": "t1"}),
        json_reply({"id": 1}, 201),
    )
    assert _ask(connect(secret=True), "POST").created
    assert [received.bearer for received in server.received if received.path == "/orders"] == ["t0", "t1"]


def test_a_silent_server_is_given_up_after_the_read_time_out(connect: Connect, server: Server, clock: Clock) -> None:
    server.script(Reply(fault="silence"), json_reply({"id": 1}))
    assert connect(read_timeout=0.05).get("/orders") == {"id": 1}
    assert clock.slept == [1.0]


def test_a_server_that_stays_silent_is_unavailable(connect: Connect, server: Server) -> None:
    server.script(Reply(fault="silence"))
    with pytest.raises(ExternalUnavailableError, match=r"got no answer within 0.02 s, the last of 6 tries"):
        connect(read_timeout=0.02).get("/orders")


def test_a_refused_connection_is_unavailable(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ExternalUnavailableError, match="found or kept no connection") as caught:
        connect(url=f"http://127.0.0.1:{port}").get("/orders", {"cursor": "opaque"})
    assert caught.value.status is None
    assert "opaque" not in str(caught.value)


def test_a_host_that_takes_no_connection_is_given_up_after_the_connect_time_out(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # the queue of connections to accept is full now
            filler.setblocking(False)
            filler.connect_ex(address)
        client = connect(url=f"http://127.0.0.1:{address[1]}", connect_timeout=0.02)
        with pytest.raises(ExternalUnavailableError, match=r"got no connection within 0.02 s"):
            client.get("/orders")
        for filler in fillers:
            filler.close()


def test_after_all_tries_the_error_tells_the_last_status_and_a_cure_without_secrets(
    connect: Connect, server: Server
) -> None:
    server.answer = lambda received: (
        json_reply({"access_token": "token-confidential"}) if "auth" in received.path else Reply(503, b"confidential")
    )
    with pytest.raises(ExternalUnavailableError, match=r"GET http://.*/orders answered 503.*Look whether") as caught:
        connect(secret=True).get("/orders", {"cursor": "opaque"})
    assert caught.value.status == 503
    assert not any(word in str(caught.value) for word in ("confidential", "opaque", KEY, SECRET))
    assert len(server.received) == 1 + ATTEMPTS


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "86400"}, 300.0),
        ({"Retry-After": "-1"}, 1.0),
        ({"Retry-After": "junk"}, 1.0),
        # By the server's clock, which is ten years behind ours here:
        ({"Date": "Fri, 01 Jan 2016 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 2016 00:00:09 GMT"}, 9.0),
        # By our clock where the server does not tell its own: it stands at 14:13:20.
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:40 GMT"}, 20.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(
    client: ExternalClient, server: Server, clock: Clock, *, status: int, headers: dict[str, str], waited: float
) -> None:
    server.script(Reply(status, headers=headers), json_reply({}))
    client.get("/orders")
    assert clock.slept == [waited]


def test_the_limiter_is_asked_before_every_request_repeated_ones_and_exchanges_included(
    connect: Connect, server: Server, limiter: CountingLimiter
) -> None:
    server.script(json_reply({"access_token": "t"}), Reply(503), Reply(fault="reset"), json_reply({}))
    client = connect(secret=True)
    client.get("/orders")
    assert limiter.acquired == client.requests.total == len(server.received) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_redirect_is_never_followed(client: ExternalClient, server: Server, status: int, method: str) -> None:
    with serving() as other:
        server.script(Reply(status, headers={"Location": f"{other.url}/orders?token=opaque"}))
        with pytest.raises(ExternalProtocolError, match=f"leads to {other.url}.*set the URL") as caught:
            _ask(client, method)
        assert other.received == []
    assert len(server.received) == 1
    assert "opaque" not in str(caught.value)


@pytest.mark.parametrize("location", ["/login", "http://[::1", "http://a:b:c", "", "//"])
def test_a_redirect_to_a_place_that_cannot_be_read_is_the_same_error(
    client: ExternalClient, server: Server, location: str
) -> None:
    server.script(Reply(302, headers={"Location": location}))
    with pytest.raises(ExternalProtocolError, match="leads elsewhere"):
        client.get("/orders")


def test_cookies_are_not_kept(client: ExternalClient, server: Server) -> None:
    server.script(Reply(headers={"Set-Cookie": "session=1"}))
    client.get("/orders")
    client.get("/orders")
    assert all("Cookie" not in received.headers for received in server.received)


def test_compressed_answers_are_read(client: ExternalClient, server: Server) -> None:
    server.script(Reply(body=gzip.compress(b'{"id": 1}'), headers={"Content-Encoding": "gzip"}))
    assert client.get("/orders") == {"id": 1}


def test_what_is_sent_has_no_names_of_ours_but_the_agent(client: ExternalClient, server: Server) -> None:
    server.answer = lambda received: json_reply({"agent": _agent(received)})
    assert client.get("/orders") == {"agent": "odoo-pipelines"}


def _agent(received: Received) -> str:
    return received.headers["User-Agent"]


BOMB = gzip.compress(bytes(200 * MIB), compresslevel=1)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=BOMB, headers=GZIP), id="bomb"),
        pytest.param(Reply(body=gzip.compress(BOMB), headers={"Content-Encoding": "gzip, gzip"}), id="bomb in a bomb"),
        pytest.param(Reply(body=bytes(9 * MIB)), id="large"),
        pytest.param(Reply(body=b"[]", headers={"Content-Length": str(10**15)}), id="announced"),
        pytest.param(Reply(body=bytes(9 * MIB), fault="cut chunk"), id="chunked"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_of_an_answer_without_end_no_more_is_read_than_the_limit(
    connect: Connect, server: Server, reply: Reply, method: str
) -> None:
    client = connect(answer_bytes=2 * MIB)
    server.script(reply)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with pytest.raises(ExternalProtocolError, match=r"larger than 2 MiB.*external\.page_size") as caught:
            _ask(client, method)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 40 * MIB  # the server's own copies included
    assert caught.value.in_doubt == (method == "POST")
    assert len(server.received) == 1


def test_an_answer_of_just_the_limit_is_read_and_the_connection_is_used_again(connect: Connect, server: Server) -> None:
    client = connect(answer_bytes=MIB)
    server.script(Reply(body=b'"' + b"x" * (MIB - 2) + b'"'))
    assert len(client.get("/orders")) == len(client.get("/orders")) == MIB - 2
    assert server.connections == 1


@pytest.mark.parametrize("fault", ["trickling head", "trickling body"])
def test_an_answer_that_trickles_for_ever_is_given_up_and_asked_for_again(
    connect: Connect, server: Server, clock: Clock, fault: Literal["trickling head", "trickling body"]
) -> None:
    server.script(Reply(fault=fault), json_reply({"id": 1}))
    assert connect(answer_seconds=1.0).get("/orders") == {"id": 1}
    assert clock.slept == [1.0]
    server.script(Reply(fault=fault))
    with pytest.raises(ExternalUnavailableError, match=r"that had not ended after 0\.02 s, the last of 6 tries"):
        connect(answer_seconds=0.02).get("/orders")
    with pytest.raises(ExternalUnavailableError, match="may have been carried out"):
        _ask(connect(answer_seconds=0.02), "POST")


def test_of_an_error_without_end_only_the_beginning_is_read(connect: Connect, server: Server) -> None:
    server.script(Reply(404, BOMB, headers=GZIP), Reply(503, BOMB, headers=GZIP), json_reply({"id": 1}))
    client = connect(answer_bytes=MIB)
    with pytest.raises(ExternalRequestError, match="refused with 404") as caught:
        client.get("/orders")
    assert len(caught.value.reason) == 1_000
    assert client.get("/orders") == {"id": 1}


def test_a_head_without_end_is_given_up(connect: Connect, server: Server) -> None:
    server.script(Reply(headers={f"X-{number}": "x" * 60_000 for number in range(200)}), json_reply({"id": 1}))
    assert connect().get("/orders") == {"id": 1}
    assert len(server.received) == 2
