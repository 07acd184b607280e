"""Senders of webhooks: requests are made and signed beforehand, so that sending costs as little as it can."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

import orjson

BODY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a number of requests.

    Attributes:
        accepted: that were answered 200.
        refused: that were answered otherwise.
        seconds: from the first request to the last answer.
        latencies: seconds from when each request was due to its answer, sorted.
    """

    accepted: int
    refused: int
    seconds: float
    latencies: Sequence[float]

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that this share of the requests did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] * 1000


def signed_requests(path: str, secret: str, events: int, bookings: Sequence[str], prefix: str) -> list[bytes]:
    """Whole HTTP requests, each an event of its own about one of the bookings, which take turns."""
    timestamp = str(int(time.time())).encode()
    bodies = (_body(f"{prefix}{n}", bookings[n % len(bookings)]) for n in range(events))
    return [_request(path, secret.encode(), timestamp, body) for body in bodies]


async def send_at_full_speed(port: int, requests: Sequence[bytes], connections: int) -> Sent:
    """Each connection sends the next request as soon as it has an answer."""
    todo, answers = iter(requests), _Answers()

    async def work() -> None:
        connection = await _Connection.open(port)
        for request in todo:
            started = time.perf_counter()
            answers.add(await connection.send(request), time.perf_counter() - started)
        connection.close()

    return await _measured(answers, [work() for _ in range(connections)])


async def send_at_a_rate(port: int, requests: Sequence[bytes], per_second: float, connections: int) -> Sent:
    """Requests are due at fixed times, whatever became of the ones before: who waits for a connection is late, too."""
    answers, begun = _Answers(), time.perf_counter() + 0.1
    todo = iter(enumerate(requests))

    async def work() -> None:
        connection = await _Connection.open(port)
        for place, request in todo:
            due = begun + place / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answers.add(await connection.send(request), time.perf_counter() - due)
        connection.close()

    return await _measured(answers, [work() for _ in range(connections)])


class _Answers:
    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.latencies: list[float] = []

    def add(self, status: int, latency: float) -> None:
        self.statuses.append(status)
        self.latencies.append(latency)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> _Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, request: bytes) -> int:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


async def _measured(answers: _Answers, work: Sequence[Coroutine[object, object, None]]) -> Sent:
    started = time.perf_counter()
    await asyncio.gather(*work)
    seconds = time.perf_counter() - started
    accepted = answers.statuses.count(200)
    return Sent(accepted, len(answers.statuses) - accepted, seconds, sorted(answers.latencies))


def _body(event_id: str, booking: str) -> bytes:
    event = {"id": event_id, "event_type": "booking.updated", "data": {"id": booking, "special_requests": ""}}
    bare = len(orjson.dumps(event))
    return orjson.dumps({**event, "data": {"id": booking, "special_requests": "x" * (BODY_BYTES - bare)}})


def _request(path: str, secret: bytes, timestamp: bytes, body: bytes) -> bytes:
    signature = hmac.new(secret, timestamp + body, hashlib.sha256).hexdigest().encode()
    lines = (
        b"POST %s HTTP/1.1" % path.encode(),
        b"Host: 127.0.0.1",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"X-Webhook-Timestamp: " + timestamp,
        b"X-Webhook-Signature: " + signature,
    )
    return b"\r\n".join((*lines, b"", body))
