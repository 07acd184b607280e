"""Strangers at the door: half heads, endless heads, bodies that trickle, more connections than anybody needs.

Real sockets, and a real server; sizes and times are smaller than in production where that is all the same.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from starlette.requests import Request

from odoo_pipelines.webhooks.bodies import InFlight, read_body
from odoo_pipelines.webhooks.connections import Limits
from odoo_pipelines.webhooks.refusals import TOO_BUSY, TOO_LARGE, Refusal, RefusedError
from odoo_pipelines_tests.webhooks.site import (
    MemoryStore,
    body_of,
    exchange,
    post,
    raw_request,
    served,
    signed,
    status_of,
)
from odoo_pipelines_tests.webhooks.test_durability import receiver

MIB = 1024 * 1024
HALF_A_HEAD = b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\n"


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        yield connection


@contextmanager
def few_files() -> Iterator[None]:
    """A process that begins meanwhile may open no more, unless it raises its own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionResetError:  # it closed without reading what we had sent
        pass
    return answer


def a_head(to: str, now: float) -> bytes:
    """Of a webhook whose signature nobody can call wrong before the body has come."""
    lines = [f"POST /api/v1/webhook/{to} HTTP/1.1", "Host: h", f"Content-Length: {MIB}"]
    signature = [f"{name}: {value}" for name, value in signed(b"", now).items()]
    return "\r\n".join([*lines, *signature, "", ""]).encode()


class TestHeads:
    @pytest.mark.parametrize("sent", [b"", b"P", HALF_A_HEAD], ids=["nothing", "a byte", "half a head"])
    def test_a_head_that_does_not_come_in_time_is_not_waited_for(self, sent: bytes) -> None:
        with served(MemoryStore(), limits=Limits(head_seconds=0.1)) as url, connected(url) as connection:
            connection.sendall(sent)
            answer = all_of(connection)
        assert status_of(answer) == 408

    def test_nor_is_one_that_trickles(self) -> None:
        with served(MemoryStore(), limits=Limits(head_seconds=0.2)) as url, connected(url) as connection:
            connection.sendall(HALF_A_HEAD)
            connection.settimeout(0.01)
            while True:
                try:
                    connection.sendall(b"x")
                    answer = connection.recv(1000)
                    break
                except TimeoutError:
                    continue
        assert status_of(answer) == 408

    def test_nor_is_the_second_one_on_a_connection(self) -> None:
        body = body_of()
        headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]
        with served(MemoryStore(), limits=Limits(head_seconds=1.0)) as url, connected(url) as connection:
            connection.sendall(raw_request(body, *headers))
            assert status_of(connection.recv(1000)) == 200
            connection.sendall(HALF_A_HEAD)
            assert status_of(all_of(connection)) == 408

    def test_the_time_counts_anew_for_every_request(self) -> None:
        body = body_of()
        with served(MemoryStore(), limits=Limits(head_seconds=1.5)) as url, requests.Session() as session:
            ends_at = time.monotonic() + 2
            while time.monotonic() < ends_at:
                answer = session.post(f"{url}/api/v1/webhook/hotel", data=body, headers=signed(body), timeout=30)
                assert answer.status_code == 200

    @pytest.mark.parametrize("first", [b"", raw_request(b"", path=b"/healthz").replace(b"POST", b"GET")])
    def test_a_head_without_end_is_cut_off(self, first: bytes) -> None:
        with served(MemoryStore()) as url, connected(url) as connection:
            connection.sendall(first + HALF_A_HEAD)
            sent = 0
            try:
                while sent < 50 * MIB:
                    connection.sendall(b"X-%d: %s\r\n" % (sent, b"x" * 8_000))
                    sent += 8_000
            except (ConnectionResetError, BrokenPipeError):
                pass
        assert sent < 50 * MIB

    def test_a_large_head_is_taken_if_it_is_within_the_limit(self, url: str) -> None:
        body = body_of()
        headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]
        assert status_of(exchange(url, raw_request(body, *headers, (b"X-Large", b"x" * 50_000)))) == 200

    def test_bytes_that_nobody_waits_for_are_not_taken_for_ever(self) -> None:
        """The rest of a body after the answer, on a connection that stays open."""
        with served(MemoryStore()) as url, connected(url) as connection:
            connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            sent = 0
            try:
                while sent < 50 * MIB:
                    connection.sendall(b"1000\r\n%s\r\n" % (b"x" * 0x1000))
                    sent += 0x1000
            except (ConnectionResetError, BrokenPipeError):
                pass
        assert sent < 50 * MIB


