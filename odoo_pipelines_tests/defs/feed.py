"""A feed of changes that a test can shape: rows out of order, empty pages, an answer that fails in the middle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from odoo_pipelines.pipeline.session import Session
from odoo_pipelines_sandbox.serving import running

NewSession: TypeAlias = Callable[..., Session]
"""Makes the session of one run after the other, by mode."""


@dataclass
class Feed:
    """What one list endpoint answers.

    Attributes:
        pages: of rows; where they carry a readable `updated_at`, the window of the request is heeded.
        broken_page: number of the page that is refused; None for none.
        clock: the server's, as it tells it; None for the true one.
        asked: queries of all requests for a first page.
    """

    pages: list[list[Any]] = field(default_factory=list)
    broken_page: int | None = None
    clock: dt.datetime | None = None
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        query = dict(request.query_params)
        number = int(query.pop("cursor", "0"))
        if number == 0:
            self.asked.append(query)
        if number == self.broken_page:
            return JSONResponse({"error": "no"}, 400)
        rows = [row for row in self.pages[number] if _within(row, query)] if self.pages else []
        cursor = str(number + 1) if number + 1 < len(self.pages) else None
        told = {"Date": format_datetime(self.clock, usegmt=True)} if self.clock else None
        return JSONResponse({"data": rows, "next_cursor": cursor}, headers=told)


@contextmanager
def served(feed: Feed) -> Iterator[str]:
    """Serves it at every path, for ever."""
    with running(Starlette(routes=[Route("/{path:path}", feed.answer)])) as url:
        yield url


def booking(external_id: Any, updated_at: Any, **fields: Any) -> dict[str, Any]:
    """A row that the mapping of bookings takes."""
    stay = {"status": "confirmed", "check_in": "2026-03-01", "check_out": "2026-03-03", "currency": "USD"}
    return {"id": external_id, "updated_at": _text(updated_at), "guest": {"id": 1}, "rooms": [], **stay, **fields}


def _text(moment: Any) -> Any:
    return moment.isoformat().replace("+00:00", "Z") if isinstance(moment, dt.datetime) else moment


def _within(row: Any, query: Mapping[str, str]) -> bool:
    try:
        moment = dt.datetime.fromisoformat(row["updated_at"])
    except (KeyError, TypeError, ValueError):
        return True
    since, before = query.get("updated_since"), query.get("updated_before")
    return (since is None or moment >= dt.datetime.fromisoformat(since)) and (
        before is None or moment < dt.datetime.fromisoformat(before)
    )
