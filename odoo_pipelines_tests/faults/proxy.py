"""Stands between the pipelines and a server: counts what is asked, and lets faults befall requests at the wire.

One request per connection, as with Odoo itself. A fault says two things: whether the server carries the request out,
and what the client gets to see of it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from odoo_pipelines_tests.faults.kinds import Fault

READS = frozenset(
    {
        "check_object_reference",
        "context_get",
        "fields_get",
        "formatted_read_group",
        "get_external_id",
        "has_access",
        "has_group",
        "read",
        "search",
        "search_count",
        "search_read",
        "web_read",
    }
)
"""Methods of Odoo that change nothing; everything else counts as writing."""
JSON2 = "/json/2/"
_HOST = "127.0.0.1"
_END_OF_HEAD = b"\r\n\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_FRAMES = (b"content-length:", b"transfer-encoding:")
_HOP = (b"host:", b"connection:", b"keep-alive:")

T = TypeVar("T")


@dataclass(slots=True)
class Strike:
    """A fault and the requests that it befalls.

    Attributes:
        fault: what happens.
        path: beginning of the requests' path.
        nth: the first of those requests that is hit, from 1.
        times: how many are hit; None for all that follow.
        effect: done when it strikes, after the server has carried the request out if it does.
        seen: requests to that path so far.
    """

    fault: Fault
    path: str
    nth: int
    times: int | None
    effect: Callable[[], object]
    seen: int = 0

    def takes(self, path: str) -> bool:
        """Counts a request; whether it is hit."""
        if not path.startswith(self.path):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)


class Proxy:
    """A loopback proxy to one server.

    Args:
        upstream: URL of the server.
        kill_worker: kills the server's process that has the connection from this local port.

    Attributes:
        url: where it listens.
        requests: how often each path was asked for.
        struck: names of the faults that befell a request, in order.
    """

    def __init__(self, upstream: str, kill_worker: Callable[[int], None] | None = None) -> None:
        self._upstream = urlsplit(upstream)
        self._kill_worker = kill_worker
        self._lock = threading.Lock()
        self._strikes: list[Strike] = []
        self._choose: Callable[[str, int], Fault | None] = lambda _path, _number: None
        self._place = socket.socket()  # bound and never listening: keeps the port while the proxy is down
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind((_HOST, 0))
        self._door: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()  # asyncio itself keeps no hold on them before 3.12
        self._open_ends: set[asyncio.StreamWriter] = set()
        self.requests: Counter[str] = Counter()
        self.struck: list[str] = []
        self.url = f"http://{_HOST}:{self._place.getsockname()[1]}"

    @property
    def writes(self) -> dict[str, int]:
        """Writing requests by model and method."""
        called = {path.removeprefix(JSON2): count for path, count in self.requests.items() if path.startswith(JSON2)}
        return {name: count for name, count in called.items() if name.rpartition("/")[2] not in READS}

    def strike(
        self,
        fault: Fault,
        path: str = "",
        *,
        nth: int = 1,
        times: int | None = 1,
        effect: Callable[[], object] = lambda: None,
    ) -> None:
        """Lets a fault befall requests, see `Strike`."""
        with self._lock:
            self._strikes.append(Strike(fault, path, nth, times, effect))

    def disturb(self, choose: Callable[[str, int], Fault | None]) -> None:
        """Lets faults befall any request: asked for each, with its path and how often that was asked for."""
        with self._lock:
            self._choose = choose

    def calm(self) -> None:
        """No faults any more; the server can be reached."""
        with self._lock:
            self._strikes = []
            self._choose = lambda _path, _number: None
        self.come_up()

    def go_down(self) -> None:
        """Connections are refused from now on."""
        self._call(self._close())

    def come_up(self) -> None:
        """Connections are taken again."""
        self._call(self._open())

    async def run(self, ready: threading.Event) -> None:
        """Serves until it is stopped; who is served still is cut off."""
        self._loop = asyncio.get_running_loop()
        await self._open()
        ready.set()
        await self._stop.wait()
        await self._close()
        for writer in self._open_ends:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # the loop closes what was aborted
        self._place.close()

    def stop(self) -> None:
        """Ends `run`."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        if self._door is None:
            self._door = socket.create_server(self._place.getsockname(), backlog=100, reuse_port=True)
            self._door.setblocking(False)
            asyncio.get_running_loop().add_reader(self._door, self._accept, self._door)

    async def _close(self) -> None:
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
            self._door = None

    def _take(self, path: str) -> tuple[Fault | None, Callable[[], object]]:
        with self._lock:
            self.requests[path] += 1
            strike = next((each for each in self._strikes if each.takes(path)), None)
            fault = strike.fault if strike else self._choose(path, self.requests[path])
            if fault is not None:
                self.struck.append(fault.name)
            return fault, strike.effect if strike else lambda: None

    def _accept(self, door: socket.socket) -> None:
        """Takes a connection; asyncio's own server loses one that comes at the moment in which it closes."""
        connection, _ = door.accept()
        connection.setblocking(False)
        task = asyncio.ensure_future(self._serve(connection))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        self._open_ends.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # one side has gone
                head = await reader.readuntil(_END_OF_HEAD)
                path = head.split(b" ", 2)[1].decode().partition("?")[0]
                fault, effect = self._take(path)
                if fault is None:
                    writer.write(await self._forward(head, await _body(reader, head)))
                    await writer.drain()
                else:
                    await self._misbehave(fault, effect, head, reader, writer)
                writer.close()
        finally:
            _reset(writer)
            self._open_ends.discard(writer)

    async def _misbehave(
        self,
        fault: Fault,
        effect: Callable[[], object],
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if fault.seen == "refusal":
            await self._close()
        if fault.seen == "refusal" or (fault.served == "never" and fault.seen == "reset"):
            await asyncio.to_thread(effect)
            raise ConnectionResetError  # with the body unread
        body = await _body(reader, head)
        answer = b""
        if fault.served in ("first", "killed"):
            answer = await self._forward(head, body, kill=fault.served == "killed")
        await asyncio.to_thread(effect)
        match fault.seen:
            case "reset":
                raise ConnectionResetError
            case "silence":
                await reader.read()  # until the client gives up
            case "answer" | "half" | "reframed" as seen:
                writer.write(_SEEN[seen](answer))
            case bytes(other):
                writer.write(other)
        if fault.served == "late":
            await self._forward(head, body)
        await writer.drain()

    async def _forward(self, head: bytes, body: bytes, *, kill: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        try:
            writer.write(self._addressed(head) + body)
            await writer.drain()
            if kill and self._kill_worker is not None:
                await asyncio.to_thread(self._kill_worker, writer.get_extra_info("sockname")[1])
            answer = await reader.read()
        finally:
            writer.close()
        if not answer:
            raise ConnectionResetError
        return answer

    def _addressed(self, head: bytes) -> bytes:
        lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(_HOP)]
        own = [f"Host: {self._upstream.netloc}".encode(), b"Connection: close"]
        return b"\r\n".join([lines[0], *own, *lines[1:]]) + _END_OF_HEAD


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""


def _half(answer: bytes) -> bytes:
    head, _, body = answer.partition(_END_OF_HEAD)
    return head + _END_OF_HEAD + body[: len(body) // 2]


def _reframed(answer: bytes) -> bytes:
    head, _, body = answer.partition(_END_OF_HEAD)
    half = b"" if body.isdigit() else body[: len(body) // 2]  # half of a bare number would be another number
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(_FRAMES)]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(half)]) + _END_OF_HEAD + half


_SEEN: dict[str, Callable[[bytes], bytes]] = {"answer": bytes, "half": _half, "reframed": _reframed}


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes at once, unless it is closing in good order already."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()


@contextmanager
def proxy_to(upstream: str, kill_worker: Callable[[int], None] | None = None) -> Iterator[Proxy]:
    """Serves a proxy until the context ends."""
    proxy, ready = Proxy(upstream, kill_worker), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run(ready)), name="proxy", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
