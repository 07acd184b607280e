"""The endpoints of the sandbox itself, for those who test against it: no key is asked for."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from odoo_pipelines_sandbox.pms import events
from odoo_pipelines_sandbox.pms.faults import Fault
from odoo_pipelines_sandbox.pms.ids import STREAMS, Stream
from odoo_pipelines_sandbox.pms.page import rendered
from odoo_pipelines_sandbox.pms.state import Sandbox
from odoo_pipelines_sandbox.pms.times import rfc3339
from odoo_pipelines_sandbox.pms.world import World

ORACLE_LIMIT = 20_000
"""Bookings up to which everything can be told at once."""

_EARLIEST = (-(2**62), 0)


class Deletion(BaseModel):
    """A record that vanishes."""

    model_config = ConfigDict(extra="forbid")

    stream: Stream = "bookings"
    id: str | int


def control_routes(sandbox: Sandbox) -> APIRouter:
    """Gives the page at / and everything under /sandbox."""
    router = APIRouter()
    _add_page(router, sandbox)
    _add_events(router, sandbox)
    _add_faults(router, sandbox)
    _add_views(router, sandbox)
    return router


def _add_page(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(rendered(sandbox))


def _add_events(router: APIRouter, sandbox: Sandbox) -> None:
    @router.post("/sandbox/advance")
    async def advance(order: events.Advance) -> dict[str, Any]:
        touched = events.advance(sandbox.world, order)
        sandbox.webhooks.tell(sandbox.world, touched)
        return {**asdict(touched), "clock": rfc3339(sandbox.world.clock)}

    @router.post("/sandbox/edit")
    async def edit(order: events.Edit) -> dict[str, Any]:
        events.edit(sandbox.world, order)
        sandbox.webhooks.tell_edited(sandbox.world, order.stream, order.id)
        return sandbox.world.served(order.stream, events.require(sandbox.world, order.stream, order.id))

    @router.post("/sandbox/delete")
    async def delete(order: Deletion) -> dict[str, Any]:
        sandbox.world.feeds[order.stream].delete(events.require(sandbox.world, order.stream, order.id))
        return {"deleted": order.id}

    @router.post("/sandbox/reset")
    async def reset() -> dict[str, Any]:
        sandbox.reset()
        return {"clock": rfc3339(sandbox.world.clock)}


def _add_faults(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/sandbox/faults")
    async def faults() -> list[Fault]:
        return sandbox.faults.faults

    @router.post("/sandbox/faults")
    async def add(fault: Fault | list[Fault]) -> list[Fault]:
        sandbox.faults.faults += fault if isinstance(fault, list) else [fault]
        return sandbox.faults.faults

    @router.delete("/sandbox/faults")
    async def clear() -> list[Fault]:
        sandbox.faults.faults.clear()
        return sandbox.faults.faults


def _add_views(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/sandbox/stats")
    async def stats() -> dict[str, Any]:
        counts = {stream: len(feed) for stream, feed in sandbox.world.feeds.items()}
        return {**sandbox.stats.as_json(), "counts": counts, "clock": rfc3339(sandbox.world.clock)}

    @router.get("/sandbox/ledger")
    async def ledger() -> dict[str, Any]:
        return sandbox.ledger.as_json()

    @router.get("/sandbox/oracle")
    async def oracle() -> dict[str, Any]:
        if len(sandbox.world.feeds["bookings"]) > ORACLE_LIMIT:
            raise HTTPException(HTTPStatus.CONFLICT, f"too much to tell: more than {ORACLE_LIMIT} bookings")
        return _everything(sandbox.world)


def _everything(world: World) -> dict[str, Any]:
    truth: dict[str, Any] = {
        stream: [world.served(stream, index) for _, index in world.keys(stream, _EARLIEST, None)] for stream in STREAMS
    }
    bad = ((index, world.defect(index)) for _, index in world.keys("bookings", _EARLIEST, None))
    bad_rows = [{"id": world.ids.of("bookings", index), "kind": kind} for index, kind in bad if kind]
    return {**truth, "bad_rows": bad_rows, "clock": rfc3339(world.clock)}
