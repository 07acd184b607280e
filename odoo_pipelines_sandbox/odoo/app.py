"""The stand-in as an ASGI application: Odoo's own addresses, and /sandbox to steer it."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from odoo_pipelines_sandbox.odoo import entrances
from odoo_pipelines_sandbox.odoo.env import SUPERUSER, Env
from odoo_pipelines_sandbox.odoo.faults import Fault
from odoo_pipelines_sandbox.odoo.server import Options, Server
from odoo_pipelines_sandbox.odoo.users import add_user


class NewUser(BaseModel):
    """A user to add: groups by xmlid, and when the API key runs out ("2026-12-01 00:00:00"), if it does."""

    groups: list[str]
    key_ends: str | None = None


def create_app(options: Options | None = None) -> FastAPI:
    """An Odoo 19 in memory.

    Its user `admin` has the password and the API key of the options. `POST /sandbox/faults` (see `Fault`),
    `GET /sandbox/stats`, `POST /sandbox/users` and `POST /sandbox/reset` steer it. In its own process `state.server`
    holds it.
    """
    server = Server(options or Options())
    app = FastAPI(title="Odoo stand-in", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.server = server
    _add_entrances(app, server)
    _add_controls(app, server)
    return app


def _add_entrances(app: FastAPI, server: Server) -> None:
    @app.get("/web/version")
    @app.get("/json/version")
    async def version() -> dict[str, Any]:
        return entrances.VERSION

    @app.post("/json/2/{model}/{method}")
    async def json2(request: Request, model: str, method: str) -> Response:
        return await entrances.json2(server, request, model, method)

    @app.post("/jsonrpc")
    async def jsonrpc(request: Request) -> Response:
        return await entrances.jsonrpc(server, request)


def _add_controls(app: FastAPI, server: Server) -> None:
    @app.post("/sandbox/faults")
    async def add_fault(fault: Fault) -> dict[str, str]:
        server.faults.add(fault)
        return {"status": "armed"}

    @app.delete("/sandbox/faults")
    async def clear_faults() -> dict[str, str]:
        server.faults.clear()
        return {"status": "cleared"}

    @app.get("/sandbox/stats")
    async def statistics() -> dict[str, Any]:
        return server.statistics()

    @app.delete("/sandbox/stats")
    async def clear_statistics() -> dict[str, str]:
        server.calls.clear()
        return {"status": "cleared"}

    @app.post("/sandbox/users")
    async def new_user(user: NewUser) -> dict[str, str]:
        login, key = f"user-{secrets.token_hex(4)}", secrets.token_hex(20)
        with server.db.transaction():
            env = Env(server.db, SUPERUSER)
            add_user(env, login, login, user.groups, password=key, api_key=key, key_ends=user.key_ends)
        return {"login": login, "api_key": key}

    @app.post("/sandbox/reset")
    async def reset() -> dict[str, str]:
        server.reset()
        return {"status": "reset"}
