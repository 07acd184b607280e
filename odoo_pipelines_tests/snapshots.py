"""What a stand-in of Odoo and the state hold at one moment, to go on from again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO

import sqlalchemy as sa

from odoo_pipelines.stores.tables import SCHEMA, metadata
from odoo_pipelines_sandbox.odoo.store import Database, Row

TABLES = [table.fullname for table in metadata.sorted_tables]
LAST_NUMBERS = sa.text(
    "select sequencename, last_value from pg_sequences where schemaname = :schema and last_value is not null"
).bindparams(schema=SCHEMA)
COUNT_ON = sa.text(
    "select setval(format('%I.%I', cast(:schema as text), cast(:name as text))::regclass, :number)"
).bindparams(schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class OdooSnapshot:
    """The database of a stand-in.

    Attributes:
        tables: rows and the next id, by model; the rows themselves are shared, for nobody changes one in its place.
        sequences: numbers that were given.
    """

    tables: Mapping[str, tuple[Mapping[int, Row], int]]
    sequences: Mapping[str, int]

    @classmethod
    def of(cls, odoo: Database) -> OdooSnapshot:
        """Keeps what a database holds."""
        tables = {model: (dict(table.rows), table._next_id) for model, table in odoo._tables.items()}
        return cls(tables, dict(odoo._sequences))

    def restore(self, odoo: Database) -> None:
        """Replaces all that a database of the same models holds."""
        odoo._sequences = dict(self.sequences)
        for model, (rows, next_id) in self.tables.items():
            table = odoo.table(model)
            table.rows, table._next_id, table._indexes = dict(rows), next_id, {}


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """The state.

    Attributes:
        tables: rows as COPY writes them, by table; none of empty ones.
        sequences: numbers that were given.
    """

    tables: Mapping[str, str]
    sequences: Mapping[str, int]

    @classmethod
    def of(cls, engine: sa.Engine) -> StateSnapshot:
        """Keeps what a database holds."""
        with engine.begin() as connection:
            found = {table: _copied(connection, table) for table in TABLES}
            sequences = {row.sequencename: row.last_value for row in connection.execute(LAST_NUMBERS)}
        return cls({table: rows for table, rows in found.items() if rows}, sequences)

    def restore(self, engine: sa.Engine) -> None:
        """Fills an empty database."""
        with engine.begin() as connection:
            cursor = connection.connection.cursor()
            for table, rows in self.tables.items():
                cursor.copy_expert(f"copy {table} from stdin", StringIO(rows))
            for name, number in self.sequences.items():
                connection.execute(COUNT_ON, {"name": name, "number": number})


def _copied(connection: sa.Connection, table: str) -> str:
    rows = StringIO()
    connection.connection.cursor().copy_expert(f"copy {table} to stdout", rows)
    return rows.getvalue()
