"""Batch files are complete or not there, and need no memory to speak of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odoo_pipelines.errors import BatchStoreError, UnreadableBatchError
from odoo_pipelines.stores.batches import ROWS_PER_GROUP, BatchStore, _failures

COLUMNS: dict[str, pa.DataType] = {"number": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema(COLUMNS)


@pytest.fixture
def store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path)


def write(store: BatchStore, path: str, rows: list[dict[str, Any]]) -> None:
    with store.writer(path, SCHEMA) as writer:
        writer.write(rows)


def files_below(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_rows_are_read_in_chunks_in_the_order_in_which_they_were_written(store: BatchStore) -> None:
    numbers = range(2 * ROWS_PER_GROUP + 1)
    with store.writer("a.parquet", SCHEMA) as writer:
        for number in numbers:
            writer.write([{"number": number, "text": str(number)}])
    assert writer.rows == len(numbers)
    chunks = list(store.rows("a.parquet", 700))
    assert [row["number"] for chunk in chunks for row in chunk] == list(numbers)
    assert max(len(chunk) for chunk in chunks) <= 700


def test_rows_are_found_by_external_id_in_the_order_in_which_they_were_written(store: BatchStore) -> None:
    numbers = range(2 * ROWS_PER_GROUP + 1)
    columns: dict[str, pa.DataType] = {"external_id": pa.string(), "number": pa.int64()}
    with store.writer("a.parquet", pa.schema(columns)) as writer:
        for number in numbers:
            writer.write([{"external_id": str(number % 7_000) if number else None, "number": number}])
    assert [*store.select("a.parquet", ["3", "6999", "none"])] == [
        {"external_id": "3", "number": 3},
        {"external_id": "6999", "number": 6_999},
        {"external_id": "3", "number": 7_003},
    ]
    assert [*store.select("a.parquet", [])] == []


def test_rows_are_grouped_and_compressed(store: BatchStore, tmp_path: Path) -> None:
    write(store, "a.parquet", [{"number": number} for number in range(ROWS_PER_GROUP + 1)])
    described = pq.read_metadata(tmp_path / "a.parquet")
    assert [described.row_group(index).num_rows for index in range(described.num_row_groups)] == [ROWS_PER_GROUP, 1]
    assert described.row_group(0).column(0).compression == "ZSTD"


def test_a_batch_without_rows_can_be_written_and_read(store: BatchStore) -> None:
    write(store, "a.parquet", [])
    assert list(store.rows("a.parquet", 10)) == []


def test_a_file_has_its_name_only_when_it_is_complete(store: BatchStore, tmp_path: Path) -> None:
    with store.writer("bookings/a.parquet", SCHEMA) as writer:
        writer.write([{"number": 1}])
        assert not (tmp_path / "bookings/a.parquet").exists()
    assert files_below(tmp_path) == ["bookings/a.parquet"]


def test_a_failure_while_writing_leaves_nothing(store: BatchStore, tmp_path: Path) -> None:
    def broken_source() -> None:
        with store.writer("a.parquet", SCHEMA) as writer:
            writer.write([{"number": 1}])
            raise ConnectionError("the source broke off")

    with pytest.raises(ConnectionError, match="the source broke off"):
        broken_source()
    assert files_below(tmp_path) == []


def test_a_killed_writer_leaves_no_file_under_the_real_name(tmp_path: Path) -> None:
    program = f"""
import os, pyarrow as pa
from odoo_pipelines.stores.batches import BatchStore
with BatchStore({str(tmp_path)!r}).writer("a.parquet", pa.schema([("number", pa.int64())])) as writer:
    writer.write([{{"number": 1}}])
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9  # noqa: S603
    assert files_below(tmp_path) == ["a.parquet.part"]


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the system call fails in the same place."""
    program = f"""
import resource, signal, pyarrow as pa
from odoo_pipelines.errors import BatchStoreError
from odoo_pipelines.stores.batches import BatchStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
schema = pa.schema([("text", pa.string())])
try:
    with BatchStore({str(tmp_path)!r}).writer("a.parquet", schema) as writer:
        for number in range(20_000):
            writer.write([{{"text": str(hash(str(number)))}}])
