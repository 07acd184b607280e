"""A receiver on a loopback port as in production, what it stores in memory, and senders that sign."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import uvicorn
from pydantic import SecretStr

from odoo_pipelines.errors import StateError
from odoo_pipelines.integration import Integration
from odoo_pipelines.settings import DatabaseSettings, Settings
from odoo_pipelines.stores.inbox_rows import NewEvent, Stored, WaitingEvents
from odoo_pipelines.webhooks.app import EventStore, create_app
from odoo_pipelines.webhooks.connections import Limits, server_config
from odoo_pipelines.webhooks.tally import Place

NOW = 1_790_000_000.0
SECRET, TOKEN = "webhook-secret-0817-confidential", "token-0818-confidential"
BOOKING = {"id": "evt-1", "event_type": "booking.updated", "data": {"id": 7, "status": "confirmed"}}


class MemoryStore:
    """Keeps events as the inbox does, and can be out of order."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], NewEvent] = {}
        self.counts: Counter[Place] = Counter()
        self.groups: list[int] = []
        self.down = False

    def store(self, events: Sequence[NewEvent], counts: Mapping[Place, int]) -> Sequence[Stored]:
        if self.down:
            raise StateError("the database of the state cannot be reached")
        self.groups.append(len(events))
        self.counts.update(counts)
        return [self._stored(event) for event in events]

    def waiting(self) -> WaitingEvents:
        if self.down:
            raise StateError("the database of the state cannot be reached")
        return WaitingEvents(len(self.events), 1.5 if self.events else 0.0)

    def _stored(self, event: NewEvent) -> Stored:
        place = (event.integration, event.event_key)
        new = place not in self.events
        self.events.setdefault(place, event)
        return Stored(list(self.events).index(place) + 1, new)


def settings_of(*integrations: Integration, token: str | None = TOKEN) -> Settings:
    database = DatabaseSettings(None, Path("/nonexistent"))
    return Settings(
        integrations={each.name: each for each in integrations},
        database=database,
        data="",
        home=Path("/nonexistent"),
        api_token=None if token is None else SecretStr(token),
    )


def a_hotel(name: str = "hotel", **changes: Any) -> Integration:
    values = {"number": 3, "webhook_secrets": SECRET, **changes}
    return Integration.model_validate({"name": name, **values})


@contextmanager
def served(
    store: EventStore, *integrations: Integration, clock: float = NOW, limits: Limits | None = None
) -> Iterator[str]:
    """Serves a receiver as `odoo-pipelines serve` does, and gives its URL."""
    app = create_app(settings_of(*(integrations or (a_hotel(),))), store, lambda: clock)
    server = uvicorn.Server(server_config(app, limits))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def body_of(event: Any = None) -> bytes:
    return json.dumps(BOOKING if event is None else event).encode()


def signature_of(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()


def signed(body: bytes, now: float = NOW, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(now))
    return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": signature_of(body, timestamp, secret)}


def post(
    url: str, event: Any = None, *, to: str = "hotel", body: bytes | None = None, **headers: str
) -> requests.Response:
    """Sends an event, signed as it should be; headers with _ for - are put in their place."""
    content = body_of(event) if body is None else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{url}/api/v1/webhook/{to}", data=content, headers={**signed(content), **given}, timeout=30)


def exchange(url: str, request: bytes) -> bytes:
    """Sends bytes that no client library would, and gives the answer as it comes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
            head, _, rest = answer.partition(b"\r\n\r\n")
            if _ and b"content-length: " in head.lower():
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                if len(rest) >= length:
                    return answer
    return answer


def raw_request(body: bytes, *headers: tuple[bytes, bytes], path: bytes = b"/api/v1/webhook/hotel") -> bytes:
    lines = [b"POST %s HTTP/1.1" % path, b"Host: hotel", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *(name + b": " + value for name, value in headers), b"", body])


def status_of(answer: bytes) -> int:
    return int(answer[9:12])
