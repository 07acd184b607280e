"""Many rows in one statement: as one JSON array that PostgreSQL unnests, several times faster than row by row.

Written by orjson and sent as one parameter, which costs the client a tenth of what an array for each column does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.dialects.postgresql.dml import Insert


def unnested(rows: Iterable[Mapping[str, Any]], columns: Sequence[sa.Column[Any]], name: str) -> sa.TableValuedAlias:
    """The rows as a table of that name, with the columns' names and types."""
    # SQLAlchemy's own kind of text is unknown to orjson.
    document = document_of(rows, [str(column.name) for column in columns])
    described = [sa.column(column.name, column.type) for column in columns]
    records = sa.func.jsonb_to_recordset(sa.cast(sa.literal(document, sa.Text), JSONB))
    return records.table_valued(*described).render_derived(name=name, with_types=True)


def document_of(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The JSON array that is sent: of each row the columns of these names."""
    return orjson.dumps([{each: row[each] for each in names} for row in rows]).decode()


def insert_rows(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """An insert of all rows, which carry the same columns; the others get their defaults."""
    columns = [table.c[name] for name in rows[0]]
    new = unnested(rows, columns, "new")
    return insert(table).from_select([column.name for column in columns], sa.select(*new.c))
