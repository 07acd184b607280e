"""Batches, who has done them, and watermarks: statements for use inside a transaction of the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from odoo_pipelines.stores import tables
from odoo_pipelines.systems.records import BY_ID, REPLAY, Batch, Layer

_USE = tables.batch_use
_COLUMNS = [column for column in tables.batch.columns if column.name != "created_at"]


_WALK = timedelta(days=1)
"""Longer than any walk takes: what was changed before a walk began is in its batches."""


def utc(value: datetime | None) -> datetime | None:
    """The same instant in UTC, whatever time zone the database session prints."""
    return None if value is None else value.astimezone(UTC)


def watermark_of(connection: Connection, integration: str, stream: str) -> datetime | None:
    """Newest change time that is safely in a batch."""
    table = tables.watermark
    query = sa.select(table.c.value).where(table.c.integration == integration, table.c.stream == stream)
    return utc(connection.scalar(query))


def move_watermark(connection: Connection, integration: str, stream: str, value: datetime) -> None:
    """Moves a watermark forward; a lower value changes nothing."""
    table = tables.watermark
    new = insert(table).values(integration=integration, stream=stream, value=value)
    moved = {"value": new.excluded.value, "moved_at": sa.func.now()}
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[table.c.integration, table.c.stream],
            set_=moved,
            where=new.excluded.value > table.c.value,
        )
    )


def bring_back_watermark(
    connection: Connection, integration: str, stream: str, now: datetime, tolerance: timedelta
) -> datetime | None:
    """Brings a watermark of the future back to before it was moved there; what it was then, None if it was none."""
    table = tables.watermark
    of_stream = (table.c.integration == integration, table.c.stream == stream)
    row = connection.execute(sa.select(table.c.value, table.c.moved_at).where(*of_stream).with_for_update()).first()
    if row is None or row.value <= now + tolerance:
        return None
    back = min(row.moved_at, now) - _WALK
    connection.execute(sa.update(table).where(*of_stream).values(value=back, moved_at=sa.func.now()))
    return utc(row.value)


def insert_batch(connection: Connection, batch: Batch) -> Batch:
    """Registers a batch; the same path again gives the id that it has already."""
    table = tables.batch
    names = [column.name for column in table.columns if column.name not in {"id", "created_at"}]
    new = insert(table).values({name: getattr(batch, name) for name in names})
    known = new.on_conflict_do_update(index_elements=[table.c.path], set_={"path": new.excluded.path})
    return replace(batch, id=connection.execute(known.returning(table.c.id)).scalar_one())


def mark_begun(connection: Connection, consumer: str, batch_ids: Sequence[int]) -> None:
    """Notes that a consumer begins with batches: whether it has done them before or not, they are to be done now."""
    if batch_ids:
        new = insert(_USE).values([{"batch_id": batch_id, "consumer": consumer} for batch_id in batch_ids])
        again = {"started_at": sa.func.now(), "done_at": None}
        connection.execute(new.on_conflict_do_update(constraint=_USE.primary_key, set_=again))


def mark_done(connection: Connection, consumer: str, batch_ids: Sequence[int]) -> None:
    """Notes that a consumer has done batches; of those it has done before the first time stays."""
    if batch_ids:
        now = sa.func.now()
        new = insert(_USE).values([{"batch_id": each, "consumer": consumer, "done_at": now} for each in batch_ids])
        first = {"done_at": sa.func.coalesce(_USE.c.done_at, new.excluded.done_at)}
        connection.execute(new.on_conflict_do_update(constraint=_USE.primary_key, set_=first))


def select_batches(
    connection: Connection,
    integration: str,
    layer: Layer,
    names: Sequence[str],
    partitions: Sequence[str] | None,
    *,
    not_done_by: str | None = None,
) -> list[Batch]:
    """Batches, oldest first; all of them, or those that a consumer has still to do."""
    table = tables.batch
    query = _in_layer(integration, layer).where(table.c.name.in_(names))
    if partitions is not None:
        query = query.where(table.c.partition.in_(partitions))
    if not_done_by is not None:
        use = sa.and_(_USE.c.batch_id == table.c.id, _USE.c.consumer == not_done_by)
        query = query.add_columns(_USE.c.batch_id.is_not(None).label("begun")).outerjoin(_USE, use)
        query = query.where(_USE.c.done_at.is_(None))
    return [_batch(row) for row in connection.execute(query)]


def select_batches_of(connection: Connection, integration: str, layer: Layer, run_ids: Sequence[str]) -> list[Batch]:
    """Batches that some runs wrote, oldest first."""
    query = _in_layer(integration, layer).where(tables.batch.c.run_id.in_(run_ids))
    return [_batch(row) for row in connection.execute(query)]


def select_all(connection: Connection, integration: str) -> list[Batch]:
    """Every batch of an integration, oldest first."""
    table = tables.batch
    query = sa.select(*_COLUMNS).where(table.c.integration == integration).order_by(table.c.id)
    return [_batch(row) for row in connection.execute(query)]


def since_complete(batches: Sequence[Batch]) -> list[Batch]:
    """Those that still say something: for each name and partition the last complete batch, and all later ones.

    Those that were begun stay, too: a load that died has written some of their values, which must be recognised.
    """
    first = {(batch.name, batch.partition): batch.id for batch in batches if batch.complete}
    return [batch for batch in batches if batch.begun or batch.id >= first.get((batch.name, batch.partition), 0)]


def select_superseded(connection: Connection, before: datetime) -> list[Batch]:
    """Batches registered before a time that say nothing more.

    A later complete one does, or they were for once: a replay, or fetched by id. Those that anybody has still to do,
    or began with, stay.
    """
    table, later = tables.batch, tables.batch.alias("later")
    same = [later.c[name] == table.c[name] for name in ("integration", "layer", "name", "partition")]
    replaced = sa.exists().where(*same, later.c.id > table.c.id, later.c.complete)
    begun = sa.exists().where(_USE.c.batch_id == table.c.id, _USE.c.done_at.is_(None))
    done = sa.exists().where(_USE.c.batch_id == table.c.id, _USE.c.done_at.is_not(None))
    needless = sa.or_(replaced, sa.and_(table.c.partition.in_([REPLAY, BY_ID]), done))
    query = sa.select(*_COLUMNS).where(table.c.created_at < before, needless, ~begun).order_by(table.c.id)
    return [_batch(row) for row in connection.execute(query)]


def delete_batches(connection: Connection, batch_ids: Sequence[int]) -> None:
    """Forgets batches, and who has done them."""
    connection.execute(sa.delete(tables.batch).where(tables.batch.c.id.in_(batch_ids)))


def _in_layer(integration: str, layer: Layer) -> sa.Select[Any]:
    """The batches of a layer, oldest first."""
    table = tables.batch
    query = sa.select(*_COLUMNS).where(table.c.integration == integration, table.c.layer == layer)
    return query.order_by(table.c.id)


def _batch(row: sa.Row[tuple[object, ...]]) -> Batch:
    values = row._asdict()
    records = tuple((entity, external_id) for entity, external_id in values["records"])
    return Batch(**{**values, "newest": utc(values["newest"]), "records": records})
