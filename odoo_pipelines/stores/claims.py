"""The rows of a load, asked by what they hold: who else claims a record that a row is about to be bound to.

Nothing is read until somebody asks, which only happens where Odoo has such records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc

from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.systems.targets import Target

_ENTITY, _EXTERNAL_ID, _ERROR = "entity", "external_id", "error_code"


class BatchClaims:
    """The rows of some mapped batches; safe to use from several threads.

    Args:
        store: where the files are.
        paths: of the batches.
        target: what the rows are for.
    """

    def __init__(self, store: BatchStore, paths: Sequence[str], target: Target) -> None:
        self._store = store
        self._paths = paths
        names = {name for each in target.adoptions for name in (each.name, *(one.value for one in each.proposals))}
        self._fields = sorted(names)
        self._rows: pa.Table | None = None
        self._lock = Lock()

    def holding(
        self, entity: str, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Mapping[str, str | None]]]:
        """External ids and values of an entity's rows that hold one of the wanted values, of each version once.

        Raises:
            BatchStoreError: a file is gone or cannot be read.
        """
        rows = self._distinct_rows()
        holds_any = reduce(
            or_, (pc.field(name).isin(pa.array(sorted(values), pa.string())) for name, values in wanted.items())
        )
        for row in rows.filter(holds_any & (pc.field(_ENTITY) == entity)).to_pylist():
            yield row[_EXTERNAL_ID], row

    def _distinct_rows(self) -> pa.Table:
        """A guest is in each of his bookings: he is kept once, and so are they all in memory."""
        with self._lock:
            if self._rows is None:
                names = [_ENTITY, _EXTERNAL_ID, *self._fields]
                schema = pa.schema([(name, pa.string()) for name in names])
                tables = [schema.empty_table(), *(self._read(path, schema) for path in self._paths)]
                self._rows = pa.concat_tables(tables).group_by(names).aggregate([])
            return self._rows

    def _read(self, path: str, schema: pa.Schema) -> pa.Table:
        with self._store.parquet(path) as parquet:
            there = [name for name in (*schema.names, _ERROR) if name in parquet.schema_arrow.names]
            table = parquet.read(there, use_threads=False)
        table = table.filter(pc.is_null(table[_ERROR]))
        columns = [table[name] if name in there else pa.nulls(len(table), pa.string()) for name in schema.names]
        return pa.table(columns, schema=schema)
