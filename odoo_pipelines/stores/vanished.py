"""Known records that a run did not carry, and those that are marked as vanished: statements inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import ARRAY

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc

_TABLE = tables.record
_SEEN = sa.Table("seen", sa.MetaData(), sa.Column("external_id", sa.Text), prefixes=["temporary"])
"""Filled by arrays: a million ids take no memory of ours."""


@dataclass(frozen=True, slots=True)
class MissingRecords:
    """The known records of one entity, held against what a run carried.

    Attributes:
        known: how many are not marked as vanished.
        missing: external ids of those of them that the run did not carry.
        still_missing: of those that are marked already, and missing again.
        back: of those that are marked, and were carried.
        checked: the run carried everything; otherwise nothing can be told of what it did not carry.
    """

    known: int = 0
    missing: tuple[str, ...] = ()
    still_missing: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    checked: bool = True

    def as_unknown(self) -> MissingRecords:
        """What a run can tell that has carried a part of everything."""
        return MissingRecords(back=self.back, checked=False)


def empty_old_bases(connection: Connection, before: datetime) -> int:
    """Forgets the values of records that vanished before a time; what they are bound to stays. Returns how many."""
    old = sa.update(_TABLE).where(_TABLE.c.vanished_at < before, _TABLE.c.base != sa.literal({}, _TABLE.c.base.type))
    return connection.execute(old.values(base={}, hash="")).rowcount


@dataclass(frozen=True, slots=True)
class Marked:
    """The records of one entity that are marked as vanished.

    Attributes:
        count: how many.
        since: when the first of them was missed; None if there is none.
        sample: external ids of those that were missed last.
    """

    count: int
    since: datetime | None
    sample: tuple[str, ...]


def find_missing(
    connection: Connection, integration: str, entity: str, seen: Iterable[Sequence[str]]
) -> MissingRecords:
    """Holds the known records of an entity against the ids that a run carried, which come in lists of any length."""
    _SEEN.create(connection)
    for ids in seen:
        connection.execute(sa.insert(_SEEN).from_select(["external_id"], sa.select(sa.func.unnest(_texts(ids)))))
    connection.execute(sa.text("analyze seen"))
    marked = _TABLE.c.vanished_at.is_not(None)
    was_seen = sa.exists().where(_SEEN.c.external_id == _TABLE.c.external_id)
    known = sa.select(sa.func.count()).where(*_of(integration, entity), ~marked)
    missing_records = MissingRecords(
        known=connection.execute(known).scalar_one(),
        missing=_ids(connection, *_of(integration, entity), ~marked, ~was_seen),
        still_missing=_ids(connection, *_of(integration, entity), marked, ~was_seen),
        back=_ids(connection, *_of(integration, entity), marked, was_seen),
    )
    _SEEN.drop(connection)
    return missing_records


def mark(connection: Connection, integration: str, entity: str, external_ids: Sequence[str]) -> None:
    """Marks records as vanished now; those that are marked keep their time."""
    update = sa.update(_TABLE).where(*_among(integration, entity, external_ids), _TABLE.c.vanished_at.is_(None))
    connection.execute(update.values(vanished_at=sa.func.now()))


def unmark(connection: Connection, integration: str, entity: str, external_ids: Sequence[str]) -> None:
    """Takes the mark from records."""
    connection.execute(sa.update(_TABLE).where(*_among(integration, entity, external_ids)).values(vanished_at=None))


def select_marked(connection: Connection, integration: str, entity: str, sample: int) -> Marked:
    """The records of an entity that are marked, with a sample of so many ids."""
    mine = (*_of(integration, entity), _TABLE.c.vanished_at.is_not(None))
    count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(_TABLE.c.vanished_at)).where(*mine)).one()
    newest = sa.select(_TABLE.c.external_id).where(*mine).order_by(_TABLE.c.vanished_at.desc(), _TABLE.c.external_id)
    return Marked(count, utc(since), tuple(connection.scalars(newest.limit(sample))))


def select_among(connection: Connection, integration: str, entity: str, external_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of some ids whose records are marked."""
    return _ids(connection, *_among(integration, entity, external_ids), _TABLE.c.vanished_at.is_not(None))


def _ids(connection: Connection, *conditions: sa.ColumnElement[bool]) -> tuple[str, ...]:
    return tuple(connection.scalars(sa.select(_TABLE.c.external_id).where(*conditions).order_by("external_id")))


def _of(integration: str, entity: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.integration == integration, _TABLE.c.entity == entity


def _among(integration: str, entity: str, external_ids: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return *_of(integration, entity), _TABLE.c.external_id == sa.any_(_texts(external_ids))


def _texts(values: Sequence[str]) -> sa.BindParameter[Sequence[str]]:
    return sa.literal(list(values), ARRAY(sa.Text))
