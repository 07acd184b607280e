"""Extracts one partition of a stream into one batch: page by page, with the watermark moved when it is complete."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

from odoo_pipelines.errors import RowCountError
from odoo_pipelines.http.paging import Page
from odoo_pipelines.pipeline.payloads import payload_text
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.rows import raw_schema
from odoo_pipelines.systems import values
from odoo_pipelines.systems.base import Stream, own_id
from odoo_pipelines.systems.clocks import TOLERANCE, is_believed
from odoo_pipelines.systems.records import Batch

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Extracted:
    """What one partition yielded.

    Attributes:
        window: that was asked for.
        rows: that the pages carried.
        pages: with rows in them.
        path: of the batch; "" where there is none, because there were no rows, now or before.
        newest: newest change time, as the external system tells it.
        complete: the window is that of the whole partition.
    """

    window: Window
    rows: int = 0
    pages: int = 0
    path: str = ""
    newest: datetime | None = None
    complete: bool = True


class Extraction:
    """Extracts partitions of one stream, in order.

    The watermark says that everything up to it is in batches, so only a walk that begins where the covered range ends,
    or before, may move it: extracting a single month by hand does not.
    """

    def __init__(self, session: Session, stream: Stream) -> None:
        self._session = session
        self._stream = stream
        self._bring_back_watermark()
        self._watermark = session.state.watermark(session.integration.name, stream.name)
        self._covered_to: datetime | None = self._watermark

    def extract(self, window: Window) -> Extracted:
        """Extracts a window, or what a delta still needs of it.

        Raises:
            ExternalError: the external system could not be asked; no part of the batch is kept.
            RowCountError: rows on the pages and rows in the batch differ.
        """
        again = (self._stream.name, window.partition) in self._session.unreadable.extract_again
        extracted = Extracted(window=window if again else self._narrowed(window))
        extracted.complete = extracted.window == window
        window = extracted.window
        if window.since and window.before and window.since >= window.before:
            return extracted
        continues = window.since is None or (self._covered_to is not None and window.since <= self._covered_to)
        carried_before = self._session.external.requests.rows
        seen_at = self._session.clock()
        pages = self._pages(window)
        first = next(pages, None)
        if first is not None or (extracted.complete and (again or self._held_rows(window.partition))):
            written = self._write([] if first is None else chain([first], pages), extracted, seen_at)
            require_all(self._session, written, self._session.external.requests.rows - carried_before)
            mark = self._mark(first, extracted.newest) if continues and first else None
            self._session.state.register(written, watermark=mark)
        if continues and window.before is not None:
            self._covered_to = max(window.before, self._covered_to or window.before)
        if extracted.complete:
            self._session.covered.add(("external", self._stream.name, window.partition))
        return extracted

    def _held_rows(self, partition: str) -> bool:
        """Whether batches of before say that there are rows, which an empty batch then replaces."""
        name = self._session.integration.name
        return any(
            batch.rows
            for batch in since_complete(self._session.state.batches(name, "external", [self._stream.name], [partition]))
        )

    def _narrowed(self, window: Window) -> Window:
        """A delta starts at the watermark, less an overlap for clocks that differ and changes that were late."""
        if not self._session.incremental or self._watermark is None:
            return window
        start = self._watermark - timedelta(minutes=self._session.integration.overlap_minutes)
        since = start if window.since is None else max(start, window.since)
        return Window(window.partition, since, window.before)

    def _pages(self, window: Window) -> Iterator[Page]:
        before = window.before if self._stream.windowed else None
        pages = self._session.external.pages(self._stream.path, updated_since=window.since, updated_before=before)
        return (page for page in pages if page.rows)

    def _write(self, pages: Iterable[Page], extracted: Extracted, seen_at: datetime) -> Batch:
        """Writes the rows of a walk: all of them count as seen when it began, for they may have changed since."""
        session, name = self._session, self._session.integration.name
        partition, newest = extracted.window.partition, None
        path = session.batches.path_for(name, "external", self._stream.name, partition, session.run_id)
        with session.batches.writer(path, raw_schema()) as writer:
            for page in pages:
                rows = [raw_row(row, self._stream.id_of) for row in session.kept(self._stream, page.rows)]
                extracted.pages += 1
                extracted.newest = newest_of(rows, extracted.newest)
                received(rows, seen_at, server_time(session))
                writer.write(rows)
                newest = newest_of(rows, newest)
        extracted.rows, extracted.path = writer.rows, path
        return Batch(
            0,
            name,
            "external",
            self._stream.name,
            partition,
            session.run_id,
            path,
            writer.rows,
            newest,
            extracted.complete,
        )

    def _bring_back_watermark(self) -> None:
        """A watermark of the future, from when the external system's clock was ahead, would hide all that is new."""
        name, stream = self._session.integration.name, self._stream.name
        was = self._session.state.bring_back_watermark(name, stream, self._session.clock(), TOLERANCE)
        if was is not None:
            log.warning("%s: the watermark was in the future (%s) and is brought back; clocks were wrong", stream, was)

    def _mark(self, first: Page, newest: datetime | None) -> tuple[str, datetime] | None:
        """The new watermark; neither a change time from the future nor a wrong clock pushes it past both clocks."""
        if newest is None:
            return None
        now = self._session.clock()
        return self._stream.name, min(newest, first.server_time or now, now)


def require_all(session: Session, batch: Batch, carried: int) -> None:
    """Compares the rows on the wire, those that were written, and those that the file says it has.

    Raises:
        RowCountError: they differ.
    """
    held = session.batches.row_count(batch.path)
    if not carried == batch.rows == held:
        numbers = f"the pages carried {carried} rows, {batch.rows} were written, the file holds {held}"
        raise RowCountError(f"{batch.name}: {numbers}")


def server_time(session: Session) -> datetime:
    """The external system's clock at its newest answer; ours where that did not tell."""
    return session.external.server_time or session.clock()


def received(rows: Iterable[dict[str, Any]], seen_at: datetime, now: datetime) -> None:
    """Notes of raw rows when they were seen, and that none was changed later than it came.

    Args:
        rows: as `raw_row` makes them.
        seen_at: from when on they may have changed again, by our clock.
        now: when they came, by the clock of the external system.
    """
    for row in rows:
        row["seen_at"] = seen_at
        if not is_believed(row["updated_at"], now):
            row["updated_at"] = now


def newest_of(rows: list[dict[str, Any]], newest: datetime | None = None) -> datetime | None:
    """The newest change time of raw rows, and of those before them."""
    times = [row["updated_at"] for row in rows if row["updated_at"] is not None]
    return max([*times, *([newest] if newest else [])], default=None)


def raw_row(payload: Any, id_of: Callable[[Mapping[str, Any]], str] = own_id) -> dict[str, Any]:
    """A row as a batch keeps it; what no model can read keeps its payload too, and is rejected by the mapping.

    Args:
        payload: as it came.
        id_of: gives its external id, see `Stream.id_of`.
    """
    text = payload_text(payload)
    record = payload if isinstance(payload, dict) else {}
    return {
        "external_id": _readable(id_of, record) or "",
        "updated_at": _readable(values.utc_datetime, record.get("updated_at")),
        "seen_at": None,
        "hash": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "payload": text,
    }


def _readable(read: Callable[[Any], T], value: Any) -> T | None:
    try:
        return read(value)
    except values.UnreadableValueError:
        return None
