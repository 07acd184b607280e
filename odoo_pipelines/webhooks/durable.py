"""The inbox as the receiver has it: it need not be reachable when the receiver starts, nor all the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.inbox import Inbox
from odoo_pipelines.stores.inbox_rows import NewEvent, Stored, WaitingEvents
from odoo_pipelines.webhooks.tally import Place

ANSWER_SECONDS = 8
"""How long the database may take: less than a request waits."""
MIGRATION_SECONDS = 600


class DurableInbox:
    """Stores in PostgreSQL; its tables are brought up to date as soon as it is reached for the first time.

    Args:
        engine: of the state's database.
        patient_engine: of the same, for migrations, which may take longer than an answer.
    """

    def __init__(self, engine: Engine, patient_engine: Engine) -> None:
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
            self._up_to_date = True


@contextmanager
def open_inbox(url: str) -> Iterator[DurableInbox]:
    """The inbox in a database, with connections that give up on a server that does not answer."""
    engines = [connect(url, answer_seconds=seconds) for seconds in (ANSWER_SECONDS, MIGRATION_SECONDS)]
    try:
        yield DurableInbox(*engines)
    finally:
        for engine in engines:
            engine.dispose()
