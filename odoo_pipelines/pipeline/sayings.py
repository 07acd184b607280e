"""What records say of others inside them, such as a booking of its guest, held against what they have said before.

A booking changes when its status does; the guest inside it may be the one of years ago. Only a record that says
something else than before brings news of the record inside. What it said is remembered in the transaction in which the
mapped batch is registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from odoo_pipelines.pipeline.consumers import load_consumer
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.rows import row_hash
from odoo_pipelines.systems.base import Flow, MappedRow, RejectedRow
from odoo_pipelines.systems.records import Batch, Key, Said


class Sayings:
    """What the rows of one mapping say, and what was said before.

    Args:
        session: of the run.
        flow: that is mapped. While a batch of an earlier run waits to be loaded, nothing is taken for a repetition: a
            new batch may replace that one, and the news in it.
    """

    def __init__(self, session: Session, flow: Flow) -> None:
        self._session = session
        waiting = session.state.pending(session.integration.name, "mapped", [flow.name], load_consumer(flow))
        self._awaited = any(batch.run_id != session.run_id for batch in waiting)
        self._news: dict[tuple[str, str, Key], Said] = {}

    def compared(self, batch: Batch, rows: Iterable[MappedRow | RejectedRow]) -> list[MappedRow | RejectedRow]:
        """The rows of a part of an extracted batch, with those marked that say nothing new."""
        every = list(rows)
        inside = [row for row in every if isinstance(row, MappedRow) and row.inside]
        if not inside:
            return every
        holder = self._session.system.entity_of(batch.name)
        holders = list({row.inside for row in inside})
        said = self._session.state.said(self._session.integration.name, holder, holders)
        silent = [each for each in holders if each not in said]
        known = self._known(holder, silent) if silent and not batch.complete else frozenset()
        return [
            self._compared(batch, holder, row, said.get(row.inside, {}), known)
            if isinstance(row, MappedRow) and row.inside
            else row
            for row in every
        ]

    def news(self) -> Mapping[str, Sequence[Said]]:
        """What is to be remembered, by kind of the records that say it."""
        found: dict[str, list[Said]] = {}
        for (holder, _, _), each in self._news.items():
            found.setdefault(holder, []).append(each)
        return found

    def _known(self, holder: str, ids: Sequence[str]) -> frozenset[str]:
        """Those that an older version of this program has loaded, and did not note what they said, nor when."""
        known = self._session.state.bindings(self._session.integration.name, holder, ids)
        return frozenset(each for each, binding in known.items() if binding.seen_at is None)

    def _compared(
        self, batch: Batch, holder: str, row: MappedRow, said: Mapping[Key, Said], known: frozenset[str]
    ) -> MappedRow:
        row = replace(row, hash=row_hash(row))
        place = (holder, row.inside, row.key)
        before = self._news.get(place) or said.get(row.key)
        if before is not None and before.hash == row.hash:
            repeated = row.inside in known or (before.batch_id < batch.id and not self._awaited)
            return replace(row, updated_at=before.since, repeated=repeated)
        if before is None or before.batch_id <= batch.id:
            since = row.updated_at or row.seen_at
            self._news[place] = Said(row.inside, *row.key, row.hash, since, batch.id)
        return replace(row, repeated=before is None and row.inside in known)
