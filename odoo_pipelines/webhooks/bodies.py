"""Bodies of requests, read with limits, whatever their headers promise: on the size of one, on that of all, on time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

from odoo_pipelines.webhooks.refusals import ENCODED, TOO_BUSY, TOO_LARGE, TOO_SLOW, RefusedError

MOST_BYTES = 1024 * 1024
MOST_BYTES_IN_FLIGHT = 64 * MOST_BYTES
PATIENCE_SECONDS = 20.0


class InFlight:
    """The bodies of all requests that are in memory; not to be shared between threads.

    Where too many bytes come in, those are refused that take longest to come.

    Args:
        most_bytes: of all of them.
    """

    def __init__(self, most_bytes: int = MOST_BYTES_IN_FLIGHT) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._coming: dict[_Body, None] = {}  # those that have not come to their end, the oldest first

    async def read(self, chunks: AsyncIterator[bytes], patience_seconds: float) -> _Body:
        """Reads a body, which counts until it is given back.

        Raises:
            RefusedError: TOO_LARGE, TOO_BUSY or TOO_SLOW.
        """
        body = _Body(asyncio.timeout(patience_seconds))
        self._coming[body] = None
        try:
            async with body.deadline:
                async for chunk in chunks:
                    self._take(body, chunk)
        except TimeoutError:
            self.give_back(body)
            raise RefusedError(TOO_BUSY if body.is_refused else TOO_SLOW) from None
        except BaseException:
            self.give_back(body)
            raise
        finally:
            self._coming.pop(body, None)
        return body

    def give_back(self, body: _Body) -> None:
        """Counts a body no more."""
        self._bytes -= body.size
        body.size = 0
        body.chunks.clear()

    def _take(self, body: _Body, chunk: bytes) -> None:
        if body.size + len(chunk) > MOST_BYTES:
            raise RefusedError(TOO_LARGE)
        while self._bytes + len(chunk) > self._most:
            self._refuse(next(iter(self._coming)), for_the_sake_of=body)
        self._bytes += len(chunk)
        body.size += len(chunk)
        body.chunks.append(chunk)

    def _refuse(self, oldest: _Body, *, for_the_sake_of: _Body) -> None:
        if oldest is for_the_sake_of:
            raise RefusedError(TOO_BUSY)
        oldest.is_refused = True
        del self._coming[oldest]
        self.give_back(oldest)
        if not oldest.deadline.expired():
            oldest.deadline.reschedule(asyncio.get_running_loop().time())


@dataclass(slots=True, eq=False)
class _Body:
    """A body, as far as it has come.

    Attributes:
        deadline: when it must have come.
        chunks: of it; a growing buffer would leave holes behind.
        size: of them.
        is_refused: others came faster.
    """

    deadline: asyncio.Timeout
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    is_refused: bool = False


@asynccontextmanager
async def read_body(
    request: Request, in_flight: InFlight, patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[bytes]:
    """Reads a body of 1 MiB at most, which counts as in flight until the context ends.

    A compressed one is refused unread: the contract signs the raw body, so there is nothing to unpack, and no bomb.

    Raises:
        RefusedError: TOO_LARGE, ENCODED, TOO_BUSY or TOO_SLOW.
        starlette.requests.ClientDisconnect: the sender went away.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > MOST_BYTES:
        raise RefusedError(TOO_LARGE)
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip().lower() not in ("", "identity") for encoding in encodings):
        raise RefusedError(ENCODED)
    body = await in_flight.read(request.stream(), patience_seconds)
    try:
        yield b"".join(body.chunks)
    finally:
        in_flight.give_back(body)