except BatchStoreError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603
    assert done.stdout == (
        "batch a.parquet cannot be written: File too large (ODOO_PIPELINES_DATA says where batches are)\n"
    )
    assert files_below(tmp_path) == []


def test_a_root_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    store = BatchStore(tmp_path / "taken")
    with pytest.raises(BatchStoreError, match=r"batch a\.parquet cannot be written: "):
        write(store, "a.parquet", [])


def test_a_file_that_is_gone_is_a_clear_error(store: BatchStore) -> None:
    with pytest.raises(BatchStoreError, match=r"batch a\.parquet cannot be read: No such file"):
        list(store.rows("a.parquet", 10))


def test_a_damaged_file_is_a_clear_error(store: BatchStore, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(BatchStoreError, match=r"batch a\.parquet cannot be read: "):
        list(store.rows("a.parquet", 10))


def test_every_attempt_has_a_path_of_its_own(store: BatchStore) -> None:
    paths = {store.path_for("hotel", "external", "bookings", "2026-01-01", "run-1") for _ in range(3)}
    assert len(paths) == 3
    assert all(path.startswith("hotel/external/bookings/2026-01-01/run-1-") for path in paths)


def test_a_name_cannot_lead_out_of_the_root(store: BatchStore) -> None:
    assert store.path_for("..", "external", "a/b", "", "run-1").startswith("%2E%2E/external/a%2Fb/run-1-")


def test_other_file_systems_are_named_by_a_url() -> None:
    store = BatchStore("memory://batches")
    write(store, "hotel/a.parquet", [{"number": 1, "text": "x"}])
    assert list(store.rows("hotel/a.parquet", 10)) == [[{"number": 1, "text": "x"}]]


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    program = f"""
import resource, pyarrow as pa
from odoo_pipelines.stores.batches import BatchStore

store = BatchStore({str(tmp_path)!r})
schema = pa.schema([("number", pa.int64()), ("payload", pa.string())])

def peak_in_megabytes(rows):
    with store.writer("a.parquet", schema) as writer:
        for number in range(rows):
            writer.write([{{"number": number, "payload": f"{{number:01000d}}"}}])
    assert sum(len(chunk) for chunk in store.rows("a.parquet", 500)) == rows
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

few = peak_in_megabytes(15_000)
print(peak_in_megabytes(120_000) - few)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603
    assert float(done.stdout) < 30, "120 MB of rows went through"


IDS = pa.schema({"external_id": pa.string()})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError(2, "No such file"), UnreadableBatchError),
        (PermissionError(13, "Permission denied"), UnreadableBatchError),
        (pa.ArrowInvalid("Parquet magic bytes not found"), UnreadableBatchError),
        (OSError("Corrupt snappy compressed data"), UnreadableBatchError),
        (OSError(5, "Input/output error"), BatchStoreError),
        (OSError(110, "Connection timed out"), BatchStoreError),
        (TimeoutError("no answer"), BatchStoreError),
        (ConnectionResetError("reset"), BatchStoreError),
    ],
)
def test_a_file_that_is_lost_is_told_from_a_storage_that_does_not_answer(
    error: Exception, kind: type[BatchStoreError]
) -> None:
    with pytest.raises(BatchStoreError) as caught, _failures("read", "a.parquet"):
        raise error
    assert type(caught.value) is kind


def test_a_file_is_examined_by_its_footer_or_as_a_whole(tmp_path: Path) -> None:
    store = BatchStore(tmp_path)
    with store.writer("a.parquet", IDS) as writer:
        writer.write([{"external_id": str(number)} for number in range(1000)])
    assert store.examine("a.parquet", IDS, whole=True) == 1000

    with pytest.raises(UnreadableBatchError, match="lacks the columns payload"):
        store.examine("a.parquet", pa.schema({"payload": pa.string()}))

    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:60] = bytes(56)
    (tmp_path / "a.parquet").write_bytes(content)
    assert store.examine("a.parquet", IDS) == 1000
    with pytest.raises(UnreadableBatchError):
        store.examine("a.parquet", IDS, whole=True)
