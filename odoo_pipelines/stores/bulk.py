"""Many rows in one statement: as one JSON array that PostgreSQL unnests, several times faster than row by row.

Written by orjson and sent as one parameter, which costs the client a tenth of what an array for each column does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.dialects.postgresql.dml import Insert


def unnested(rows: Iterable[object], columns: Iterable[sa.Column[Any]], name: str) -> sa.TableValuedAlias:
    """The rows as a table of that name, with the columns' names and types.

    Args:
        rows: mappings or dataclasses; what they hold besides the columns is left out.
        columns: that the table gets.
        name: of the table.
    """
    described = [sa.column(column.name, column.type) for column in columns]
    records = sa.func.jsonb_to_recordset(sa.cast(sa.literal(document_of(rows), sa.Text), JSONB))
    return records.table_valued(*described).render_derived(name=name, with_types=True)


def document_of(rows: Iterable[object]) -> str:
    """The JSON array that is sent."""
    return orjson.dumps(list(rows)).decode()


def insert_rows(table: sa.Table, rows: Iterable[object], names: Iterable[str], same: Mapping[str, Any]) -> Insert:
    """An insert of many rows; columns that are not named get their defaults.

    Args:
        table: where they go.
        rows: mappings or dataclasses.
        names: columns that the rows carry.
        same: values of columns that are the same in all rows; they are sent once.
    """
    new = unnested(rows, [table.c[name] for name in names], "new")
    constants = {name: sa.literal(value, table.c[name].type) for name, value in same.items()}
    return insert(table).from_select([*names, *constants], sa.select(*new.c, *constants.values()))
