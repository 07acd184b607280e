"""A loopback server, a clock that stands still until somebody sleeps, and a client between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines_tests.http.server import Server, serving

KEY = "key-4711-confidential"
SECRET = "secret-0815-confidential"
NOW = 1_790_000_000.0


class Clock:
    """Unix seconds; sleeping moves it on at once."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class CountingLimiter:
    def __init__(self) -> None:
        self.acquired = 0

    def acquire(self) -> None:
        self.acquired += 1


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter() -> CountingLimiter:
    return CountingLimiter()


@pytest.fixture
def connect(server: Server, clock: Clock, limiter: CountingLimiter) -> Iterator[Callable[..., ExternalClient]]:
    """Makes clients of the server; `secret=True` gives them a secret, other arguments go to the connection."""
    with ExitStack() as clients:

        def make(*, secret: bool = False, url: str = "", **options: Any) -> ExternalClient:
            api_secret = SecretStr(SECRET) if secret else None
            connection = ExternalConnection(url or server.url, SecretStr(KEY), api_secret, **options)
            client = ExternalClient(connection, limiter, clock=clock, sleep=clock.sleep, jitter=lambda seconds: seconds)
            return clients.enter_context(client)

        yield make


@pytest.fixture
def client(connect: Callable[..., ExternalClient]) -> ExternalClient:
    """A client with an API key and no secret."""
    return connect()