class TestConnections:
    def test_those_that_wait_longest_for_a_head_make_room_for_others(self) -> None:
        with served(MemoryStore(), limits=Limits(connections=20, head_seconds=60)) as url, ExitStack() as open_ones:
            strangers = [open_ones.enter_context(connected(url)) for _ in range(20)]
            for stranger in strangers:
                stranger.sendall(HALF_A_HEAD)
            for number in range(5):
                answer = post(url, {"id": f"e{number}", "event_type": "booking.updated", "data": {"id": number}})
                assert answer.status_code == 200
            assert b"Retry-After: 5" in (first := all_of(strangers[0]))
            assert status_of(first) == 503
            strangers[-1].settimeout(0.05)
            with pytest.raises(TimeoutError):  # those that came last still wait
                strangers[-1].recv(1)

    def test_a_request_that_is_under_way_is_never_ended_for_another(self) -> None:
        body = body_of()
        headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]
        request = raw_request(body, *headers, (b"Expect", b"100-continue"))
        with served(MemoryStore(), limits=Limits(connections=3)) as url, ExitStack() as open_ones:
            busy = [open_ones.enter_context(connected(url)) for _ in range(3)]
            for each in busy:
                each.sendall(request.removesuffix(body))
                assert status_of(each.recv(1000)) == 100  # its body is waited for
            assert status_of(exchange(url, b"")) == 503
            for each in busy:
                each.sendall(body)
            assert [status_of(each.recv(1000)) for each in busy] == [200] * 3


class Bodies:
    """Requests of which a test tells when their bodies come."""

    def __init__(self, most_bytes: int) -> None:
        self.in_flight = InFlight(most_bytes)
        self.answered = asyncio.Event()

    def begin(self, *sizes: int, ends: bool = True) -> asyncio.Task[int]:
        return asyncio.create_task(self._read(sizes, ends=ends))

    async def _read(self, sizes: tuple[int, ...], *, ends: bool) -> int:
        messages = [{"type": "http.request", "body": b"x" * each, "more_body": True} for each in sizes]

        async def receive() -> dict[str, object]:
            if messages:
                return messages.pop(0)
            if not ends:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        async with read_body(request, self.in_flight) as body:
            await self.answered.wait()
            return len(body)


async def turns() -> None:
    """Lets everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def refusal_of(task: asyncio.Task[int]) -> Refusal | None:
    error = task.exception() if task.done() else None
    return error.refusal if isinstance(error, RefusedError) else None


class TestBodies:
    def test_where_too_many_bytes_come_in_those_are_refused_that_take_longest(self) -> None:
        async def whole() -> None:
            bodies = Bodies(100)
            slow = [bodies.begin(40, ends=False), bodies.begin(40, ends=False)]
            await turns()
            swift = bodies.begin(30, 40)
            await turns()
            assert [refusal_of(each) for each in (*slow, swift)] == [TOO_BUSY, TOO_BUSY, None]
            bodies.answered.set()
            assert await swift == 70

        asyncio.run(whole())

    def test_what_has_come_is_never_given_up_for_what_comes(self) -> None:
        async def whole() -> None:
            bodies = Bodies(100)
            stored = bodies.begin(60)
            await turns()
            late = bodies.begin(41)
            await turns()
            assert refusal_of(late) is TOO_BUSY
            bodies.answered.set()
            assert (await stored, await bodies.begin(100)) == (60, 100)  # everything was given back

        asyncio.run(whole())

    def test_all_that_was_refused_is_given_back(self) -> None:
        async def whole() -> None:
            bodies = Bodies(2 * MIB)
            for _ in range(5):
                large = bodies.begin(MIB, 1)
                await turns()
                assert refusal_of(large) is TOO_LARGE
                gone = bodies.begin(MIB, ends=False)
                await turns()
                gone.cancel()
                await turns()
            bodies.answered.set()
            assert list(await asyncio.gather(bodies.begin(MIB), bodies.begin(MIB))) == [MIB, MIB]

        asyncio.run(whole())

    def test_strangers_that_send_bodies_slowly_neither_fill_the_memory_nor_shut_others_out(
        self, fresh_database_url: str, tmp_path: Path
    ) -> None:
        """To a process of its own: 300 times half a head, and 300 times 1 MiB of which all but the last byte comes."""
        with ExitStack() as open_ones:
            with few_files():
                process, url = open_ones.enter_context(receiver(fresh_database_url, tmp_path))
            memory = psutil.Process(process.pid)
            before = memory.memory_info().rss
            for number in range(300):
                half = open_ones.enter_context(connected(url))
                half.sendall(HALF_A_HEAD + b"X-Large: " + b"x" * 50_000)
                slow = open_ones.enter_context(connected(url))
                with suppress(ConnectionError):  # refused while it was sending
                    slow.sendall(a_head("pms", time.time()) + b"x" * (MIB - 1))
                if number % 50 == 49:
                    body = body_of({"id": f"e{number}", "event_type": "booking.updated", "data": {"id": number}})
                    address, headers = f"{url}/api/v1/webhook/pms", signed(body, time.time())
                    assert requests.post(address, data=body, headers=headers, timeout=30).status_code == 200
            grown = memory.memory_info().rss - before
        assert grown < 160 * MIB  # of 315 MiB that were sent
