"""Sends records of Odoo to the external system, each exactly once, and marks them in Odoo.

A run may die anywhere: what was posted but not marked is found again by what the state remembers, and only marked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, sync_key
from odoo_pipelines.engine.report import ChunkReport, FlowReport
from odoo_pipelines.errors import ExternalError, OdooError, RowRejectedError
from odoo_pipelines.odoo.capture import CapturedRow, Reader
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.pipeline.posting_delivery import Delivery, Outgoing
from odoo_pipelines.pipeline.posting_owners import Owners
from odoo_pipelines.pipeline.posting_ports import Posting, Postings, SentState
from odoo_pipelines.systems.outbound import OdooRow, PostedFlow
from odoo_pipelines.systems.records import Outcome, RowOutcome

CHUNK = 50
WITHDRAWN = "withdrawn"
"""The code of a record that got through, but in Odoo is no longer to be told of."""
_TRANSIENT = frozenset({"missing_reference", "not_marked"})


@dataclass(slots=True)
class _Chunk:
    """Rows that are sent and marked together; `outcomes` and `errors` by Odoo id."""

    rows: dict[int, CapturedRow]
    repeats: int
    records: dict[int, OdooRow]
    begun: Mapping[int, Sequence[Posting]]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    errors: dict[int, RowRejectedError] = field(default_factory=dict)

    def reject(self, odoo_id: int, error: RowRejectedError) -> None:
        """Ends a row as rejected."""
        self.outcomes[odoo_id] = Outcome.REJECTED
        self.errors[odoo_id] = error


class Sender:
    """Sends the rows of one flow.

    Args:
        integration: name, the first part of every sync key.
        flow: what is sent.
        reader: of Odoo.
        writing: to Odoo.
        state: of the flow in this run.
        postings: of the same.
        owners: tells which records are ours.
        delivery: to the external system.
        still_writer: raises when the right to write is lost.
        look_first: what is known of earlier messages may be out of date, so nothing is posted that was not looked for.
    """

    def __init__(
        self,
        *,
        integration: str,
        flow: PostedFlow,
        reader: Reader,
        writing: Writing,
        state: SentState,
        postings: Postings,
        owners: Owners,
        delivery: Delivery,
        still_writer: Callable[[], None],
        look_first: bool = False,
    ) -> None:
        self._look_first = look_first
        self._integration = integration
        self._flow = flow
        self._reader = reader
        self._writing = writing
        self._state = state
        self._postings = postings
        self._owners = owners
        self._delivery = delivery
        self._still_writer = still_writer

    def send(self, rows: Iterable[CapturedRow]) -> FlowReport:
        """Sends rows, in the newest version of their records.

        Raises:
            ExternalError: the external system cannot be reached, or refuses everything.
            OdooError: Odoo cannot be reached, or refuses everything; what was posted is marked by the next run.
        """
        report = FlowReport()
        for some in _chunked(rows):
            chunk = self._begun(some)
            self._set_aside(chunk)
            try:
                self._deliver(chunk)
            except ExternalError:
                self._mark(chunk)  # what it has already must not wait until it is back
                raise
            self._mark(chunk)
            told = self._told(chunk)
            self._state.commit([], told.outcomes, told.counts)
            report.add(told)
        return report

    def _begun(self, some: Sequence[CapturedRow]) -> _Chunk:
        rows = {row.odoo_id: row for row in some}
        flow = self._flow
        found = self._reader.search(flow.model, [*flow.domain, ("id", "in", list(rows))], flow.fields)
        return _Chunk(rows, len(some) - len(rows), {row["id"]: row for row in found}, self._postings.begun(list(rows)))

    def _set_aside(self, chunk: _Chunk) -> None:
        """Ends the rows of which nothing is to be sent: marked ones, those that came in, those of others."""
        for odoo_id in chunk.rows.keys() - chunk.records.keys():
            chunk.outcomes[odoo_id] = Outcome.SUPERSEDED
        # What the state says of an id counts for nothing: after a restore Odoo has given it to another record.
        for odoo_id in self._reader.made_by(self._integration, self._flow.model, list(chunk.records)):
            chunk.outcomes[odoo_id] = Outcome.SUPERSEDED
        open_rows = [row for odoo_id, row in chunk.records.items() if odoo_id not in chunk.outcomes]
        ownerships = self._owners.of(open_rows)
        for row in open_rows:
            if ownerships[row["id"]].kind == "other":
                chunk.outcomes[row["id"]] = Outcome.SUPERSEDED
                continue
            try:
                self._owners.require(row, ownerships[row["id"]])
            except RowRejectedError as error:
                chunk.reject(row["id"], error)
        self._reject_taken(chunk)

    def _reject_taken(self, chunk: _Chunk) -> None:
        """Odoo may give the number of a cancelled record again, but the external system knows that record by it."""
        rows = {odoo_id: row for odoo_id, row in chunk.records.items() if odoo_id not in chunk.outcomes}
        marked = self._marked_as({str(row[self._flow.key]) for row in rows.values()})
        for odoo_id, row in rows.items():
            name = str(row[self._flow.key])
            others = {*marked.get(name, ())} - {odoo_id}
            if others:
                reason = f"the external system knows record {min(others)} as {name}; cancel this one, and make it anew"
                chunk.reject(odoo_id, RowRejectedError(self._flow.key, "key_taken", reason))

    def _marked_as(self, names: Collection[str]) -> dict[str, list[int]]:
        """Records of ours that the external system knows by some names already."""
        marked: dict[str, list[int]] = {}
        if not names:
            return marked
        field = self._flow.marked_in
        domain = [(field, "in", sorted(names)), (SYNC_KEY_FIELD, "!=", False)]
        for each in self._reader.search(self._flow.model, domain, [field, SYNC_KEY_FIELD]):
            if str(each[SYNC_KEY_FIELD]).startswith(f"{self._integration}."):
                marked.setdefault(str(each[field]), []).append(each["id"])
        return marked

    def _deliver(self, chunk: _Chunk) -> None:
        open_rows = [row for odoo_id, row in chunk.records.items() if odoo_id not in chunk.outcomes]
        names = {str(row[self._flow.key]) for row in open_rows} if self._look_first else set[str]()
        found = self._delivery.found(self._to_look_for(chunk), names)
        self._reject_withdrawn(chunk, found)
        for odoo_id, row in chunk.records.items():
            if odoo_id in chunk.outcomes:
                continue
            self._still_writer()
            try:
                message = self._flow.message(row)
                begun = chunk.begun.get(odoo_id, ())
                created = self._delivery.deliver(Outgoing(odoo_id, message, begun), found)
                chunk.outcomes[odoo_id] = Outcome.CREATED if created else Outcome.UNCHANGED
            except RowRejectedError as error:
                chunk.reject(odoo_id, error)

    def _to_look_for(self, chunk: _Chunk) -> list[Posting]:
        """The messages that the external system may have: in doubt, or of an id or a name that was sent before.

        None of the records has a mark. Whether the external system has this one, or another that had its id or name
        until Odoo was restored from a backup, only the external system can tell.
        """
        open_rows = {odoo_id: row for odoo_id, row in chunk.records.items() if odoo_id not in chunk.outcomes}
        own = [
            posting
            for odoo_id, begun in chunk.begun.items()
            for posting in begun
            if not posting.done or odoo_id in open_rows
        ]
        names = {str(row[self._flow.key]) for row in open_rows.values()} - {posting.key for posting in own}
        return own + [each for some in self._postings.begun_as(sorted(names)).values() for each in some]

    def _reject_withdrawn(self, chunk: _Chunk, found: Mapping[str, Any]) -> None:
        """What got through and was then reset or cancelled in Odoo is a question to a person."""
        gone = [odoo_id for odoo_id in chunk.rows if odoo_id not in chunk.records and odoo_id in chunk.begun]
        present = self._reader.present(self._flow.model, gone, [SYNC_KEY_FIELD])
        for odoo_id in gone:
            marked = odoo_id in present and present[odoo_id][SYNC_KEY_FIELD]
            through = [each.key for each in chunk.begun[odoo_id] if each.done or each.key in found]
            if through and not marked:
                reason = f"the external system has it as {through[-1]}, but in Odoo it was reset or cancelled since"
                chunk.reject(odoo_id, RowRejectedError("", WITHDRAWN, reason))

    def _mark(self, chunk: _Chunk) -> None:
        through = [
            odoo_id for odoo_id, outcome in chunk.outcomes.items() if outcome in (Outcome.CREATED, Outcome.UNCHANGED)
        ]
        known = [odoo_id for odoo_id in through if chunk.outcomes[odoo_id] is Outcome.UNCHANGED]
        present = self._reader.present(self._flow.model, known, [SYNC_KEY_FIELD])
        through = [each for each in through if each not in present or not present[each][SYNC_KEY_FIELD]]
        if not through:
            return
        self._still_writer()
        marks = [(odoo_id, self._marks(chunk.records[odoo_id])) for odoo_id in through]
        for odoo_id, refusal in self._writing.write(self._flow.model, marks).items():
            chunk.reject(odoo_id, RowRejectedError("", "not_marked", _reason(refusal)))

    def _marks(self, row: OdooRow) -> Mapping[str, Any]:
        return {**self._flow.marks(row), SYNC_KEY_FIELD: self._sync_key(row)}

    def _sync_key(self, row: OdooRow) -> str:
        return sync_key(self._integration, *self._flow.sync_parts(row))

    def _told(self, chunk: _Chunk) -> ChunkReport:
        report = ChunkReport()
        report.counts.extracted = len(chunk.rows) + chunk.repeats
        for odoo_id, row in chunk.rows.items():
            report.add(self._outcome(chunk, row, chunk.outcomes[odoo_id]))
        if chunk.repeats:
            report.add(RowOutcome(self._flow.entity, "", Outcome.SUPERSEDED, weight=chunk.repeats))
        return report

    def _outcome(self, chunk: _Chunk, row: CapturedRow, outcome: Outcome) -> RowOutcome:
        record, error = chunk.records.get(row.odoo_id), chunk.errors.get(row.odoo_id)
        newest = CapturedRow.of(self._flow, record) if record else row
        return RowOutcome(
            self._flow.entity,
            newest.key,
            outcome,
            field=error.field if error else "",
            code=error.code if error else "",
            reason=error.reason if error else "",
            transient=bool(error and error.code in _TRANSIENT),
            payload=newest.payload if error else "",
        )


def _chunked(rows: Iterable[CapturedRow]) -> Iterator[list[CapturedRow]]:
    remaining = iter(rows)
    while some := list(islice(remaining, CHUNK)):
        yield some


def _reason(refusal: OdooError) -> str:
    return refusal.odoo_message or str(refusal)
