"""What records last said of others inside them: statements for use inside a transaction of the state."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import ARRAY

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import insert_rows
from odoo_pipelines.systems.records import Key, Said

_TABLE = tables.said
_FIELDS = ("holder", "entity", "external_id", "hash", "since", "batch_id")  # as in Said


def select(
    connection: Connection, integration: str, holder_entity: str, holders: Sequence[str]
) -> dict[str, dict[Key, Said]]:
    """By holder, what it said, by the key of the record inside."""
    query = sa.select(*(_TABLE.c[name] for name in _FIELDS)).where(
        _TABLE.c.integration == integration,
        _TABLE.c.holder_entity == holder_entity,
        _TABLE.c.holder == sa.any_(sa.literal(list(holders), ARRAY(sa.Text))),
    )
    found: dict[str, dict[Key, Said]] = {}
    for row in connection.execute(query):
        said = Said(**{**row._asdict(), "since": utc(row.since)})
        found.setdefault(said.holder, {})[said.key] = said
    return found


def upsert(connection: Connection, integration: str, holder_entity: str, said: Sequence[Said]) -> None:
    """Keeps what is said now; an older version never takes the place of a newer one."""
    if not said:
        return
    new = insert_rows(_TABLE, said, _FIELDS, {"integration": integration, "holder_entity": holder_entity})
    changed = {name: new.excluded[name] for name in ("hash", "since", "batch_id")}
    newer = new.excluded.batch_id >= _TABLE.c.batch_id
    connection.execute(new.on_conflict_do_update(constraint=_TABLE.primary_key, set_=changed, where=newer))
