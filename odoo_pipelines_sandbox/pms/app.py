"""The sandbox as an ASGI application."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from odoo_pipelines_sandbox.pms.api import contract_routes
from odoo_pipelines_sandbox.pms.control import control_routes
from odoo_pipelines_sandbox.pms.events import TooFewError, UnknownRecordError
from odoo_pipelines_sandbox.pms.faults import BREAKING
from odoo_pipelines_sandbox.pms.misbehaviour import misbehave
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.pms.state import Sandbox
from odoo_pipelines_sandbox.pms.stats import DROPPED
from odoo_pipelines_sandbox.pms.times import SECOND


class SandboxApp(FastAPI):
    """Serves one sandbox; faults come in before FastAPI does, because they reach down to the connection.

    Attributes:
        dates_answers: its answers have a header Date of their own: edits move the sandbox's clock ahead of the
            machine's, and no answer may be older than the change times in it.
    """

    dates_answers = True

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(title="Sandbox PMS", docs_url=None, redoc_url=None, openapi_url=None)
        self.sandbox = sandbox
        self.include_router(control_routes(sandbox))
        self.include_router(contract_routes(sandbox))
        self.add_exception_handler(HTTPException, _answer)
        for error in _STATUSES:
            self.add_exception_handler(error, _answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the life of the server."""
        serve = super().__call__
        if scope["type"] != "http" or _is_own(scope["path"]):
            await serve(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        fault = self.sandbox.faults.next_for(method, path, scope["query_string"].decode("latin-1"))
        if fault is None:
            await serve(scope, receive, self._counting(method, path, send))
        elif fault.kind in BREAKING:
            self.sandbox.stats.count(method, path, DROPPED)
            await misbehave(fault, serve, scope, receive, send)
        else:
            if fault.kind == "revoke_tokens":
                self.sandbox.gate.revoke()
            await misbehave(fault, serve, scope, receive, self._counting(method, path, send))

    def _counting(self, method: str, path: str, send: Send) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.sandbox.stats.count(method, path, str(message["status"]))
                message = {**message, "headers": [*message.get("headers", ()), (b"date", self._date())]}
            await send(message)

        return counted

    def _date(self) -> bytes:
        return formatdate(max(time.time(), self.sandbox.world.clock / SECOND), usegmt=True).encode()


def create_app(options: SandboxOptions | None = None, now: Callable[[], float] = time.time) -> SandboxApp:
    """Makes a sandbox.

    Args:
        options: what it is to be; None takes the defaults.
        now: gives Unix seconds, for tokens, signatures and the end of the history; not for the data's changes.
    """
    return SandboxApp(Sandbox(options or SandboxOptions(), now))


_STATUSES: dict[type[Exception], int] = {
    RequestValidationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooFewError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownRecordError: HTTPStatus.NOT_FOUND,
}
"""Status of the answer to an error that does not carry its own."""


def _answer(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    return JSONResponse({"error": _text(error)}, _STATUSES[type(error)])


def _text(error: Exception) -> str:
    if not isinstance(error, RequestValidationError):
        return str(error)
    # Places and messages only: what was sent may be personal.
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _is_own(path: str) -> bool:
    return path == "/" or path.startswith("/sandbox/")
