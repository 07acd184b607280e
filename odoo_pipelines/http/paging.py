"""Walks through a list by its cursor, one page in memory at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo_pipelines.errors import ExternalProtocolError
from odoo_pipelines.http.answers import Answer, storable
from odoo_pipelines.http.json_text import is_storable

MOST_PAGES_WITHOUT_NEWS = 100
"""In a row, empty ones or repeated ones: more than any filter leaves, and the walk is taken for one without an end."""
_LONGEST_CURSOR = 4_096
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        rows: as the server sent them, whatever they are; one that is no object is for the caller to reject.
        next_cursor: leads to the next page; None on the last.
        server_time: the server's clock at the walk's first answer, UTC to the second, the same on all pages of a
            walk: what changed later may have been missed. None where the server does not tell.
    """

    rows: list[Any] = field(repr=False)
    next_cursor: str | None
    server_time: datetime | None


def window(updated_since: datetime | None, updated_before: datetime | None) -> dict[str, str]:
    """The query for a range of change times, in RFC 3339, UTC.

    Whole seconds are what every server reads; rounding outwards may add rows at the edges and never drops one.

    Args:
        updated_since: inclusive, with a time zone.
        updated_before: exclusive, with a time zone.
    """
    query = {}
    if updated_since is not None:
        query["updated_since"] = _rfc3339(_utc(updated_since))
    if updated_before is not None:
        query["updated_before"] = _rfc3339(_utc(updated_before) + timedelta(microseconds=999_999))
    return query


def _utc(moment: datetime) -> datetime:
    # Before any arithmetic: in a zone with summer time a second later may be an hour off.
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent")
    return moment.astimezone(UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def walk(fetch: Callable[[Mapping[str, str]], Answer], query: Mapping[str, str]) -> Iterator[Page]:
    """Yields page after page; the next one is asked for when the caller comes back.

    Args:
        fetch: gets one page by its query.
        query: of the first page; the others add a cursor to it.

    Raises:
        ExternalProtocolError: a page breaks the contract, or the walk would never end: a cursor comes again, or pages
            follow one another that are empty or came before.
    """
    answer = fetch(query)
    server_time = answer.server_time
    check = _EndCheck()
    while True:
        page = _read_page(answer, server_time)
        yield page
        if page.next_cursor is None:
            return
        check.goes_on(page, page.next_cursor, answer)
        answer = fetch({**query, "cursor": page.next_cursor})


class _EndCheck:
    """Notices that a walk comes to no end."""

    def __init__(self) -> None:
        self._cursors: set[bytes] = set()  # 2,000 digests for a million rows
        self._pages: set[bytes] = set()
        self._without_news = 0

    def goes_on(self, page: Page, cursor: str, answer: Answer) -> None:
        """Takes note of a page that is not the last.

        Raises:
            ExternalProtocolError: there would be no end.
        """
        if not _is_new(cursor, self._cursors):
            raise _broken(answer, "repeats a `next_cursor`, so the walk would never end")
        # Where the first, the last and the number of the rows came before, so did those between.
        news = bool(page.rows) and _is_new((len(page.rows), page.rows[0], page.rows[-1]), self._pages)
        self._without_news = 0 if news else self._without_news + 1
        if self._without_news > MOST_PAGES_WITHOUT_NEWS:
            what = "in a row without a row that had not come before, each with a `next_cursor`"
            raise _broken(answer, f"is the last of {self._without_news} {what}")


def _is_new(value: object, known: set[bytes]) -> bool:
    digest = hashlib.blake2b(repr(value).encode(), digest_size=_DIGEST_BYTES).digest()
    if digest in known:
        return False
    known.add(digest)
    return True


def _read_page(answer: Answer, server_time: datetime | None) -> Page:
    document = answer.content
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        raise _broken(answer, "has no list named `data`")
    cursor = document.get("next_cursor")
    if cursor is not None and not (isinstance(cursor, str) and cursor and is_storable(cursor)):
        raise _broken(answer, "has a `next_cursor` that is neither null nor a filled text")
    if cursor is not None and len(cursor) > _LONGEST_CURSOR:
        raise _broken(answer, f"has a `next_cursor` of more than {_LONGEST_CURSOR:,} characters, which no URL can hold")
    return Page(storable(document["data"], answer), cursor, server_time)


def _broken(answer: Answer, what: str) -> ExternalProtocolError:
    return ExternalProtocolError(
        f"The page from {answer.place} {what}. Rows that came before are not affected; "
        "the external system has to be corrected before the rest can be read.",
        status=answer.status,
    )
