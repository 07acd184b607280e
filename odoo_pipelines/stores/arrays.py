"""Many rows in one statement: as arrays that PostgreSQL unnests, which is several times faster than row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql.dml import Insert


def unnested(rows: Iterable[Mapping[str, Any]], columns: Sequence[sa.Column[Any]], name: str) -> sa.TableValuedAlias:
    """The rows as a table of that name, with the columns' names and types."""
    listed = list(rows)
    arrays = [
        sa.cast(sa.literal([row[column.name] for row in listed], array), array)
        for column in columns
        for array in [ARRAY(column.type, dimensions=1)]
    ]
    described = [sa.column(column.name, column.type) for column in columns]
    return sa.func.unnest(*arrays).table_valued(*described).render_derived(name=name)


def insert_rows(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """An insert of all rows, which carry the same columns; the others get their defaults."""
    columns = [table.c[name] for name in rows[0]]
    new = unnested(rows, columns, "new")
    return insert(table).from_select([column.name for column in columns], sa.select(*new.c))
