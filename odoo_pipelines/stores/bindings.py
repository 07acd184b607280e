"""Records and what they are bound to in Odoo: statements for use inside a transaction of the state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg2
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import ARRAY

from odoo_pipelines.errors import RowCountError
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import insert_rows, unnested
from odoo_pipelines.systems.records import Binding, Key, Record

_TABLE = tables.record
_KEY = ("integration", "entity", "external_id")
_PLACE = ("entity", "external_id", "model", "odoo_id")
_FIELDS = (*_PLACE, "hash", "base", "updated_at", "seen_at", "inside")  # as in Record
_VERSION = ("hash", "updated_at", "seen_at", "inside")  # as in Binding
_ONE_TO_ONE = "record_odoo_id_key"


def select_bindings(
    connection: Connection, integration: str, entity: str, external_ids: Iterable[str]
) -> dict[str, Binding]:
    """Bindings of one entity by external id."""
    query = sa.select(_TABLE.c.external_id, _TABLE.c.odoo_id, *(_TABLE.c[name] for name in _VERSION)).where(
        _TABLE.c.integration == integration,
        _TABLE.c.entity == entity,
        _TABLE.c.external_id == sa.any_(sa.literal(list(external_ids), ARRAY(sa.Text))),
    )
    return {
        external_id: Binding(odoo_id, agreed, utc(updated_at), utc(seen_at), inside)
        for external_id, odoo_id, agreed, updated_at, seen_at, inside in connection.execute(query)
    }


def select_records(connection: Connection, integration: str, keys: Iterable[Key]) -> dict[Key, Record]:
    """Records of any entities by key."""
    pairs = [{"entity": entity, "external_id": external_id} for entity, external_id in keys]
    wanted = unnested(pairs, [_TABLE.c.entity, _TABLE.c.external_id], "wanted")
    query = (
        sa.select(*(_TABLE.c[name] for name in _FIELDS))
        .join(wanted, sa.and_(_TABLE.c.entity == wanted.c.entity, _TABLE.c.external_id == wanted.c.external_id))
        .where(_TABLE.c.integration == integration)
    )
    return {
        (row.entity, row.external_id): Record(
            **{**row._asdict(), "updated_at": utc(row.updated_at), "seen_at": utc(row.seen_at)}
        )
        for row in connection.execute(query)
    }


def upsert_records(connection: Connection, integration: str, run_id: str, records: Sequence[Record]) -> None:
    """Keeps records as they are now; of several with one key, the last.

    An older binding to the same Odoo record ends: the engine has just seen whose that record is. After Odoo was
    replaced or restored, bindings of before would block the new ones for ever.

    Raises:
        RowCountError: two of these records are bound to one Odoo record.
    """
    newest = {record.key: record for record in records}
    if not newest:
        return
    _require_own_places(newest.values())
    new = insert_rows(_TABLE, newest.values(), _FIELDS, {"integration": integration, "run_id": run_id})
    changed = {name: new.excluded[name] for name in (*_FIELDS, "run_id") if name not in _KEY}
    upsert = new.on_conflict_do_update(index_elements=_KEY, set_={**changed, "synced_at": sa.func.now()})
    if not _done_one_to_one(connection, upsert):
        _end_other_bindings(connection, integration, newest.values())
        connection.execute(upsert)


def _done_one_to_one(connection: Connection, upsert: sa.Insert) -> bool:
    """Whether no other record was bound to one of the Odoo records; else nothing was done.

    That is so rare that the index is asked, and not every chunk beforehand.
    """
    try:
        with connection.begin_nested():
            connection.execute(upsert)
    except sa.exc.IntegrityError as error:
        if not isinstance(error.orig, psycopg2.Error) or error.orig.diag.constraint_name != _ONE_TO_ONE:
            raise
        return False
    return True


def _require_own_places(records: Iterable[Record]) -> None:
    owners: dict[tuple[str, int], Record] = {}
    for record in records:
        other = owners.setdefault((record.model, record.odoo_id), record)
        if other is not record:
            raise RowCountError(f"two records are bound to one Odoo record: {record.model} {record.odoo_id}")


def _end_other_bindings(connection: Connection, integration: str, records: Iterable[Record]) -> None:
    taken = unnested(records, [_TABLE.c[name] for name in _PLACE], "taken")
    other = sa.or_(_TABLE.c.entity != taken.c.entity, _TABLE.c.external_id != taken.c.external_id)
    same = sa.and_(_TABLE.c.model == taken.c.model, _TABLE.c.odoo_id == taken.c.odoo_id)
    connection.execute(sa.delete(_TABLE).where(_TABLE.c.integration == integration, same, other))


def select_owners(connection: Connection, integration: str, model: str, odoo_ids: Iterable[int]) -> dict[int, Key]:
    """Keys by the Odoo id that they are bound to."""
    query = sa.select(_TABLE.c.odoo_id, _TABLE.c.entity, _TABLE.c.external_id).where(
        _TABLE.c.integration == integration,
        _TABLE.c.model == model,
        _TABLE.c.odoo_id == sa.any_(sa.literal(list(odoo_ids), ARRAY(sa.BigInteger))),
    )
    return {odoo_id: (entity, external_id) for odoo_id, entity, external_id in connection.execute(query)}


def count_records(connection: Connection, integration: str, model: str) -> int:
    """Number of records of a model."""
    mine = (_TABLE.c.integration == integration, _TABLE.c.model == model)
    return int(connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one())
