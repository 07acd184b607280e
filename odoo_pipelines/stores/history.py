"""The history of one record: which runs touched it, and what it is bound to; statements inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import select_batches_of, utc
from odoo_pipelines.systems.records import Batch

_OUTCOME = tables.outcome
_RUN = tables.sync_run
_RECORD = tables.record


@dataclass(frozen=True, slots=True)
class Touch:
    """What one run did with the record; unchanged rows leave one only if their warnings are new.

    Attributes:
        at: when it was done, UTC.
        run_id: Dagster run.
        mode: such as delta or full.
        flow: name.
        attempt: of the run at the flow, from 1.
        outcome: one of the six.
        weight: extracted rows that it counts for; 0 for what was done because the record had vanished.
        field: at fault.
        code: short and stable.
        reason: the whole sentence; may hold personal data.
        warnings: values that were dropped.
        changes: values that were written: field, before, after, policy.
    """

    at: datetime
    run_id: str
    mode: str
    flow: str
    attempt: int
    outcome: str
    weight: int
    field: str
    code: str
    reason: str
    warnings: list[str]
    changes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BoundRecord:
    """What the record is bound to now; the attributes are the columns of the table `record`."""

    model: str
    odoo_id: int
    hash: str
    base: dict[str, Any]
    updated_at: datetime | None
    run_id: str
    synced_at: datetime | None
    vanished_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """All that the state knows of one record.

    Attributes:
        touches: oldest first.
        record: its binding; None where it has none.
        batches: mapped batches of the runs that touched it, whose files may be gone.
    """

    touches: list[Touch]
    record: BoundRecord | None
    batches: list[Batch]


def select_history(connection: Connection, integration: str, entity: str, external_id: str) -> History:
    """The history of one record, as far back as outcomes are kept."""
    touches = _touches(connection, integration, entity, external_id)
    runs = sorted({touch.run_id for touch in touches})
    batches = select_batches_of(connection, integration, "mapped", runs) if runs else []
    return History(touches, _bound(connection, integration, entity, external_id), batches)


def _touches(connection: Connection, integration: str, entity: str, external_id: str) -> list[Touch]:
    same_run = [_RUN.c[name] == _OUTCOME.c[name] for name in ("run_id", "integration", "flow")]
    mode = sa.func.coalesce(_RUN.c.mode, "").label("mode")
    columns = [mode if name == "mode" else _OUTCOME.c[name] for name in Touch.__slots__]
    query = sa.select(*columns).outerjoin_from(_OUTCOME, _RUN, sa.and_(*same_run)).order_by(_OUTCOME.c.id)
    rows = connection.execute(query.where(*_is(_OUTCOME, integration, entity, external_id)))
    return [Touch(**_in_utc(row, "at")) for row in rows]


def _bound(connection: Connection, integration: str, entity: str, external_id: str) -> BoundRecord | None:
    query = sa.select(*(_RECORD.c[name] for name in BoundRecord.__slots__))
    row = connection.execute(query.where(*_is(_RECORD, integration, entity, external_id))).first()
    return None if row is None else BoundRecord(**_in_utc(row, "updated_at", "synced_at", "vanished_at"))


def _is(table: sa.Table, integration: str, entity: str, external_id: str) -> Sequence[sa.ColumnElement[bool]]:
    return table.c.integration == integration, table.c.entity == entity, table.c.external_id == external_id


def _in_utc(row: sa.Row[Any], *names: str) -> dict[str, Any]:
    values = row._asdict()
    return {**values, **{name: utc(values[name]) for name in names}}
