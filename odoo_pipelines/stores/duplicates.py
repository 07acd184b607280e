"""Records of Odoo that may be the same as one that was made: notes for people; statements for use in a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.errors import DuplicateNoteError
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import insert_rows, unnested
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import RowOutcome

_TABLE = tables.possible_duplicate
_RECORD = tables.record
_KEY = ("integration", "entity", "external_id", "candidate_id")


@dataclass(frozen=True, slots=True)
class DuplicateNote:
    """A note as the state keeps it; it holds ids and no personal data.

    Attributes:
        id: number, by which it is dismissed.
        integration: name.
        flow: name.
        entity: kind of external record.
        external_id: its id there.
        model: Odoo model.
        odoo_id: of its own record.
        candidate_id: of the record that may be the same.
        code: why it was not adopted.
        run_id: Dagster run that met it last.
        first_at: when it was met first, UTC.
        last_at: when it was met last, UTC.
    """

    id: int
    integration: str
    flow: str
    entity: str
    external_id: str
    model: str
    odoo_id: int
    candidate_id: int
    code: str
    run_id: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which notes are meant; None takes all. Those that were dismissed are never meant.

    Attributes:
        integration: name.
        flow: name.
        entity: kind of external record.
        external_id: its id there.
    """

    integration: str | None = None
    flow: str | None = None
    entity: str | None = None
    external_id: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL: of notes whose record is still the one that they were made for."""
        equal = {name: getattr(self, name) for name in ("integration", "flow", "entity", "external_id")}
        wanted = [_TABLE.c[name] == value for name, value in equal.items() if value is not None]
        return [*wanted, _TABLE.c.dismissed_at.is_(None), _still_bound()]


def settle(connection: Connection, integration: str, flow: str, run_id: str, outcomes: Sequence[RowOutcome]) -> None:
    """Keeps the notes of a chunk; one that is known, and perhaps dismissed, stays what it is."""
    found = {
        (row.entity, row.external_id, each.candidate_id): {
            "entity": row.entity,
            "external_id": storable(row.external_id),
            "model": each.model,
            "odoo_id": each.odoo_id,
            "candidate_id": each.candidate_id,
            "code": each.code,
        }
        for row in outcomes
        for each in row.duplicates
    }
    rows = list(found.values())
    if not rows:
        return
    new = insert_rows(_TABLE, rows, rows[0], {"integration": integration, "flow": flow, "run_id": run_id})
    newest = {name: new.excluded[name] for name in (*rows[0], "run_id", "flow") if name not in _KEY}
    connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_={**newest, "last_at": sa.func.now()}))


def select_notes(connection: Connection, wanted: NoteFilter, limit: int | None = None) -> list[DuplicateNote]:
    """Notes, oldest first."""
    columns = [_TABLE.c[name] for name in DuplicateNote.__slots__]
    query = sa.select(*columns).where(*wanted.conditions()).order_by(_TABLE.c.first_at, _TABLE.c.id).limit(limit)
    return [_note(row) for row in connection.execute(query)]


def dismiss(connection: Connection, note_ids: Iterable[int]) -> None:
    """Takes notes from the list for good.

    Raises:
        DuplicateNoteError: there is no such note.
    """
    wanted = set(note_ids)
    update = sa.update(_TABLE).where(_TABLE.c.id.in_(sorted(wanted)))
    known = connection.scalars(update.values(dismissed_at=sa.func.now()).returning(_TABLE.c.id))
    if unknown := sorted(wanted - set(known)):
        message = f"there is no note {unknown[0]}; `odoo-pipelines duplicates list` shows them all"
        raise DuplicateNoteError(message)


def delete_notes(connection: Connection, integration: str, model: str, gone: Iterable[int]) -> None:
    """Deletes notes that say nothing any more: about records that are gone, or for one that is bound to another.

    Args:
        connection: in a transaction.
        integration: name.
        model: of the records.
        gone: ids of records that Odoo has no more.
    """
    ids = [{"odoo_id": each} for each in gone]
    dead = unnested(ids, [_TABLE.c.odoo_id], "dead")
    either = sa.or_(
        _TABLE.c.odoo_id.in_(sa.select(dead.c.odoo_id)), _TABLE.c.candidate_id.in_(sa.select(dead.c.odoo_id))
    )
    ours = (_TABLE.c.integration == integration, _TABLE.c.model == model)
    connection.execute(sa.delete(_TABLE).where(*ours, sa.or_(either, sa.not_(_still_bound()))))


def select_noted_ids(connection: Connection, integration: str, model: str) -> list[int]:
    """Ids of all records that notes are about."""
    ours = (_TABLE.c.integration == integration, _TABLE.c.model == model)
    ids = sa.union(*(sa.select(_TABLE.c[name]).where(*ours) for name in ("odoo_id", "candidate_id")))
    return sorted(connection.scalars(ids))


def _still_bound() -> sa.ColumnElement[bool]:
    names = ("integration", "entity", "external_id", "odoo_id")
    return sa.exists().where(*(_RECORD.c[name] == _TABLE.c[name] for name in names))


def _note(row: sa.Row[Any]) -> DuplicateNote:
    values = row._asdict()
    return DuplicateNote(**{**values, **{name: utc(values[name]) for name in ("first_at", "last_at")}})
