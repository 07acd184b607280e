"""Stands between the pipelines and a server, counts what is asked, and kills the asking process at a chosen request."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import urlsplit

READS = frozenset(
    {"context_get", "fields_get", "has_access", "read", "search", "search_count", "search_read", "web_read"}
)
"""Methods of Odoo that change nothing; everything else counts as writing."""
JSON2 = "/json/2/"
TIMEOUT_SECONDS = 120
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class KillPoint:
    """The request at which a process dies.

    Attributes:
        path: beginning of the request's path.
        nth: which of those requests, from 1.
        answered: the server has carried the request out; its answer never arrives.
    """

    path: str
    nth: int = 1
    answered: bool = False

    def __str__(self) -> str:
        return f"{self.path} no. {self.nth}, {'its answer lost' if self.answered else 'never sent'}"


Answer: TypeAlias = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Proxy:
    """A loopback proxy to one server.

    Attributes:
        url: where it listens.
        requests: how often each path was asked for.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._point: KillPoint | None = None
        self._victim = 0
        self._seen = 0
        self.requests: Counter[str] = Counter()
        self.url = ""

    @property
    def writes(self) -> dict[str, int]:
        """Writing requests by model and method."""
        called = {path.removeprefix(JSON2): count for path, count in self.requests.items() if path.startswith(JSON2)}
        return {name: count for name, count in called.items() if name.rpartition("/")[2] not in READS}

    def kill(self, pid: int, point: KillPoint) -> None:
        """Lets a process die at a point."""
        with self._lock:
            self._victim, self._point, self._seen = pid, point, 0

    @property
    def killed(self) -> bool:
        """Whether the point was reached."""
        return self._point is None

    def take(self, path: str) -> KillPoint | None:
        """Counts a request; the point, if this is the one."""
        with self._lock:
            self.requests[path] += 1
            point = self._point
            if point is None or not path.startswith(point.path):
                return None
            self._seen += 1
            if self._seen != point.nth:
                return None
            self._point = None
            return point

    def execute(self) -> None:
        """Kills the victim as the kernel does when memory runs out."""
        os.kill(self._victim, signal.SIGKILL)

    def forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Asks the server; gives status, headers and body."""
        connection = http.client.HTTPConnection(self._upstream.netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


@contextmanager
def proxy_to(upstream: str) -> Iterator[Proxy]:
    """Serves a proxy until the context ends."""
    proxy = Proxy(upstream)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy)) as server:
        server.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"proxy": proxy})


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:
        """Tests need no access log."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        point = self.proxy.take(self.path.partition("?")[0])
        if point and not point.answered:
            self.proxy.execute()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        answer = self.proxy.forward(self.command, self.path, headers, body)
        if point:
            self.proxy.execute()
            return
        try:
            self._answer(*answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asking process was killed

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
