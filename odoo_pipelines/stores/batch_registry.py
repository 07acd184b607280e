"""Batches, who has done them, and watermarks: statements for use inside a transaction of the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from odoo_pipelines.stores import tables
from odoo_pipelines.systems.records import Batch, Layer


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


def insert_batch(connection: Connection, batch: Batch) -> Batch:
    """Registers a batch; the same path again gives the id that it has already."""
    table = tables.batch
    names = [column.name for column in table.columns if column.name not in {"id", "created_at"}]
    new = insert(table).values({name: getattr(batch, name) for name in names})
    known = new.on_conflict_do_update(index_elements=[table.c.path], set_={"path": new.excluded.path})
    return replace(batch, id=connection.execute(known.returning(table.c.id)).scalar_one())


def mark_done(connection: Connection, consumer: str, batch_ids: Sequence[int]) -> None:
    """Notes that a consumer has done batches; those it has done before stay so."""
    if batch_ids:
        done = [{"batch_id": batch_id, "consumer": consumer} for batch_id in batch_ids]
        connection.execute(insert(tables.batch_use).on_conflict_do_nothing(), done)


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
    columns = [column for column in table.columns if column.name != "created_at"]
    query = sa.select(*columns).where(table.c.integration == integration, table.c.layer == layer)
    query = query.where(table.c.name.in_(names)).order_by(table.c.id)
    if partitions is not None:
        query = query.where(table.c.partition.in_(partitions))
    if not_done_by is not None:
        use = tables.batch_use
        query = query.where(~sa.exists().where(use.c.batch_id == table.c.id, use.c.consumer == not_done_by))
    return [_batch(row) for row in connection.execute(query)]


def since_complete(batches: Sequence[Batch]) -> list[Batch]:
    """Those that still say something: for each name and partition the last complete batch, and all later ones."""
    first = {(batch.name, batch.partition): batch.id for batch in batches if batch.complete}
    return [batch for batch in batches if batch.id >= first.get((batch.name, batch.partition), 0)]


def select_superseded(connection: Connection, before: datetime) -> list[Batch]:
    """Batches registered before a time whose partition has a later complete batch: nobody reads them any more."""
    table, later = tables.batch, tables.batch.alias("later")
    same = [later.c[name] == table.c[name] for name in ("integration", "layer", "name", "partition")]
    replaced = sa.exists().where(*same, later.c.id > table.c.id, later.c.complete)
    columns = [column for column in table.columns if column.name != "created_at"]
    query = sa.select(*columns).where(table.c.created_at < before, replaced).order_by(table.c.id)
    return [_batch(row) for row in connection.execute(query)]


def delete_batches(connection: Connection, batch_ids: Sequence[int]) -> None:
    """Forgets batches, and who has done them."""
    connection.execute(sa.delete(tables.batch).where(tables.batch.c.id.in_(batch_ids)))


def _batch(row: sa.Row[tuple[object, ...]]) -> Batch:
    values = row._asdict()
    return Batch(**{**values, "newest": utc(values["newest"])})
