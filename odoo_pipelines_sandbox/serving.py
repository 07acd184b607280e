"""Runs an ASGI application on a loopback port, for tests and demos; its connections can be dropped on demand."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_HOST = "127.0.0.1"
_STARTUP_SECONDS = 30.0
_TICK_SECONDS = 1.0
_POLL_SECONDS = 0.005
_SHUTDOWN_SECONDS = 5
_DROP = "odoo_pipelines.drop"

_logger = logging.getLogger(__name__)


@contextmanager
def running(app: Any, port: int = 0) -> Iterator[str]:
    """Serves an application until the context ends.

    Args:
        app: any ASGI application, such as a FastAPI instance.
        port: 0 takes a free one.

    Yields:
        The base URL, without a trailing slash: "http://127.0.0.1:41234".

    Raises:
        OSError: the port is taken.
        RuntimeError: the application does not start.
    """
    with _listening(port) as listener:
        server = _PromptServer(_config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield f"http://{_HOST}:{listener.getsockname()[1]}"
        finally:
            server.end()
            thread.join()


def serve_forever(app: Any, port: int, name: str) -> None:
    """Serves an application in the main thread until SIGINT or SIGTERM; logs one line when the port is open."""
    with _listening(port) as listener:
        _logger.info("%s ready at http://%s:%d", name, _HOST, listener.getsockname()[1])
        with suppress(KeyboardInterrupt):  # which uvicorn raises after the interrupt, but not always
            uvicorn.Server(_config(app)).run(sockets=[listener])


async def drop_connection(request: Request) -> None:
    """Closes the connection of a request without an answer, as a killed server does; return nothing afterwards."""
    request.scope["extensions"][_DROP]()
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _DroppableProtocol(H11Protocol):
    """Lets the application close its connection, which ASGI itself has no way for."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        served = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[_DROP] = transport.close
            await served(scope, receive, send)

        self.app = app


class _PromptServer(uvicorn.Server):
    """Ends as soon as it is told to: uvicorn itself takes a fifth of a second, and most tests serve something."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Ends it, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        while not self._told.is_set():
            await self.on_tick(0)  # tells the time to the answers' header Date
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SHUTDOWN_SECONDS):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(_POLL_SECONDS)
        await self.lifespan.shutdown()


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        http=_DroppableProtocol,
        date_header=not getattr(app, "dates_answers", False),
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _listening(port: int) -> socket.socket:
    # Bound and listening before the first request: nobody has to poll for readiness.
    return socket.create_server((_HOST, port), backlog=512)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the sandbox server did not start")
        time.sleep(_POLL_SECONDS)
