"""Small things to keep in the state, and the way to look at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import Batch, Counts, Outcome, Record, RowOutcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = RunRef("run-1", "hotel", "guests")
AGAIN = RunRef("run-2", "hotel", "guests")


def a_batch(path: str = "a.parquet", **changes: Any) -> Batch:
    batch = Batch(0, "hotel", "external", "bookings", "2026-03-01", "run-1", path, rows=3, newest=NOON)
    return replace(batch, **changes)


def a_record(external_id: str = "7", odoo_id: int = 70, **changes: Any) -> Record:
    base = {"name": "Zoë", "active": True, "price": 1.5, "tags": [1, 2], "phone": False}
    record = Record("guest", external_id, "res.partner", odoo_id, "h1", base, NOON)
    return replace(record, **changes)


def an_outcome(external_id: str, outcome: Outcome, **changes: Any) -> RowOutcome:
    return RowOutcome("guest", external_id, outcome, **changes)


def counts_of(*outcomes: RowOutcome) -> Counts:
    counts = Counts()
    for each in outcomes:
        counts.add(each.outcome, each.weight)
    return counts


def commit(state: State, run: RunRef, *outcomes: RowOutcome, records: tuple[Record, ...] = ()) -> None:
    state.commit_chunk(run, records, outcomes, counts_of(*outcomes))


def rows_of(engine: sa.Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]
