"""Captures the records of Odoo that are still to be posted, as one batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.odoo.capture import CapturedRow, Reader, by_version, captured, in_payload, since
from odoo_pipelines.pipeline.consumers import sending_consumer
from odoo_pipelines.pipeline.posting import WITHDRAWN
from odoo_pipelines.pipeline.posting_owners import Owners
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.captured_rows import captured_schema, to_columns
from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
from odoo_pipelines.systems.outbound import PostedFlow
from odoo_pipelines.systems.records import WHOLE, Batch

READ_ROWS = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capture:
    """What one run read out of Odoo.

    Attributes:
        rows: to be sent.
        known: read again, but they wait already, or are dead letters that nobody has touched since.
        others: of other integrations in the same Odoo.
        letters_over: dead letters of records that are not to be sent any more.
        since: from which `write_date` on it was read; None: from the beginning.
        path: of the batch; "" where there was nothing to register.
    """

    rows: int
    known: int
    others: int
    letters_over: int
    since: datetime | None
    path: str

    @property
    def metadata(self) -> dict[str, Any]:
        """Numbers, without a value."""
        return {
            "dagster/row_count": self.rows,
            "rows_known": self.known,
            "rows_of_others": self.others,
            "dead_letters_over": self.letters_over,
            "read_since": str(self.since or "beginning"),
            "batch": self.path or "none: nothing new",
        }


def capture(session: Session, flow: PostedFlow) -> Capture:
    """Reads what is new in Odoo, and the dead letters that are due; all of it where everything is looked at again.

    The batch and the watermark are registered together. The watermark is the newest `write_date` from before the
    reading, so what is written meanwhile is read again.
    """
    name, reader = session.integration.name, Reader(session.connected, session.schemas)
    newest = reader.newest(flow.model, flow.domain)
    start = None if _reads_everything(session, flow) else _start(session, flow, reader)
    over = _end_letters(session, flow, reader)
    waiting = session.state.letters(LetterFilter(name, flow.name))
    due = session.state.letters(LetterFilter(name, flow.name, due=True))
    rows, others = _read(session, flow, reader, start, [_odoo_id(letter) for letter in due])
    known = () if _reads_everything(session, flow) else _known(session, flow, waiting, due)
    new = by_version(rows, known)
    path = _register(session, flow, new, newest)
    return Capture(len(new), len(rows) - len(new), others, over, start, path)


def _start(session: Session, flow: PostedFlow, reader: Reader) -> datetime | None:
    """From which `write_date` on a run reads that only looks for what is new; None: everything.

    Where nothing in Odoo is as late as what was read before, Odoo was restored from a backup, or its clock was set
    back: then what is new may be earlier than the watermark, and what the backup has brought back is.
    """
    mark = session.state.watermark(session.integration.name, _mark(flow))
    latest = reader.newest(flow.model, []) if mark else None
    if mark and (latest is None or latest < mark):
        log.warning("%s: Odoo has nothing as late as %s, which was read before; all of it is read", flow.name, mark)
        return None
    return since(mark, timedelta(seconds=session.integration.capture_overlap_seconds))


def captured_rows(session: Session, batches: Iterable[Batch]) -> Iterator[CapturedRow]:
    """The rows of batches."""
    for batch in batches:
        for rows in session.batches.rows(batch.path, READ_ROWS):
            for row in rows:
                yield CapturedRow(row["odoo_id"], row["external_id"], row["write_date"], row["payload"])


def owners_of(session: Session, flow: PostedFlow, reader: Reader) -> Owners:
    """Tells whose records are, among the integrations that use the same Odoo."""
    own = session.integration
    alone = not any(
        each.odoo and own.odoo and (each.odoo.url, each.odoo.db) == (own.odoo.url, own.odoo.db)
        for each in session.settings.integrations.values()
        if each.active and each.name != own.name
    )
    return Owners(reader, own.name, flow.owner, alone=alone)


def _reads_everything(session: Session, flow: PostedFlow) -> bool:
    """Also where what was read before waits in a batch that cannot be read any more."""
    return not session.incremental or session.unreadable.holds("odoo", flow.name)


def _mark(flow: PostedFlow) -> str:
    """The name under which the watermark is kept among those of the streams."""
    return f"odoo/{flow.model}"


def _read(
    session: Session, flow: PostedFlow, reader: Reader, start: datetime | None, ids: Sequence[int]
) -> tuple[list[CapturedRow], int]:
    """The rows that may be ours, and how many are another's."""
    owners, rows, read = owners_of(session, flow, reader), list[CapturedRow](), 0
    for page in captured(reader, flow, start, ids):
        whose = owners.of(page)
        rows += [CapturedRow.of(flow, row) for row in page if whose[row["id"]].kind != "other"]
        read += len(page)
    return rows, read - len(rows)


def _known(
    session: Session, flow: PostedFlow, letters: Sequence[DeadLetter], due: Sequence[DeadLetter]
) -> Iterator[str]:
    """Payloads that need not be captured again: they wait to be sent, or for a person, or for their next try."""
    tried = {letter.record for letter in due}
    yield from (letter.payload for letter in letters if letter.record not in tried)
    pending = session.state.pending(session.integration.name, "odoo", [flow.name], sending_consumer(flow))
    yield from (row.payload for row in captured_rows(session, pending))


def _end_letters(session: Session, flow: PostedFlow, reader: Reader) -> int:
    """Ends the letters of records that are not to be sent any more, and returns how many."""
    name = session.integration.name
    letters = session.state.letters(LetterFilter(name, flow.name))
    ids = [_odoo_id(letter) for letter in letters]
    found = reader.search(flow.model, [*flow.domain, ("id", "in", ids)], [flow.key]) if ids else []
    keys = {row["id"]: row[flow.key] for row in found}
    present = reader.present(flow.model, ids, [SYNC_KEY_FIELD])

    def is_over(letter: DeadLetter) -> bool:
        odoo_id = _odoo_id(letter)
        if odoo_id in keys:
            return bool(letter.external_id) and keys[odoo_id] != letter.external_id  # a row of its new name will tell
        marked = odoo_id in present and present[odoo_id][SYNC_KEY_FIELD]
        return bool(marked) or letter.code != WITHDRAWN

    over = [letter.record for letter in letters if is_over(letter)]
    session.state.end_letters(name, flow.name, over=over, lost=[])
    return len(over)


def _odoo_id(letter: DeadLetter) -> int:
    return int(in_payload(letter.payload)["id"])


def _register(session: Session, flow: PostedFlow, rows: Sequence[CapturedRow], newest: datetime | None) -> str:
    """Registers the batch; one with everything also where it is empty, so that earlier ones say nothing more."""
    everything = _reads_everything(session, flow)
    if not rows and not everything:
        return ""
    name = session.integration.name
    path = session.batches.path_for(name, "odoo", flow.name, WHOLE, session.run_id)
    with session.batches.writer(path, captured_schema()) as writer:
        writer.write([to_columns(flow.entity, row.odoo_id, row.key, row.write_date, row.payload) for row in rows])
    batch = Batch(0, name, "odoo", flow.name, WHOLE, session.run_id, path, len(rows), newest, complete=everything)
    session.state.register(batch, watermark=(_mark(flow), newest) if newest else None)
    return path
