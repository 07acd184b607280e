"""Stores of a dry run: what is written is there for the run itself, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import BatchStoreError, RowCountError
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.dry_run import rolled_back, temporary_batches
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import Batch, Counts

RUN = RunRef("run", "pms", "orders")
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
SCHEMA = pa.schema([("id", pa.int64())])


def batch(path: str) -> Batch:
    return Batch(0, "pms", "external", "bookings", "2026-11-01", "run", path, 1, MOMENT)


@pytest.fixture
def dry_run(engine: sa.Engine) -> Iterator[State]:
    """The state of a dry run."""
    with rolled_back(engine) as savepoints:
        yield State(savepoints)


def test_the_run_sees_what_it_wrote_and_nobody_else_does(engine: sa.Engine, state: State) -> None:
    state.register(batch("before"))
    with rolled_back(engine) as savepoints:
        dry_run = State(savepoints)
        dry_run.register(batch("inside"), watermark=("bookings", MOMENT))
        assert [each.path for each in dry_run.batches("pms", "external", ["bookings"])] == ["before", "inside"]
        assert dry_run.watermark("pms", "bookings") == MOMENT
        assert state.watermark("pms", "bookings") is None
    assert [each.path for each in state.batches("pms", "external", ["bookings"])] == ["before"]
    assert state.watermark("pms", "bookings") is None


def test_a_failed_transaction_is_rolled_back_alone(dry_run: State) -> None:
    with pytest.raises(RowCountError):
        dry_run.commit_chunk(RUN, [], [], Counts())
    dry_run.start(RUN, "delta")
    assert dry_run.run_counts("run")["orders"] == Counts()


def test_an_error_in_the_run_takes_everything_back(engine: sa.Engine, state: State) -> None:
    def fail(dry_run: State) -> None:
        dry_run.register(batch("inside"))
        raise KeyError

    with pytest.raises(KeyError), rolled_back(engine) as savepoints:
        fail(State(savepoints))
    assert state.batches("pms", "external", ["bookings"]) == []


def test_threads_take_turns(dry_run: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = [each.id for each in pool.map(lambda number: dry_run.register(batch(f"{number}")), range(40))]
    assert len(set(ids)) == len(dry_run.batches("pms", "external", ["bookings"])) == 40


def test_the_server_does_not_end_a_run_that_waits_for_the_external_system(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        name = connection.scalar(sa.text("select current_database()"))
        connection.execute(sa.text(f'alter database "{name}" set idle_in_transaction_session_timeout = 1000'))
    engine.dispose()
    with rolled_back(engine) as savepoints, savepoints.begin() as connection:
        assert connection.scalar(sa.text("show idle_in_transaction_session_timeout")) == "0"


def test_batches_are_read_from_both_places_and_written_beside(tmp_path: Path) -> None:
    kept = BatchStore(tmp_path)
    with kept.writer("old.parquet", SCHEMA) as writer:
        writer.write([{"id": 1}])
    with temporary_batches(tmp_path) as store:
        with store.writer("folder/new.parquet", SCHEMA) as writer:
            writer.write([{"id": 2}])
        assert [*store.rows("old.parquet", 10), *store.rows("folder/new.parquet", 10)] == [[{"id": 1}], [{"id": 2}]]
        assert [store.row_count("old.parquet"), store.row_count("folder/new.parquet")] == [1, 1]
        with pytest.raises(BatchStoreError):
            list(kept.rows("folder/new.parquet", 10))
    assert [path.name for path in tmp_path.rglob("*")] == ["old.parquet"]
    with pytest.raises(BatchStoreError):
        list(store.rows("folder/new.parquet", 10))
