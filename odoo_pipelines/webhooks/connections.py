"""Connections of the receiver: how many there are, and how large and how slow the head of a request may be.

Behind the head the limits on bodies hold. uvicorn itself waits for a head for ever, and keeps as much of it as comes.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

SHUTDOWN_SECONDS = 30
"""Longer than any request waits: all that were accepted are answered."""
BACKLOG = 2048
OPEN_FILES = 4_096
"""For all connections, and those of a burst that are taken before others have been closed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may take.

    Attributes:
        connections: at the same time; one more ends the one that has waited longest for a request to come.
        head_bytes: request line and headers.
        head_seconds: from when the connection stands, or the first byte of another request has come.
    """

    connections: int = 1_000
    head_bytes: int = 64 * 1024
    head_seconds: float = 10.0


def allow_open_files(most: int) -> bool:
    """Lets this process have so many files and connections open; false if it may not have that many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return True
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed == most


def server_config(app: Any, limits: Limits | None = None) -> uvicorn.Config:
    """How the receiver is served."""
    return uvicorn.Config(
        app,
        http=_limited(limits or Limits()),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody asks where a request came from
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _limited(limits: Limits) -> type[asyncio.Protocol]:
    waiting: dict[_LimitedProtocol, None] = {}  # connections on which no request is under way, the oldest first
    return type("LimitedProtocol", (_LimitedProtocol,), {"limits": limits, "waiting": waiting})


class _LimitedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One connection."""

    limits: Limits
    waiting: dict[_LimitedProtocol, None]
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._wait_for_head()
        if len(self.connections) > self.limits.connections:
            oldest = next(iter(self.waiting))  # this one, if on all others a request is under way
            oldest.give_up(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_has_come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        in_head, before = self._is_in_head(), self.cycle
        if in_head:
            self._head_bytes += len(data)
            self._wait_for_head()
        super().data_received(data)
        if self.cycle is not before:
            self._head_has_come()
        elif in_head and self._head_bytes > self.limits.head_bytes:
            self.give_up(431)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # no other request was waiting behind this one
            self.waiting[self] = None

    def give_up(self, status: int) -> None:
        """Ends a connection on which no request is under way."""
        self._head_has_come()
        if not self.transport.is_closing():
            self.transport.write(_ANSWERS[status])
            self.transport.close()

    def _is_in_head(self) -> bool:
        """Whether the next byte belongs to the head of a request; bytes of bodies that nobody waits for count, too."""
        return self.cycle is None or self.cycle.response_complete or not self.cycle.more_body

    def _wait_for_head(self) -> None:
        if self._timer is None:
            self.waiting.setdefault(self)
            self._timer = self.loop.call_later(self.limits.head_seconds, self._too_late)

    def _head_has_come(self) -> None:
        self._head_bytes = 0
        self.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.give_up(408)
        else:  # the request before it is not answered yet
            self._wait_for_head()


_ANSWERS = {
    status: f"HTTP/1.1 {status} {phrase}\r\nContent-Length: 0\r\nConnection: close\r\n{more}\r\n".encode()
    for status, phrase, more in (
        (408, "Request Timeout", ""),
        (431, "Request Header Fields Too Large", ""),
        (503, "Service Unavailable", "Retry-After: 5\r\n"),
    )
}
