"""Retention removes what nobody asks for any more, and nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.retention import retention
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.inbox import Inbox, NewEvent
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.records import BY_ID, REPLAY, Batch, Outcome
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.stores.builders import RUN, a_batch, a_record, an_outcome, commit, rows_of

SCHEMA = pa.schema([("id", pa.string())])
OLD, YOUNG = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days) for days in (31, 29))


class Attic:
    """Batches with their files, of any age."""

    def __init__(self, state: State, engine: sa.Engine, store: BatchStore) -> None:
        self._state = state
        self._engine = engine
        self.store = store

    def batch(self, file: str, at: dt.datetime, **changes: object) -> Batch:
        path = f"{file}.parquet"
        with self.store.writer(path, SCHEMA) as writer:
            writer.write([{"id": file}])
        batch = self._state.register(a_batch(path, **changes))
        self.age(tables.batch, "created_at", at, tables.batch.c.id == batch.id)
        return batch

    def age(self, table: sa.Table, column: str, at: dt.datetime, *where: sa.ColumnElement[bool]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(*where).values({column: at}))

    def known(self) -> list[Batch]:
        return self._state.batches("hotel", "external", ["bookings"])

    def readable(self, batch: Batch) -> bool:
        return bool([*self.store.rows(batch.path, 10)])


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> Path:
    unset_all(monkeypatch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)
    return tmp_path


@pytest.fixture
def attic(home: Path, state: State, engine: sa.Engine) -> Attic:
    return Attic(state, engine, BatchStore(home / "data"))


def clean(instance: dg.DagsterInstance | None = None) -> None:
    assert retention.execute_in_process(instance=instance).success


def test_batches_before_a_complete_one_go_with_their_files_when_they_are_old(attic: Attic, home: Path) -> None:
    replaced = attic.batch("replaced", OLD)
    young = attic.batch("young", YOUNG)
    complete = attic.batch("complete", OLD, complete=True)
    later = attic.batch("later", OLD)
    elsewhere = attic.batch("elsewhere", OLD, partition="2026-04-01")
    clean()
    kept = [young, complete, later, elsewhere]
    assert attic.known() == kept
    assert all(attic.readable(batch) for batch in kept)
    assert not (home / "data" / replaced.path).exists()


def test_the_newest_complete_batch_stays_however_old_it_is_and_ends_the_one_before(attic: Attic) -> None:
    attic.batch("first", OLD, complete=True)
    newest = attic.batch("newest", OLD, complete=True)
    clean()
    assert attic.known() == [newest]
    assert attic.readable(newest)


def test_replay_batches_go_when_they_are_old_and_done(attic: Attic, state: State) -> None:
    done, waiting, young = (
        attic.batch(name, at, layer="mapped", name="guests", partition=REPLAY)
        for name, at in (("done", OLD), ("waiting", OLD), ("young", YOUNG))
    )
    for batch in (done, young):
        state.register(batch, consumer="odoo/res_partner", consumed=[batch.id])
    clean()
    assert state.batches("hotel", "mapped", ["guests"]) == [waiting, young]


def test_batches_of_single_records_go_when_they_are_old_and_every_mapping_has_done_them(
    attic: Attic, state: State
) -> None:
    mappings = ["mapped/orders", "mapped/partners"]
    done, waiting = (attic.batch(name, OLD, partition=BY_ID) for name in ("done", "waiting"))
    for batch, consumers in ((done, mappings), (waiting, mappings[:1])):
        state.register(batch, awaited_by=mappings)
        for consumer in consumers:
            state.done(consumer, [batch.id])
    clean()
    assert attic.known() == [waiting]


def test_a_batch_whose_file_went_before_a_crash_is_forgotten_by_the_next_run(attic: Attic) -> None:
    replaced = attic.batch("replaced", OLD)
    complete = attic.batch("complete", OLD, complete=True)
    attic.store.remove(replaced.path)
    clean()
    assert attic.known() == [complete]


def test_the_limit_is_a_setting(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    attic.batch("young", YOUNG)
    complete = attic.batch("complete", YOUNG, complete=True)
    monkeypatch.setenv("ODOO_PIPELINES_RETENTION_DAYS", "7")
    clean()
    assert attic.known() == [complete]


@pytest.mark.usefixtures("home")
def test_old_outcomes_go_and_what_both_sides_agreed_on_stays(state: State, engine: sa.Engine, attic: Attic) -> None:
    state.start(RUN, "delta")
    refused = an_outcome("8", Outcome.REJECTED, field="name", code="bad", reason="is bad", payload="{}")
    commit(state, RUN, an_outcome("7", Outcome.CREATED), refused, records=(a_record(),))
    attic.age(tables.outcome, "at", OLD, tables.outcome.c.external_id == "7")
    attic.age(tables.record, "synced_at", OLD)
    attic.age(tables.dead_letter, "last_at", OLD)
    clean()
    assert rows_of(engine, "select external_id from odoo_pipelines.outcome") == [{"external_id": "8"}]
    assert state.record_count("hotel", "res.partner") == 1
    assert len(state.letters(LetterFilter("hotel", "guests"))) == 1
    assert state.run_counts(RUN.run_id)["guests"].by_outcome[Outcome.CREATED] == 1


@pytest.mark.usefixtures("home")
def test_old_events_go_when_they_are_done_or_dead(engine: sa.Engine, attic: Attic) -> None:
    inbox = Inbox(engine)
    for number, state in enumerate(("done", "done", "dead", "pending")):
        inbox.store([NewEvent("hotel", f"id:{number}", "booking.updated", "{}", state=state)])
    attic.age(tables.webhook_event, "finished_at", OLD, tables.webhook_event.c.event_key != "id:1")
    clean()
    assert inbox.states("hotel") == {"done": 1, "pending": 1}


@pytest.mark.usefixtures("home")
def test_records_that_vanished_long_ago_lose_their_values_and_keep_their_link(
    attic: Attic, state: State, engine: sa.Engine
) -> None:
    state.start(RUN, "full")
    outcomes = [an_outcome(each, Outcome.CREATED) for each in "789"]
    commit(state, RUN, *outcomes, records=tuple(a_record(each, int(each)) for each in "789"))
    state.mark_vanished("hotel", "guest", ["7", "8"])
    attic.age(tables.record, "vanished_at", OLD, tables.record.c.external_id == "7")
    clean()
    kept = rows_of(
        engine, "select external_id, odoo_id, base <> '{}' as has_base from odoo_pipelines.record order by 1"
    )
    assert [(each["external_id"], each["odoo_id"], each["has_base"]) for each in kept] == [
        ("7", 7, False),
        ("8", 8, True),
        ("9", 9, True),
    ]


@pytest.mark.usefixtures("home")
def test_old_runs_go_when_they_have_ended() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ids = {
            (status, age): run_of(instance, status, age)
            for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED)
            for age in ("2020-01-01 00:00:00.000000", "2999-01-01 00:00:00.000000")
        }
        clean(instance)
        left = {run.run_id for run in instance.get_runs()}
        gone = {key for key, run_id in ids.items() if run_id not in left}
    assert gone == {
        (status, "2020-01-01 00:00:00.000000") for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    }


def run_of(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, created: str) -> str:
    """A run that was created at a time."""
    run = instance.create_run_for_job(retention, status=status)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sa.text("update runs set create_timestamp = :created where run_id = :run"),
            {"created": created, "run": run.run_id},
        )
    return run.run_id
