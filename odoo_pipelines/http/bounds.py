"""Answers of other systems, read within bounds: so many bytes, compressed and decompressed, and so much time.

A read time-out alone bounds neither: it begins anew with every byte, in the head of an answer, too.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

MIB = 1024 * 1024

_PIECE = 64 * 1024
_HEAD_BYTES = MIB
"""What heads, frames of chunks and trailers may take besides the body."""

E = TypeVar("E", bound=BaseException)


class AnswerTooLargeError(OSError):
    """An answer has more bytes than may be read. The text names the limit."""


class AnswerTooSlowError(TimeoutError):
    """An answer has not ended in time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is read.

    Attributes:
        bytes: of a body, decompressed; as it comes over the wire it may be twice as long.
        seconds: from the moment at which the request is sent until the answer has ended.
        clock: seconds that only grow.
    """

    bytes: int
    seconds: float
    clock: Callable[[], float] = time.monotonic

    def too_large(self) -> AnswerTooLargeError:
        """The error of an answer that has more bytes."""
        return AnswerTooLargeError(f"larger than {self.bytes / MIB:g} MiB")


def parse_http_date(value: str | None) -> datetime | None:
    """Reads an HTTP date as UTC; None for anything else."""
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def bounded_adapter(bounds: Bounds, **options: Any) -> HTTPAdapter:
    """An adapter for a session of requests, whose answers are to be read with `read_body` or `read_beginning`."""
    return _Adapter(bounds, **options)


def read_body(response: requests.Response, bounds: Bounds) -> bytes:
    """The whole body of a response that was asked for with `stream=True`, decompressed.

    Raises:
        AnswerTooLargeError: it is larger than the bounds allow; what is left of it is not read.
        requests.RequestException: it is cut off, damaged or too slow.
    """
    announced = response.headers.get("Content-Length", "")
    with response:
        if announced.isascii() and announced.isdigit() and int(announced) > bounds.bytes:
            raise bounds.too_large()
        pieces, size = [], 0
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > bounds.bytes:
                raise bounds.too_large()
    return b"".join(pieces)


def read_beginning(response: requests.Response) -> bytes:
    """The first 64 KiB at most of a body, for what is only looked at; what is left of it is not read."""
    with response:
        return next(response.iter_content(_PIECE), b"")


def find_cause(error: BaseException, kind: type[E]) -> E | None:
    """The error of a kind that lies below another one."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, kind):
            return below
        below = below.__cause__ or below.__context__
    return None


class _Adapter(HTTPAdapter):
    def __init__(self, bounds: Bounds, **options: Any) -> None:
        response_class = staticmethod(partial(_Response, bounds=bounds))
        plain = type("_Connection", (HTTPConnection,), {"response_class": response_class})
        secure = type("_SecureConnection", (HTTPSConnection,), {"response_class": response_class})
        self._pools = {
            "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # such a manager has connections of its own kind
            manager.pool_classes_by_scheme = self._pools
        return manager


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, bounds: Bounds, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, bounds))


class _BoundedReader(io.RawIOBase):
    """What comes from a socket, until it is too much or takes too long."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, bounds: Bounds) -> None:
        self._raw = raw
        self._sock = sock
        self._bounds = bounds
        self._patience = sock.gettimeout()
        self._ends_at = bounds.clock() + bounds.seconds
        self._bytes_left = 2 * bounds.bytes + _HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds_left = self._ends_at - self._bounds.clock()
        if seconds_left <= 0:
            raise AnswerTooSlowError
        self._sock.settimeout(seconds_left if self._patience is None else min(seconds_left, self._patience))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            if self._bounds.clock() >= self._ends_at:
                raise AnswerTooSlowError from None
            raise
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise self._bounds.too_large()
        return count

    def close(self) -> None:
        if not self.closed and self._sock.fileno() >= 0:
            self._sock.settimeout(self._patience)  # the connection may serve other requests
        self._raw.close()
        super().close()
