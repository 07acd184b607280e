"""Batches: immutable Parquet files, on a local disk or wherever fsspec reaches (s3://, gs://, abfs://...).

A file has its name only when it is complete; a run that dies while writing leaves a temporary one that nobody reads.
On a local disk nobody but the owner may enter the folders or read the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, get_args
from urllib.parse import quote
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from odoo_pipelines.errors import BatchStoreError, UnreadableBatchError
from odoo_pipelines.stores.private_files import close_tree, is_open, make_file, make_folder
from odoo_pipelines.systems.records import WHOLE, Layer

ROWS_PER_GROUP = 5_000
"""Rows that are held in memory while writing, and the unit in which a file is read."""
_TEMPORARY = ".part"
_EXTERNAL_ID = "external_id"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BatchWriter:
    """Takes the rows of one batch and groups them, so that memory does not grow with their number.

    Attributes:
        rows: how many it was given.
    """

    def __init__(self, path: str, file: BinaryIO, schema: pa.Schema) -> None:
        self.rows = 0
        self._path = path
        self._schema = schema
        self._parquet = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[Mapping[str, Any]] = []

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows, as dicts by column name; columns that a row lacks are null.

        Raises:
            BatchStoreError: the file cannot be written, as on a full disk.
        """
        self.rows += len(rows)
        self._waiting.extend(rows)
        while len(self._waiting) >= ROWS_PER_GROUP:
            self._write_group(self._waiting[:ROWS_PER_GROUP])
            del self._waiting[:ROWS_PER_GROUP]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Writes what is left, and the footer, if all went well."""
        try:
            if error is None:
                self._close()
        finally:
            self._parquet.is_open = False  # a footer that failed would be tried again when this object goes

    def _close(self) -> None:
        if self._waiting:
            self._write_group(self._waiting)
            self._waiting = []
        with _failures("written", self._path):
            self._parquet.close()

    def _write_group(self, rows: list[Mapping[str, Any]]) -> None:
        table = pa.Table.from_pylist(rows, schema=self._schema)
        with _failures("written", self._path):
            self._parquet.write_table(table)


class BatchStore:
    """All batch files below one root.

    Args:
        root: a path or an fsspec URL; made when the first file is written.
    """

    def __init__(self, root: str | Path) -> None:
        self._files, self._root = fsspec.url_to_fs(str(root))
        self._local = Path(self._root) if isinstance(self._files, LocalFileSystem) else None
        self._earlier_closed = False

    def path_for(self, integration: str, layer: Layer, name: str, partition: str, run_id: str) -> str:
        """A new path below the root; every call gives another one, so that no attempt overwrites another's file."""
        folders = [integration, layer, name, *([partition] if partition != WHOLE else [])]
        file = f"{run_id}-{uuid4().hex[:8]}.parquet"
        return "/".join([*(quote(folder, safe="").replace(".", "%2E") for folder in folders), file])

    @contextmanager
    def writer(self, path: str, schema: pa.Schema) -> Iterator[BatchWriter]:
        """Writes one file, which appears under its name when the block ends well, and not at all otherwise.

        Raises:
            BatchStoreError: the file cannot be written, as on a full disk.
        """
        complete = f"{self._root}/{path}"
        temporary = complete + _TEMPORARY
        with _failures("written", path):
            self._prepare(complete, temporary)
            file = self._files.open(temporary, "wb")
        try:
            with _failures("written", path):
                writer = BatchWriter(path, file, schema)
            with writer:
                yield writer
            with _failures("written", path):
                self._publish(file, temporary, complete)
        except BaseException:
            self._discard(file, temporary)
            raise

    def rows(self, path: str, chunk: int, columns: list[str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Reads one file in lists of at most `chunk` rows, with all or some columns; its size takes no memory.

        Raises:
            BatchStoreError: the file is gone or cannot be read.
        """
        with self.parquet(path) as parquet:
            for batch in parquet.iter_batches(batch_size=chunk, columns=columns, use_threads=False):
                yield _row_dicts(batch)

    def row_count(self, path: str) -> int:
        """How many rows the file says that it has, in its footer.

        Raises:
            BatchStoreError: the file is gone or cannot be read.
        """
        with self.parquet(path) as parquet:
            return int(parquet.metadata.num_rows)

    def examine(self, path: str, columns: pa.Schema, *, whole: bool = False) -> int:
        """Makes sure that a file can be read, and tells how many rows it holds.

        Args:
            path: of the file.
            columns: that it must have, with their types; others do not matter.
            whole: reads all of it, not only the footer.

        Raises:
            UnreadableBatchError: it is gone, damaged, closed to this account, or has other columns.
            BatchStoreError: the storage could not be asked.
        """
        with self.parquet(path) as parquet:
            found = parquet.schema_arrow
            wrong = [each.name for each in columns if each.name not in found.names or found.field(each.name) != each]
            if wrong:
                raise UnreadableBatchError(f"batch {path} cannot be read: it lacks the columns {', '.join(wrong)}")
            rows = int(parquet.metadata.num_rows)
            if whole and rows != sum(len(each) for each in parquet.iter_batches(use_threads=False)):
                raise UnreadableBatchError(f"batch {path} cannot be read: it does not hold the {rows} rows it promises")
            return rows

    def select(self, path: str, external_ids: Collection[str]) -> Iterator[dict[str, Any]]:
        """Rows of one file with any of these external ids; of the others nothing but the id is read.

        Raises:
            BatchStoreError: the file is gone or cannot be read.
        """
        wanted = pa.array(external_ids, pa.string())
        with self.parquet(path) as parquet:
            for group in range(parquet.num_row_groups):
                ids = parquet.read_row_group(group, [_EXTERNAL_ID], use_threads=False)[_EXTERNAL_ID]
                found = pc.is_in(ids, value_set=wanted)
                if pc.any(found).as_py():
                    for batch in parquet.read_row_group(group, use_threads=False).filter(found).to_batches():
                        yield from _row_dicts(batch)

    @contextmanager
    def parquet(self, path: str) -> Iterator[pq.ParquetFile]:
        """One file, open for reading.

        Raises:
            BatchStoreError: it is gone or cannot be read.
        """
        with _failures("read", path), self._files.open(f"{self._root}/{path}", "rb") as file:
            yield pq.ParquetFile(file, pre_buffer=False)

    def rewrite(self, path: str, changed: Callable[[pa.Table], pa.Table | None]) -> None:
        """Puts another file in the place of one, with as many rows; a reader sees the one or the other.

        Args:
            path: of the file.
            changed: gives the new rows of a group; None where they stay.

        Raises:
            BatchStoreError: the file is gone, cannot be read or cannot be written.
        """
        complete = f"{self._root}/{path}"
        temporary = complete + _TEMPORARY
        with self.parquet(path) as parquet:
            with _failures("written", path):
                self._prepare(complete, temporary)
                file = self._files.open(temporary, "wb")
            try:
                with _failures("written", path):
                    with pq.ParquetWriter(file, parquet.schema_arrow, compression="zstd") as writer:
                        for group in self._groups(parquet):
                            new = changed(group)
                            writer.write_table(group if new is None else new)
                    self._publish(file, temporary, complete)
            except BaseException:
                self._discard(file, temporary)
                raise

    def exists(self, path: str) -> bool:
        """Whether a file is there.

        Raises:
            BatchStoreError: that cannot be told.
        """
        with _failures("looked for", path):
            return bool(self._files.exists(f"{self._root}/{path}"))

    def groups(self, path: str) -> Iterator[pa.Table]:
        """Reads one file in the groups in which it was written, with all columns.

        Raises:
            BatchStoreError: the file is gone or cannot be read.
        """
        with self.parquet(path) as parquet:
            yield from self._groups(parquet)

    @staticmethod
    def _groups(parquet: pq.ParquetFile) -> Iterator[pa.Table]:
        for number in range(parquet.num_row_groups):
            yield parquet.read_row_group(number, use_threads=False)

    def remove(self, path: str) -> None:
        """Removes one file; one that is gone already is no error.

        Raises:
            BatchStoreError: it cannot be removed.
        """
        with _failures("removed", path), suppress(FileNotFoundError):
            self._files.rm(f"{self._root}/{path}")

    def own_folders(self) -> list[Path]:
        """Folders on a local disk that hold batches and nothing else: the root, or some of those in it.

        Raises:
            BatchStoreError: a folder cannot be looked into.
        """
        if self._local is None or not self._local.exists():
            return []
        with _failures("looked for", str(self._local)):
            return _own_folders(self._local)

    def _prepare(self, complete: str, temporary: str) -> None:
        """Makes the folders, and on a local disk the file, closed to others before anything is in it."""
        folder = complete.rpartition("/")[0]
        if self._local is None:
            self._files.makedirs(folder, exist_ok=True)
            return
        if not self._earlier_closed:
            _close_earlier(self._local)
            self._earlier_closed = True
        below = self._local
        if not below.exists():
            make_folder(below)
        for name in Path(folder).relative_to(below).parts:
            below /= name
            make_folder(below)
        make_file(Path(temporary))

    def _publish(self, file: BinaryIO, temporary: str, complete: str) -> None:
        """Gives the file its name when its content is safe: the state will vouch for it, even after a power cut."""
        if self._local is not None:
            file.flush()
            os.fsync(file.fileno())
        file.close()
        self._files.mv(temporary, complete)
        if self._local is not None:
            _sync_folder(complete.rpartition("/")[0])

    def _discard(self, file: BinaryIO, temporary: str) -> None:
        """The error that brought us here is the one to be told; on a full disk, closing fails too."""
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            self._files.rm(temporary)


def _row_dicts(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    names, columns = batch.schema.names, [_python_values(column) for column in batch.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _python_values(column: pa.Array[Any]) -> list[Any]:
    """Times by plain arithmetic: Arrow's own way takes ten times as long, and a third of all reading."""
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    microseconds = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return [None if value is None else _EPOCH + timedelta(microseconds=value) for value in microseconds]


@contextmanager
def _failures(verb: str, path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        cause = getattr(error, "strerror", None) or error
        message = f"batch {path} cannot be {verb}: {cause} (ODOO_PIPELINES_DATA says where batches are)"
        kind = UnreadableBatchError if verb == "read" and _is_of_the_file(error) else BatchStoreError
        raise kind(message) from error


def _is_of_the_file(error: OSError | pa.ArrowException) -> bool:
    """Whether it is the file's own fault, and not that of a storage which may answer tomorrow.

    Arrow tells of damaged pages by an OSError without a number.
    """
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError):
        return True
    if isinstance(error, OSError) and not isinstance(error, pa.ArrowException):
        return error.errno is None and not isinstance(error, ConnectionError | TimeoutError)
    return True


def _close_earlier(root: Path) -> None:
    """Closes what an earlier version left open; the root itself only if it holds nothing but batches."""
    for folder in _own_folders(root) if root.exists() else ():
        if is_open(folder):
            close_tree(folder)


def _own_folders(root: Path) -> list[Path]:
    entries = list(root.iterdir())
    own = [each for each in entries if each.is_dir() and not each.is_symlink() and _holds_layers_only(each)]
    return [root] if len(own) == len(entries) else own


def _holds_layers_only(folder: Path) -> bool:
    names = {each.name for each in folder.iterdir()}
    return bool(names) and names <= set(get_args(Layer))


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
