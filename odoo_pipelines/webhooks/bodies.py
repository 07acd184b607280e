"""Bodies of requests, read with a limit on their size, whatever the headers promise, and on the time that they take."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from odoo_pipelines.webhooks.refusals import ENCODED, TOO_LARGE, TOO_SLOW, RefusedError

MOST_BYTES = 1024 * 1024
PATIENCE_SECONDS = 20.0


async def read_body(request: Request, patience_seconds: float = PATIENCE_SECONDS) -> bytes:
    """Reads a body of 1 MiB at most.

    A compressed one is refused unread: the contract signs the raw body, so there is nothing to unpack, and no bomb.

    Raises:
        RefusedError: TOO_LARGE, ENCODED or TOO_SLOW.
        starlette.requests.ClientDisconnect: the sender went away.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > MOST_BYTES:
        raise RefusedError(TOO_LARGE)
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip().lower() not in ("", "identity") for encoding in encodings):
        raise RefusedError(ENCODED)
    body = bytearray()
    try:
        async with asyncio.timeout(patience_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise RefusedError(TOO_LARGE)
    except TimeoutError:
        raise RefusedError(TOO_SLOW) from None
    return bytes(body)
