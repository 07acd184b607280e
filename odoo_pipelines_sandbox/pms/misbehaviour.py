"""How a fault is carried out, at the level of ASGI messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import parse_qs

import orjson
from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from odoo_pipelines_sandbox.pms.faults import Fault

Serve = Callable[[Scope, Receive, Send], Awaitable[None]]
_HTML = b"<html><body><h1>Bad gateway</h1></body></html>"


async def misbehave(fault: Fault, serve: Serve, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request, or does not, as a fault demands.

    Args:
        fault: that befalls the request.
        serve: the application.
        scope: of the request.
        receive: of the server.
        send: of the server; uvicorn's own, for connections are dropped through it.
    """
    if fault.kind == "status":
        await _refusal(fault)(scope, receive, send)
    elif fault.kind == "not_json":
        await Response(_HTML, media_type="text/html")(scope, receive, send)
    elif fault.kind == "drop_before":
        await _hang_up(receive, send)
    elif fault.kind == "drop_after":
        await _answer(serve, scope, receive)
        await _hang_up(receive, send)
    elif fault.kind == "truncate":
        start, body = await _answer(serve, scope, receive)
        await send(start)
        # The announced length stays: uvicorn closes the connection when the rest does not come.
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    elif fault.kind == "repeat_cursor":
        await _repeat_cursor(serve, scope, receive, send)
    else:
        await asyncio.sleep(fault.seconds if fault.kind == "delay" else 0)
        await serve(scope, receive, send)


def _refusal(fault: Fault) -> Response:
    headers = {}
    if fault.retry_after is not None:
        date = datetime.now(UTC) + timedelta(seconds=fault.seconds)
        headers["Retry-After"] = (
            format_datetime(date, usegmt=True) if fault.retry_after == "date" else fault.retry_after
        )
    content = orjson.dumps({"error": HTTPStatus(fault.status).phrase})
    return Response(content, fault.status, headers, "application/json")


async def _answer(serve: Serve, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await serve(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _repeat_cursor(serve: Serve, scope: Scope, receive: Receive, send: Send) -> None:
    start, body = await _answer(serve, scope, receive)
    if start["status"] == HTTPStatus.OK:
        cursor = parse_qs(scope["query_string"].decode())["cursor"][0]
        body = orjson.dumps(orjson.loads(body) | {"next_cursor": cursor})
    await Response(body, start["status"], media_type="application/json")(scope, receive, send)


async def _hang_up(receive: Receive, send: Send) -> None:
    # ASGI has no message for it. uvicorn's `send` is a method of the object that holds the connection.
    cycle = getattr(send, "__self__", None)
    if cycle is None:
        raise RuntimeError("connections can be dropped under uvicorn only")
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
