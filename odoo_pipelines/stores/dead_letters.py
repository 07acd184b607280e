"""Rows that did not get through, until they do: statements for use inside a transaction of the state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.arrays import insert_rows, unnested
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import Key, Outcome, RowOutcome

_TABLE = tables.dead_letter
_THROUGH = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that was rejected and has not got through since.

    Attributes:
        entity: kind of external record.
        external_id: its id there; "" where it could not be read.
        payload: JSON text of the newest rejected version.
        field: at fault.
        code: short, stable, free of personal data.
        reason: the whole sentence, never for a log.
        transient: a later run may succeed without anybody changing the row.
        attempts: how often it was rejected.
        first_at: when it was rejected first, UTC.
        last_at: when it was rejected last, UTC.
        run_id: Dagster run that rejected it last.
    """

    entity: str
    external_id: str
    payload: str
    field: str
    code: str
    reason: str
    transient: bool
    attempts: int
    first_at: datetime
    last_at: datetime
    run_id: str


def settle(connection: Connection, integration: str, flow: str, run_id: str, outcomes: Sequence[RowOutcome]) -> None:
    """Keeps the rejected rows of a chunk and drops the letters of those that went through; the last outcome counts."""
    last = {(row.entity, letter_key(row)): row for row in outcomes}
    through = [key for key, row in last.items() if row.outcome in _THROUGH]
    rejected = {key: row for key, row in last.items() if row.outcome is Outcome.REJECTED}
    if through:
        _delete(connection, integration, flow, through)
    if rejected:
        _upsert(connection, integration, flow, run_id, rejected)


def letter_key(row: RowOutcome) -> str:
    """The external id, or where none could be read, the payload's SHA-256."""
    if row.external_id:
        return storable(row.external_id)
    return hashlib.sha256(row.payload.encode("utf-8", "surrogatepass")).hexdigest()


def select_dead_letters(connection: Connection, integration: str, flow: str) -> list[DeadLetter]:
    """Rows of a flow that did not get through yet, longest waiting first."""
    columns = [_TABLE.c[name] for name in DeadLetter.__slots__]
    query = sa.select(*columns).where(_TABLE.c.integration == integration, _TABLE.c.flow == flow)
    rows = connection.execute(query.order_by(_TABLE.c.first_at, _TABLE.c.entity, _TABLE.c.key))
    return [_letter(row._asdict()) for row in rows]


def _delete(connection: Connection, integration: str, flow: str, keys: Iterable[Key]) -> None:
    letters = [{"entity": entity, "key": key} for entity, key in keys]
    gone = unnested(letters, [_TABLE.c.entity, _TABLE.c.key], "gone")
    connection.execute(
        sa.delete(_TABLE).where(
            _TABLE.c.integration == integration,
            _TABLE.c.flow == flow,
            _TABLE.c.entity == gone.c.entity,
            _TABLE.c.key == gone.c.key,
        )
    )


def _upsert(connection: Connection, integration: str, flow: str, run_id: str, rejected: dict[Key, RowOutcome]) -> None:
    rows = [
        {"integration": integration, "flow": flow, "run_id": run_id, "key": key, "attempts": 1, **_values(row)}
        for (_, key), row in rejected.items()
    ]
    new = insert_rows(_TABLE, rows)
    newest = {name: new.excluded[name] for name in ("payload", "code", "field", "reason", "transient", "run_id")}
    changed = {**newest, "attempts": _TABLE.c.attempts + 1, "last_at": sa.func.now()}
    connection.execute(new.on_conflict_do_update(constraint=_TABLE.primary_key, set_=changed))


def _values(row: RowOutcome) -> dict[str, Any]:
    return {
        "entity": row.entity,
        "external_id": storable(row.external_id),
        "payload": storable(row.payload),
        "code": row.code,
        "field": storable(row.field),
        "reason": storable(row.reason),
        "transient": row.transient,
    }


def _letter(values: dict[str, Any]) -> DeadLetter:
    return DeadLetter(**{**values, "first_at": utc(values["first_at"]), "last_at": utc(values["last_at"])})
