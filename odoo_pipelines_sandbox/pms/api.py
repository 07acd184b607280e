"""The endpoints of the contract, docs/contracts/pms.openapi.yaml."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from odoo_pipelines_sandbox.pms import paging
from odoo_pipelines_sandbox.pms.auth import UnauthorizedError
from odoo_pipelines_sandbox.pms.ids import STREAMS, Stream
from odoo_pipelines_sandbox.pms.ledger import Availability, PaymentInput
from odoo_pipelines_sandbox.pms.options import MAX_LIMIT
from odoo_pipelines_sandbox.pms.state import Sandbox
from odoo_pipelines_sandbox.pms.times import first_not_before

BookingStatus = Literal["confirmed", "provisional", "pending", "cancelled", "checked_in", "checked_out", "no_show"]
_JSON = "application/json"


class Credentials(BaseModel):
    """Body of a token exchange."""

    api_key: str
    api_secret: str


class ListParameters(BaseModel):
    """Query of a list; unknown parameters are ignored."""

    updated_since: AwareDatetime | None = None
    updated_before: AwareDatetime | None = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100
    cursor: str | None = None
    status: BookingStatus | None = None

    def query(self, stream: Stream) -> paging.Query:
        """Gives the conditions; a parameter that an endpoint does not have is ignored."""
        since = first_not_before(self.updated_since) if self.updated_since else None
        before = first_not_before(self.updated_before) if self.updated_before else None
        return paging.Query(
            stream,
            since,
            None if stream == "rooms" else before,
            self.status if stream == "bookings" else None,
        )


def contract_routes(sandbox: Sandbox) -> APIRouter:
    """Gives all endpoints of the contract."""
    router = APIRouter()
    _add_token(router, sandbox)
    guarded = APIRouter(dependencies=[Depends(_authorise(sandbox))])
    for stream in STREAMS:
        guarded.add_api_route(f"/{stream}", _list(sandbox, stream), methods=["GET"], name=stream)
    _add_booking(guarded, sandbox)
    _add_payment(guarded, sandbox)
    _add_availability(guarded, sandbox)
    router.include_router(guarded)
    return router


def _authorise(sandbox: Sandbox) -> Callable[[Request], Coroutine[Any, Any, None]]:
    async def authorise(request: Request) -> None:
        path = request.scope["raw_path"].decode("ascii").partition("?")[0]
        try:
            sandbox.gate.check(request.method, path, request.headers, await request.body())
        except UnauthorizedError as error:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, str(error)) from error

    return authorise


def _add_token(router: APIRouter, sandbox: Sandbox) -> None:
    @router.post("/auth/token")
    async def token(credentials: Credentials) -> Response:
        try:
            issued = sandbox.gate.issue(credentials.api_key, credentials.api_secret)
        except UnauthorizedError as error:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, str(error)) from error
        return _answer({"access_token": issued, "expires_in": sandbox.options.token_seconds})


def _list(sandbox: Sandbox, stream: Stream) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def records(parameters: Annotated[ListParameters, Query()]) -> Response:
        limit = min(parameters.limit, sandbox.options.page_limit)
        try:
            page = paging.page(sandbox.world, parameters.query(stream), parameters.cursor, limit)
        except paging.CursorError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error
        sandbox.stats.rows[stream] += len(page.rows)
        content: dict[str, Any] = {"data": page.rows}
        if page.next_cursor is not None or not sandbox.options.legacy:
            content["next_cursor"] = page.next_cursor
        return _answer(content)

    return records


def _add_booking(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/bookings/{booking_id}")
    async def booking(booking_id: str) -> Response:
        return _answer(sandbox.world.served("bookings", _found(sandbox, "bookings", booking_id)))


def _add_payment(router: APIRouter, sandbox: Sandbox) -> None:
    @router.post("/bookings/{booking_id}/payments")
    async def payment(
        booking_id: str, body: PaymentInput, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Response:
        index = _found(sandbox, "bookings", booking_id)
        known = sandbox.ledger.recorded(body.transaction_id, idempotency_key)
        if known is not None:
            return _answer(known)
        recorded = sandbox.world.record_payment(index, body.model_dump(exclude_none=True))
        sandbox.ledger.record(recorded, idempotency_key)
        return _answer(recorded, HTTPStatus.CREATED)


def _add_availability(router: APIRouter, sandbox: Sandbox) -> None:
    @router.put("/room-types/{room_type_id}/availability")
    async def availability(room_type_id: str, body: Availability) -> Response:
        room_type = sandbox.world.ids.of("rooms", _found(sandbox, "rooms", room_type_id))
        sandbox.ledger.availability[room_type, body.date.isoformat()] = body.available
        return _answer({"room_type_id": room_type, **body.model_dump(mode="json")})


def _found(sandbox: Sandbox, stream: Stream, external_id: str) -> int:
    index = sandbox.world.find(stream, external_id)
    if index is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no such record")
    return index


def _answer(content: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(content), status, media_type=_JSON)
