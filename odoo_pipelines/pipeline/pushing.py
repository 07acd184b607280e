"""Tells the external system what is left by resource and day: only what has changed, and each number until it is told.

Putting a number twice is as good as once, so one whose answer was lost is put again. That it may have changed is noted
before: were the old one remembered, and the next one to be told the same again, it would never be put.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from itertools import islice
from typing import Any, Protocol

import orjson

from odoo_pipelines.engine.report import ChunkReport, FlowReport
from odoo_pipelines.errors import ExternalRequestError, RowRejectedError
from odoo_pipelines.systems.availability import AvailabilityFlow, Day, day_of
from odoo_pipelines.systems.outbound import Message
from odoo_pipelines.systems.records import Counts, Outcome, RowOutcome

CHUNK_ROWS = 100
"""Numbers between two commits: what a run that is killed tells once more."""
IN_DOUBT = ""
"""What is remembered of a number that was about to be told: the old one, or the new one."""


class Memory(Protocol):
    """What was told before."""

    def all(self) -> Mapping[str, str]:
        """Every value by its key."""

    def remember(self, values: Mapping[str, str]) -> None:
        """Notes what was told just now, by key."""

    def forget(self, keys: Collection[str]) -> None:
        """Forgets what nobody asks for any more."""


class Push:
    """One run's push of one flow.

    Args:
        flow: what is told.
        put: puts a message; raises ExternalError.
        memory: of what was told.
        commit: keeps the outcomes of a chunk.
        still_writer: raises when the right to write is lost.
        today: days before it are over, and not told any more.
        again: tell what has not changed, too.
    """

    def __init__(
        self,
        flow: AvailabilityFlow,
        put: Callable[[Message], Any],
        memory: Memory,
        commit: Callable[[Sequence[RowOutcome], Counts], None],
        *,
        still_writer: Callable[[], None],
        today: date,
        again: bool = False,
    ) -> None:
        self._flow = flow
        self._put = put
        self._memory = memory
        self._commit = commit
        self._still_writer = still_writer
        self._today = today
        self._again = again
        self._told: Mapping[str, str] = {}
        self._unknown: dict[str, RowRejectedError] = {}

    def push(self, days: Iterable[Day]) -> FlowReport:
        """Tells what has to be told, and forgets the days that are over.

        Raises:
            ExternalError: the external system could not be asked, or refuses everything; what it was told so far is
                remembered.
        """
        report, rest = FlowReport(), iter(days)
        self._told = self._memory.all()
        self._memory.forget([key for key in self._told if day_of(key) < self._today])
        while some := list(islice(rest, CHUNK_ROWS)):
            report.add(self._push_chunk(some))
        return report

    def _push_chunk(self, days: Sequence[Day]) -> ChunkReport:
        chunk, known = ChunkReport(), dict[str, str | None]()
        self._still_writer()
        self._memory.remember({day.key: IN_DOUBT for day in days if self._decided(day) is None})
        try:
            for day in days:
                chunk.add(self._push_day(day, known))
        finally:
            self._remember(known)
        chunk.counts.extracted = len(days)
        self._commit(chunk.outcomes, chunk.counts)
        return chunk

    def _remember(self, known: Mapping[str, str | None]) -> None:
        """Unless the right to write is lost: then another run may have told other numbers since."""
        self._still_writer()
        self._memory.remember({key: value for key, value in known.items() if value is not None})
        self._memory.forget([key for key, value in known.items() if value is None])

    def _decided(self, day: Day) -> Outcome | None:
        """What becomes of a number that needs no push; None for one that is pushed."""
        if day.date < self._today:
            return Outcome.SUPERSEDED
        is_told = self._told.get(day.key) == str(day.available)
        return Outcome.UNCHANGED if is_told and not self._again else None

    def _push_day(self, day: Day, known: dict[str, str | None]) -> RowOutcome:
        decided, before = self._decided(day), self._told.get(day.key)
        if decided is not None:
            return RowOutcome(self._flow.entity, day.key, decided)
        try:
            self._ask(day)
        except RowRejectedError as error:
            known[day.key] = before  # the external system has what it had
            return self._rejected(day, error)
        known[day.key] = str(day.available)
        return RowOutcome(self._flow.entity, day.key, Outcome.UPDATED if before else Outcome.CREATED)

    def _ask(self, day: Day) -> None:
        """Puts one number; of a resource that the external system does not know, the others are not tried."""
        if day.resource in self._unknown:
            raise self._unknown[day.resource]
        self._still_writer()
        try:
            self._put(self._flow.message(day))
        except ExternalRequestError as error:
            if error.status is None:
                raise
            rejected = RowRejectedError("", f"refused_with_{error.status}", error.reason or str(error))
            if error.status == HTTPStatus.NOT_FOUND:
                self._unknown[day.resource] = rejected
            raise rejected from error

    def _rejected(self, day: Day, error: RowRejectedError) -> RowOutcome:
        numbers = {"capacity": day.capacity, "taken": day.taken, "available": day.available}
        return RowOutcome(
            self._flow.entity,
            day.key,
            Outcome.REJECTED,
            field=error.field,
            code=error.code,
            reason=error.reason,
            payload=orjson.dumps(numbers).decode(),
        )
