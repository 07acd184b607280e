"""Pages of a stream and the cursors between them.

A cursor holds the place of the last row and the query that it belongs to. Places are (updated_at, index), so a record
that changes while a client pages moves to the end, in front of the client: it may be seen twice and is never missed.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

import orjson

from odoo_pipelines_sandbox.pms.feed import Key
from odoo_pipelines_sandbox.pms.ids import Stream
from odoo_pipelines_sandbox.pms.world import World

_CHECK_BYTES = 6
_BEFORE_ALL = -(2**62)


class CursorError(ValueError):
    """The cursor is not one of ours, or belongs to another query."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for; moments are in milliseconds.

    Attributes:
        stream: to be listed.
        since: first moment of change, inclusive.
        before: last moment of change, exclusive.
        status: of bookings.
    """

    stream: Stream
    since: int | None = None
    before: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        rows: records as served.
        next_cursor: None on the last page.
    """

    rows: list[dict[str, Any]]
    next_cursor: str | None


def page(world: World, query: Query, cursor: str | None, limit: int) -> Page:
    """Takes the rows that follow a cursor.

    Args:
        world: that is listed.
        query: parameters of the request; those that it leaves out are taken from the cursor.
        cursor: None starts at the beginning.
        limit: most rows.

    Raises:
        CursorError: the cursor cannot be used here.
    """
    place: Key = (_BEFORE_ALL, 0)
    if cursor is not None:
        query, place = _decoded(cursor, query)
    elif query.since is not None:
        place = (query.since, -1)
    keys = world.keys(query.stream, place, query.before)
    if query.status is not None:
        keys = (key for key in keys if world.status(key[1]) == query.status)
    found = list(islice(keys, limit + 1))
    rows = [world.served(query.stream, index) for _, index in found[:limit]]
    return Page(rows, _encoded(query, found[limit - 1]) if len(found) > limit else None)


def _encoded(query: Query, place: Key) -> str:
    content = orjson.dumps([query.stream, query.since, query.before, query.status, *place])
    return base64.urlsafe_b64encode(_check(content) + content).decode()


def _decoded(cursor: str, asked: Query) -> tuple[Query, Key]:
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise CursorError("the cursor is not one of this server") from error
    check, content = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if check != _check(content):
        raise CursorError("the cursor is not one of this server")
    stream, since, before, status, moment, index = orjson.loads(content)
    query = Query(stream, since, before, status)
    if any(value is not None and value != getattr(query, name) for name, value in asdict(asked).items()):
        raise CursorError("the cursor belongs to another query")
    return query, (moment, index)


def _check(content: bytes) -> bytes:
    return blake2b(content, digest_size=_CHECK_BYTES, person=b"sandbox pms").digest()
