"""What sending records of Odoo needs of the world, as Protocols: Odoo, the external system, and the state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from odoo_pipelines.systems.outbound import Message
from odoo_pipelines.systems.records import Counts, Record, RowOutcome


class Recipient(Protocol):
    """The external system."""

    def post(self, message: Message, idempotency_key: str) -> tuple[bool, Any]:
        """Posts once, and gives whether the record is new, and the record.

        Raises:
            ExternalRequestError: it was refused.
            ExternalError: another one, `in_doubt` if it may have got through.
        """

    def listed(self, since: datetime | None) -> Iterator[Any]:
        """The records that have changed since then."""


class Posting(Protocol):
    """One message that was begun, perhaps by an earlier run."""

    @property
    def key(self) -> str:
        """By which the external system knows the record."""

    @property
    def look_since(self) -> datetime | None:
        """The change time from which the record is looked for; None: all."""

    @property
    def done(self) -> bool:
        """Whether it is known to have got through."""


class Postings(Protocol):
    """What the state remembers of a flow's messages."""

    def begun(self, odoo_ids: Collection[int]) -> Mapping[int, Sequence[Posting]]:
        """The messages that were begun, by Odoo id."""

    def begun_as(self, keys: Collection[str]) -> Mapping[str, Sequence[Posting]]:
        """The messages that were begun, by key."""

    def begin(self, odoo_id: int, key: str, look_since: datetime | None) -> None:
        """Remembers a message before it is posted."""

    def done(self, odoo_id: int, key: str) -> None:
        """Remembers that a message got through."""


class SentState(Protocol):
    """The state, as one flow sees it in one run."""

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        """Remembers a chunk, all of it or nothing."""
