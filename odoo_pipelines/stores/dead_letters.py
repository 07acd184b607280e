"""Rows that did not get through, until they do: statements for use inside a transaction of the state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import insert_rows, unnested
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import Key, Outcome, RowOutcome

PAUSES = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))
"""Before each further try of a row that may get through by itself."""
PATIENCE = timedelta(hours=24)
"""From the first rejection to the last try."""

_TABLE = tables.dead_letter
_OVER = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.CONFLICT})
"""A conflict waits among the conflicts. A superseded row tells nothing: its letter is a newer row's."""
_WAITS = {"next_try": sa.null()}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that was rejected and has not got through since.

    Attributes:
        integration: name.
        flow: name.
        entity: kind of external record.
        key: the external id, or where none could be read, the payload's SHA-256.
        external_id: its id in the external system; "" where it could not be read.
        payload: JSON text of the newest rejected version.
        field: at fault.
        code: short, stable, free of personal data.
        reason: the whole sentence, never for a log.
        transient: a later run may succeed without anybody changing the row.
        attempts: how often it was rejected.
        first_at: when it was rejected first, UTC.
        last_at: when it was rejected last, UTC.
        next_try: when it is tried again by itself, UTC; None: it waits for a person.
        run_id: Dagster run that rejected it last.
    """

    integration: str
    flow: str
    entity: str
    key: str
    external_id: str
    payload: str
    field: str
    code: str
    reason: str
    transient: bool
    attempts: int
    first_at: datetime
    last_at: datetime
    next_try: datetime | None
    run_id: str

    @property
    def record(self) -> Key:
        """Entity and key: what tells it apart from the other letters of its flow."""
        return self.entity, self.key


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters are meant; None takes all.

    Attributes:
        integration: name.
        flow: name.
        entity: kind of external record.
        key: the external id, or where none could be read, the payload's SHA-256.
        code: class of error.
        due: only those whose next try has come.
        limit: at most so many.
    """

    integration: str | None = None
    flow: str | None = None
    entity: str | None = None
    key: str | None = None
    code: str | None = None
    due: bool = False
    limit: int | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL, but for the limit."""
        equal = {name: getattr(self, name) for name in ("integration", "flow", "entity", "key", "code")}
        wanted = [_TABLE.c[name] == value for name, value in equal.items() if value is not None]
        return [*wanted, _TABLE.c.next_try <= sa.func.now()] if self.due else wanted


def next_try(first_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When a row is tried again that may get through by itself; None when it was tried often or long enough.

    Args:
        first_at: when it was rejected first.
        attempts: how often it was rejected.
        now: when it was rejected last.
    """
    if attempts > len(PAUSES):
        return None
    at = now + PAUSES[attempts - 1]
    return at if at <= first_at + PATIENCE else None


def settle(connection: Connection, integration: str, flow: str, run_id: str, outcomes: Sequence[RowOutcome]) -> None:
    """Keeps the rejected rows of a chunk and drops the letters of those that went through; the last outcome counts."""
    last = {(row.entity, letter_key(row)): row for row in outcomes}
    rejected = {key: row for key, row in last.items() if row.outcome is Outcome.REJECTED}
    over = [key for key, row in last.items() if row.outcome in _OVER]
    former = [(row.entity, storable(each)) for row in outcomes for each in row.former]
    delete_letters(connection, integration, flow, [*over, *former])
    if rejected:
        _upsert(connection, integration, flow, run_id, rejected)


def letter_key(row: RowOutcome) -> str:
    """The external id, or where none could be read, the payload's SHA-256."""
    if row.external_id:
        return storable(row.external_id)
    return hashlib.sha256(row.payload.encode("utf-8", "surrogatepass")).hexdigest()


def select_dead_letters(connection: Connection, wanted: LetterFilter) -> list[DeadLetter]:
    """Rows that did not get through yet, longest waiting first."""
    columns = [_TABLE.c[name] for name in DeadLetter.__slots__]
    query = sa.select(*columns).where(*wanted.conditions())
    rows = connection.execute(query.order_by(_TABLE.c.first_at, _TABLE.c.entity, _TABLE.c.key).limit(wanted.limit))
    return [_letter(row._asdict()) for row in rows]


def count_letters(connection: Connection, wanted: LetterFilter) -> dict[str, int]:
    """How many letters there are of each class."""
    query = sa.select(_TABLE.c.code, sa.func.count()).where(*wanted.conditions())
    return dict(connection.execute(query.group_by(_TABLE.c.code).order_by(_TABLE.c.code)).tuples().all())


def request_replay(connection: Connection, wanted: LetterFilter) -> int:
    """Makes letters due at once, and returns how many."""
    return connection.execute(sa.update(_TABLE).where(*wanted.conditions()).values(next_try=sa.func.now())).rowcount


def leave_to_a_person(connection: Connection, integration: str, flow: str, keys: Iterable[Key]) -> None:
    """Tries letters no more by themselves."""
    connection.execute(sa.update(_TABLE).where(*_named(integration, flow, keys)).values(_WAITS))


def delete_letters(connection: Connection, integration: str, flow: str, keys: Sequence[Key]) -> None:
    """Drops the letters of rows that are through."""
    if keys:
        connection.execute(sa.delete(_TABLE).where(*_named(integration, flow, keys)))


def _named(integration: str, flow: str, keys: Iterable[Key]) -> list[sa.ColumnElement[bool]]:
    named = _keys(keys)
    same = (_TABLE.c.entity == named.c.entity, _TABLE.c.key == named.c.key)
    return [_TABLE.c.integration == integration, _TABLE.c.flow == flow, *same]


def _keys(keys: Iterable[Key]) -> sa.TableValuedAlias:
    pairs = [{"entity": entity, "key": key} for entity, key in keys]
    return unnested(pairs, [_TABLE.c.entity, _TABLE.c.key], "named")


def _upsert(connection: Connection, integration: str, flow: str, run_id: str, rejected: dict[Key, RowOutcome]) -> None:
    known = _histories(connection, integration, flow, rejected)
    now = connection.execute(sa.select(sa.func.now())).scalar_one()
    rows = []
    for key, row in rejected.items():
        before, first_at = known.get(key, (0, now))
        again = next_try(first_at, before + 1, now) if row.transient else None
        when = {"attempts": before + 1, "first_at": first_at, "last_at": now, "next_try": again}
        rows.append({"key": key[1], **_values(row), **when})
    new = insert_rows(_TABLE, rows, rows[0], {"integration": integration, "flow": flow, "run_id": run_id})
    changed = {name: new.excluded[name] for name in (*rows[0], "run_id") if name not in _TABLE.primary_key.columns}
    connection.execute(new.on_conflict_do_update(constraint=_TABLE.primary_key, set_=changed))


def _histories(
    connection: Connection, integration: str, flow: str, keys: Iterable[Key]
) -> Mapping[Key, tuple[int, datetime]]:
    """By letter, how often it was rejected before, and when first."""
    columns = (_TABLE.c.entity, _TABLE.c.key, _TABLE.c.attempts, _TABLE.c.first_at)
    found = connection.execute(sa.select(*columns).where(*_named(integration, flow, keys)))
    return {(entity, key): (attempts, first_at) for entity, key, attempts, first_at in found}


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
    return DeadLetter(**{**values, **{name: utc(values[name]) for name in ("first_at", "last_at", "next_try")}})
