"""The helper that serves sandboxes."""

from __future__ import annotations

import socket

import pytest
import requests
from fastapi import FastAPI, Request, Response

from odoo_pipelines_sandbox.serving import drop_connection, running


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.get("/gone")
    async def gone(request: Request) -> Response:
        await drop_connection(request)
        return Response()

    return app


def test_it_answers_as_soon_as_the_url_is_there_and_is_gone_afterwards() -> None:
    with running(application()) as url:
        assert requests.get(f"{url}/hello", timeout=5).json() == "hello"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/hello", timeout=5)


def test_a_taken_port_is_an_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        running(application(), taken.getsockname()[1]),
    ):
        pass


def test_a_connection_can_be_dropped_without_an_answer() -> None:
    with running(application()) as url:
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/gone", timeout=5)
        assert requests.get(f"{url}/hello", timeout=5).ok
