"""A loopback server that answers with what was recorded on a real Odoo 19, or with what a bad network makes of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION_PATH = "/web/version"
VERSION_19 = {"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `cut` closes the connection before the whole body is out, `trickles` never ends it."""

    status: int
    body: bytes
    kind: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    trickles: bool = False


DROPPED = Reply(0, b"")
"""No answer at all: the connection is closed."""


def result(value: Any) -> Reply:
    """What JSON-2 answers: the bare result."""
    return Reply(200, json.dumps(value).encode())


def fault(status: int, name: str, message: str) -> Reply:
    """What JSON-2 answers for an error."""
    body = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback ..."}
    return Reply(status, json.dumps(body).encode())


def rpc_result(value: Any) -> Reply:
    """What JSON-RPC answers; Odoo leaves the key `result` out for None."""
    body = {"jsonrpc": "2.0", "id": 1, "result": value}
    return Reply(200, json.dumps({key: item for key, item in body.items() if item is not None}).encode())


def rpc_fault(name: str, message: str) -> Reply:
    """What JSON-RPC answers for an error: always 200."""
    data = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback ..."}
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": 0, "message": "Odoo Server Error", "data": data}}
    return Reply(200, json.dumps(body).encode())


def page(status: int, text: str = "<html><h1>nginx</h1></html>") -> Reply:
    """What a proxy, or Odoo without a database, answers."""
    return Reply(status, text.encode(), kind="text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    verb: str
    path: str
    headers: Mapping[str, str]
    body: Any


class FakeOdoo:
    """Answers each path with the replies scripted for it, the last one again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self._replies: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self.script(VERSION_PATH, result(VERSION_19))

    def script(self, path: str, *replies: Reply) -> None:
        """Sets the replies of a path."""
        self._replies[path] = list(replies)

    def to(self, path: str) -> list[Received]:
        """The requests that came for a path."""
        return [request for request in self.received if request.path == path]

    def answer(self, request: Received) -> Reply:
        """Takes the next reply of the path."""
        with self._lock:
            self.received.append(request)
            replies = self._replies.get(request.path, [page(404)])
            return replies.pop(0) if len(replies) > 1 else replies[0]


class _Handler(BaseHTTPRequestHandler):
    odoo: FakeOdoo

    def do_GET(self) -> None:
        self._reply(None)

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _reply(self, body: Any) -> None:
        reply = self.odoo.answer(Received(self.command, self.path, dict(self.headers), body))
        if reply is not DROPPED:
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + (10 if reply.cut else 0) + 10**6 * reply.trickles))
            self.end_headers()
            self.wfile.write(reply.body)
            with suppress(ConnectionError):  # nobody reads any more
                while reply.trickles:
                    self.wfile.write(b" ")
                    time.sleep(0.005)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing goes to stderr."""


@contextmanager
def serving() -> Iterator[FakeOdoo]:
    """A server on a free port of the loopback interface."""

    class Handler(_Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.odoo = FakeOdoo(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Handler.odoo
        finally:
            server.shutdown()
            thread.join()
