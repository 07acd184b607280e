"""A PMS that shows exactly what a test says, with whatever change times; the test may restore it from a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from odoo_pipelines_sandbox.serving import running

STREAMS = ("rooms", "guests", "bookings", "payments")


@dataclass
class ShapedHotel:
    """What each list shows; rows whose change time is missing are in every window."""

    url: str = ""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in STREAMS})

    def has(self, stream: str, *rows: dict[str, Any]) -> None:
        """The list shows these rows, in this order, in the place of older ones of the same records."""
        ids = {row["id"] for row in rows}
        self.lists[stream] = [*(row for row in self.lists[stream] if row["id"] not in ids), *rows]

    async def answer(self, request: Request) -> Response:
        stream, _, record = request.url.path.strip("/").partition("/")
        rows = self.lists.get(stream, [])
        if record:
            found = [row for row in rows if str(row["id"]) == record]
            return JSONResponse(found[-1]) if found else JSONResponse({"error": "no such record"}, 404)
        within = [row for row in rows if _within(row, dict(request.query_params))]
        return JSONResponse({"data": within, "next_cursor": None})


@contextmanager
def shaped_hotel() -> Iterator[ShapedHotel]:
    """Serves one that is empty at first."""
    hotel = ShapedHotel()
    with running(Starlette(routes=[Route("/{path:path}", hotel.answer)])) as hotel.url:
        yield hotel


def ago(**how_long: float) -> str:
    """A change time."""
    return (datetime.now(UTC) - timedelta(**how_long)).isoformat(timespec="seconds").replace("+00:00", "Z")


def guest(number: str, updated_at: str | None, email: str, **fields: Any) -> dict[str, Any]:
    """A guest's own record."""
    return {"id": number, "first_name": "Ann", "last_name": number, "email": email, "updated_at": updated_at, **fields}


def booking(number: str, updated_at: str | None, holder: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A booking of one room, with its guest as the PMS has copied them."""
    room = {"id": f"{number}-1", "room_type_id": "double", "room_type_name": "Double", "price_per_night": 100}
    inside = {name: value for name, value in holder.items() if name != "updated_at"}
    stay = {"check_in": "2026-12-01", "check_out": "2026-12-03", "currency": "USD", "status": "confirmed"}
    return {"id": number, "updated_at": updated_at, "guest": inside, "rooms": [room], "extras": [], **stay, **fields}


def payment(number: str, updated_at: str | None, holder: str, **fields: Any) -> dict[str, Any]:
    """A payment in cash."""
    told = {"transaction_id": number, "booking_id": holder, "amount": 50, "payment_method": "cash"}
    return {"id": number, "updated_at": updated_at, **told, "status": "received", **fields}


def _within(row: dict[str, Any], query: dict[str, str]) -> bool:
    if row.get("updated_at") is None:
        return True
    moment = datetime.fromisoformat(row["updated_at"])
    since, before = query.get("updated_since"), query.get("updated_before")
    return (since is None or moment >= datetime.fromisoformat(since)) and (
        before is None or moment < datetime.fromisoformat(before)
    )
