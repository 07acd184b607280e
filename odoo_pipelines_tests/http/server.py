"""A real HTTP server on loopback that answers as a test wants, faults included, and remembers what it was sent."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    """What to answer.

    `fault`: "reset" gives a TCP reset instead of an answer, "cut" ends the connection in the middle of the body,
    "cut chunk" does so in a chunked body, "silence" never answers, "trickling head" and "trickling body" go on sending
    a few bytes for as long as somebody reads them.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Literal["", "reset", "cut", "cut chunk", "silence", "trickling head", "trickling body"] = ""


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), {name.replace("_", "-"): text for name, text in headers.items()})


class Server:
    """Answers by `answer`, or in turn by what `script` was given; the last reply of a script is repeated."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answer: Callable[[Received], Reply] = lambda _: Reply()
        self.connections = 0
        self.released = threading.Event()
        self._lock = threading.Lock()

    def script(self, *replies: Reply) -> None:
        waiting = list(replies)
        self.answer = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def handle(self, received: Received) -> Reply:
        with self._lock:
            self.received.append(received)
            return self.answer(received)


@contextmanager
def serving() -> Iterator[Server]:
    http = _QuietServer(("127.0.0.1", 0), _Handler)
    server = http.server_under_test = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=lambda: http.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    server_under_test: Server

    def handle_error(self, *_: Any) -> None:
        """Clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _QuietServer

    def setup(self) -> None:
        super().setup()
        self.server.server_under_test.connections += 1

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        test = self.server.server_under_test
        reply = test.handle(Received(self.command, self.path, dict(self.headers.items()), body))
        if reply.fault == "reset":
            self._reset()
        elif reply.fault == "silence":
            test.released.wait()
            self.close_connection = True
        elif reply.fault.startswith("trickling"):
            self._trickle(reply)
        else:
            self._send(reply)

    def log_message(self, *_: Any) -> None:
        """Tests read `received`."""

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.fault == "cut chunk":
            self.send_header("Transfer-Encoding", "chunked")
        elif "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.fault == "cut chunk":
            self.wfile.write(b"%x\r\n" % len(reply.body))
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.fault else reply.body)
        self.close_connection = self.close_connection or bool(reply.fault)

    def _trickle(self, reply: Reply) -> None:
        self.close_connection = True
        head = b"HTTP/1.1 200 OK\r\nX-Slow: "
        self.wfile.write(head if reply.fault == "trickling head" else head + b"1\r\nContent-Length: 1000000\r\n\r\n")
        while not self.server.server_under_test.released.wait(0.005):
            self.wfile.write(b" ")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True
