"""Stores of a dry run: they work as ever, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from odoo_pipelines.stores.batches import BatchStore, BatchWriter
from odoo_pipelines.stores.transactions import transaction


class Savepoints:
    """Transactions inside one transaction, one at a time: for a `State` whose work is rolled back as a whole.

    Args:
        connection: with the outer transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A savepoint: kept until the end of the outer transaction, or rolled back at once if the block fails."""
        with self._lock, self._connection.begin_nested():
            yield self._connection


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Savepoints]:
    """What is written inside is seen inside only, and gone afterwards.

    Raises:
        StateError: the database failed.
    """
    with transaction(engine) as connection:
        try:
            # The server must not end a transaction that only waits for the external system.
            connection.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
            yield Savepoints(connection)
        finally:
            connection.rollback()


@contextmanager
def temporary_batches(root: str | Path) -> Iterator[BatchStore]:
    """The batch files below a root; those that are written inside are elsewhere, and gone afterwards."""
    with TemporaryDirectory(prefix="odoo-pipelines-dry-run-") as folder:
        yield _Aside(root, folder)


class _Aside(BatchStore):
    def __init__(self, root: str | Path, folder: str) -> None:
        super().__init__(root)
        self._aside = BatchStore(folder)
        self._written: set[str] = set()

    @contextmanager
    def writer(self, path: str, schema: pa.Schema) -> Iterator[BatchWriter]:
        self._written.add(path)
        with self._aside.writer(path, schema) as writer:
            yield writer

    @contextmanager
    def parquet(self, path: str) -> Iterator[pq.ParquetFile]:
        written = path in self._written
        with self._aside.parquet(path) if written else super().parquet(path) as parquet:
            yield parquet
