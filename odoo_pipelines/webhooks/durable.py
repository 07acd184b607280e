"""The inbox as the receiver has it: it need not be reachable when the receiver starts, nor all the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from odoo_pipelines.stores.database import connect, migrate, refuse_newer_schema
from odoo_pipelines.stores.inbox import Inbox
from odoo_pipelines.stores.inbox_rows import NewEvent, Stored, WaitingEvents
from odoo_pipelines.webhooks.tally import Place

ANSWER_SECONDS = 8
"""How long the database may take: less than a request waits."""
MIGRATION_SECONDS = 600
CHECK_SECONDS = 10.0
"""So long after a newer version has changed the tables, at most, an older receiver takes nothing more."""


class DurableInbox:
    """Stores in PostgreSQL; its tables are brought up to date as soon as it is reached for the first time.

    Args:
        engine: of the state's database.
        patient_engine: of the same, for migrations, which may take longer than an answer.
        clock: seconds, of any origin.
    """

    def __init__(self, engine: Engine, patient_engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._checked_at = 0.0
        self._inbox = Inbox(engine)
        self._patient_engine = patient_engine
        self._up_to_date = False

    def store(self, events: Sequence[NewEvent], counts: Mapping[Place, int]) -> Sequence[Stored]:
        """Stores events and counts in one transaction; StateError if it cannot."""
        self._prepare()
        return self._inbox.store(events, counts)

    def waiting(self) -> WaitingEvents:
        """What waits to be claimed; StateError if it cannot be told."""
        self._prepare()
        return self._inbox.waiting()

    def _prepare(self) -> None:
        if not self._up_to_date:
            migrate(self._patient_engine)
            self._up_to_date, self._checked_at = True, self._clock()
        elif self._clock() - self._checked_at > CHECK_SECONDS:
            refuse_newer_schema(self._engine)
            self._checked_at = self._clock()


@contextmanager
def open_inbox(url: str) -> Iterator[DurableInbox]:
    """The inbox in a database, with connections that give up on a server that does not answer."""
    engines = [connect(url, answer_seconds=seconds) for seconds in (ANSWER_SECONDS, MIGRATION_SECONDS)]
    try:
        yield DurableInbox(engines[0], engines[1])
    finally:
        for engine in engines:
            engine.dispose()
