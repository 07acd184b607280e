"""Records that the external system's rows know by another key now: what is kept of them goes along with them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.bulk import unnested
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import RowOutcome


def rename(connection: Connection, integration: str, flow: str, outcomes: Iterable[RowOutcome]) -> None:
    """Gives record, conflicts and outcomes the new external id, for those of the outcomes that were renamed."""
    renamed = [
        {"entity": row.entity, "external_id": storable(row.external_id), "field": storable(row.renamed)}
        for row in outcomes
        if row.renamed
    ]
    if not renamed:
        return
    columns = [tables.conflict.c[name] for name in ("entity", "external_id", "field")]
    names = unnested(renamed, columns, "names")
    for table, same in (
        (tables.record, {"integration": integration}),
        (tables.conflict, {"integration": integration, "flow": flow}),
        (tables.outcome, {"integration": integration, "flow": flow}),
    ):
        known = [table.c[name] == value for name, value in same.items()]
        update = sa.update(table).where(
            *known, table.c.entity == names.c.entity, table.c.external_id == names.c.field, ~_is_taken(table, names)
        )
        connection.execute(update.values(external_id=names.c.external_id))


def _is_taken(table: sa.Table, names: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    """Whether something is kept already where only one thing can be."""
    if table is tables.outcome:
        return sa.false()
    other = table.alias("other")
    same = [other.c.integration == table.c.integration, other.c.entity == table.c.entity]
    same.append(other.c.external_id == names.c.external_id)
    if table is tables.conflict:
        waits = ("open", "resolved")
        same += [other.c.flow == table.c.flow, other.c.field == table.c.field]
        same += [other.c.state.in_(waits), table.c.state.in_(waits)]
    return sa.exists().where(*same)
