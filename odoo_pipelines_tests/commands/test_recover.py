"""Recovering after a restore, or a loss, of each of the four stores; checked by what the other systems hold."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.command_line import staged_folder
from odoo_pipelines_tests.defs.snapshot import Snapshot
from odoo_pipelines_tests.defs.stage import Stage
from odoo_pipelines_tests.defs.test_posting import booking_of, held, recorded, register
from odoo_pipelines_tests.in_memory import record_in_memory
from odoo_pipelines_tests.snapshots import TABLES, StateSnapshot

A_WHILE = timedelta(minutes=5)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Snapshot], Path]:
    """What a full sync has left behind, once there was one, and the folder for its batches."""
    return [], tmp_path_factory.mktemp("synced") / "data"


@pytest.fixture
def stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    kept: tuple[list[Snapshot], Path],
) -> Iterator[Stage]:
    """An installation, and an Odoo that was filled a while ago."""
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        record_in_memory(tmp_path)
        written = datetime.now(UTC) - A_WHILE
        stage.odoo_server.db._clock = lambda: written
        snapshots, batches = kept
        if snapshots:
            snapshots[0].restore(stage, engine)
        else:
            result = stage.sync("full")
            assert result.success
            snapshots.append(Snapshot.of(stage, engine, result, batches))
        yield stage


def recover(disaster: str, *options: str, code: int = 0) -> dict[str, Any]:
    """What `recover --json` says."""
    result = command_line.run("recover", "--from", disaster, "--json", *(options or ["--yes"]))
    assert result.exit_code == code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@contextmanager
def odoo_restored(stage: Stage) -> Iterator[None]:
    """At the end of the block the stand-in is what it was at its beginning; its clock is not."""
    backup = copy.deepcopy(stage.odoo_server.db._tables)
    yield
    stage.odoo_server.db._tables = backup


@contextmanager
def pms_restored(stage: Stage) -> Iterator[None]:
    """The same of the PMS."""
    backup = copy.deepcopy((stage.pms.sandbox.world, stage.pms.sandbox.ledger))
    yield
    stage.pms.sandbox.world, stage.pms.sandbox.ledger = backup


def orders(stage: Stage) -> dict[str, tuple[Any, ...]]:
    """What people see of the orders."""
    fields = ["x_external_id", "x_sync_key", "client_order_ref", "state", "amount_total", "note"]
    rows = stage.odoo("sale.order", "search_read", domain=[["x_sync_key", "!=", False]], fields=fields)
    return {row["x_sync_key"]: tuple(row[name] for name in fields) for row in rows}


def later(stage: Stage) -> None:
    """What is written from now on has another time than what the full sync wrote."""
    written = stage.odoo_server.db._clock()
    stage.odoo_server.db._clock = lambda: written + A_WHILE


class TestOdoo:
    def test_what_the_backup_lost_is_there_again_and_is_named(self, stage: Stage) -> None:
        with odoo_restored(stage):
            later(stage)
            booking = stage.confirmed()["id"]
            stage.edit(booking, special_requests="A quiet room")
            stage.advance(new_bookings=1)
            assert stage.sync("delta").success
            payment = register(stage, booking_of(stage), 77.0)
            assert stage.sync("outbound").success
            assert stage.sync("delta").success
            before, name = orders(stage), held(stage, payment)["name"]
        restored = orders(stage)
        asked = command_line.run("recover", "--from", "odoo-backup", typed="n\n")
        assert (asked.exit_code, "1. a full sync" in asked.stdout) == (1, True)
        assert recover("odoo-backup", "--dry-run")["flows"]["orders"]["counts"]["updated"] == 1
        assert orders(stage) == restored
        told = recover("odoo-backup")
        assert orders(stage) == before
        assert [each["external_id"] for each in told["written_again"]] == [booking]
        assert {each["entity"] for each in told["created_again"]} >= {"booking", "payment"}
        assert len(told["for_a_person"]["registered_in_odoo"]) == 1
        assert told["for_a_person"]["in_neither_system"] == told["for_a_person"]["conflicts"] == []
        [paid] = stage.odoo(
            "account.payment", "search_read", domain=[["x_external_transaction_id", "=", name]], fields=["amount"]
        )
        assert paid["amount"] == 77.0
        assert len(recorded(stage)) == 1
        again = recover("odoo-backup")
        assert again["written_again"] == again["created_again"] == []

    def test_what_was_deleted_before_stays_deleted_and_what_was_lost_does_not(self, stage: Stage) -> None:
        config = Path("integrations.yaml")
        config.write_text(config.read_text() + "    deleted_in_odoo: ignore\n")
        one = stage.odoo("sale.order", "search", domain=[["state", "=", "draft"]])[:1]
        stage.odoo("sale.order", "unlink", ids=one)
        assert stage.sync("full").success
        with odoo_restored(stage):
            later(stage)
            stage.advance(new_bookings=1)
            assert stage.sync("delta").success
            before = orders(stage)
            with pms_restored(stage):
                payment = register(stage, booking_of(stage), 77.0)
                assert stage.sync("outbound").success
                name = held(stage, payment)["name"]
        told = recover("odoo-backup")
        assert orders(stage) == before
        assert told["for_a_person"]["in_neither_system"] == [{"flow": "payments_out", "key": name}]


class TestState:
    def test_nothing_is_made_or_sent_twice_where_it_was_lost(self, stage: Stage, engine: sa.Engine) -> None:
        stage.pms.sandbox.ledger.recognises = "ignored"
        payment = register(stage, booking_of(stage), 77.0)
        assert stage.sync("outbound").success
        stage.odoo("account.payment", "write", ids=[payment], vals={"x_external_synced": False, "x_sync_key": False})
        before = orders(stage)
        with engine.begin() as connection:
            names = ("record", "batch", "watermark", "posting", "sent_value", "outcome", "sync_run", "batch_use")
            connection.execute(sa.text(f"truncate {', '.join(f'odoo_pipelines.{each}' for each in names)}"))
        recover("state-backup")
        assert orders(stage) == before
        assert len(recorded(stage)) == 1
        assert held(stage, payment)["x_external_synced"] is True


class TestBatches:
    def test_what_has_no_file_any_more_is_extracted_again(self, stage: Stage) -> None:
        booking = stage.confirmed()["id"]
        stage.edit(booking, special_requests="A quiet room")
        stage.refuse_logins()
        assert not stage.sync("delta").success
        shutil.rmtree(Path.cwd() / "data")
        assert recover("batches-lost", "--yes", code=1)["status"] == "failure"
        stage.allow_logins()
        told = recover("batches-lost")
        assert told["status"] == "success"
        [note] = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking]], fields=["note"])
        assert "A quiet room" in note["note"]
        assert stage.sync("delta").success


class TestPms:
    def test_what_it_has_lost_is_sent_again_or_named_and_stays_in_odoo(self, stage: Stage) -> None:
        config = Path("integrations.yaml")
        text = f"{config.read_text()}    vanished_share_limit: 0.01\n    flows: {{orders: {{vanished: cancel}}}}\n"
        config.write_text(text)
        with pms_restored(stage):
            stage.advance(new_bookings=2)
            payment = register(stage, booking_of(stage), 77.0)
            assert stage.sync("outbound").success
            assert stage.sync("delta").success
            before, name = orders(stage), held(stage, payment)["name"]
        told = recover("pms-backup")
        assert orders(stage) == before
        assert [(each["transaction_id"], each["amount"]) for each in recorded(stage)] == [(name, 77.0)]
        lost = {each["flow"]: each["count"] for each in told["for_a_person"]["not_in_the_external_system"]}
        assert lost["orders"] == 2
        assert stage.sync("delta").success
        assert stage.odoo("account.payment", "search_count", domain=[["amount", "=", 77.0]]) == 1
        recover("pms-backup")
        assert len(recorded(stage)) == 1


def empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {', '.join(TABLES)} restart identity cascade"))


@contextmanager
def state_restored(engine: sa.Engine) -> Iterator[None]:
    """At the end of the block the state is what it was at its beginning."""
    backup = StateSnapshot.of(engine)
    yield
    empty(engine)
    backup.restore(engine)


@contextmanager
def batches_restored(folder: Path) -> Iterator[None]:
    """The same of the batches."""
    shutil.copytree("data", folder)
    yield
    shutil.rmtree("data")
    shutil.copytree(folder, "data")


@contextmanager
def batches_lost() -> Iterator[None]:
    yield
    shutil.rmtree("data")


def contacts(stage: Stage) -> list[tuple[Any, ...]]:
    fields = ["x_sync_key", "name", "email", "phone"]
    rows = stage.odoo("res.partner", "search_read", domain=[["x_sync_key", "!=", False]], fields=fields)
    return sorted(tuple(row[name] for name in fields) for row in rows)


def paid(stage: Stage) -> list[tuple[str, float, bool]]:
    """The payments that Odoo has, without the names that it gives."""
    fields = ["x_related_booking_id", "amount", "x_external_synced"]
    rows = stage.odoo("account.payment", "search_read", domain=[], fields=fields)
    return sorted(tuple(row[name] for name in fields) for row in rows)


def both_sides(stage: Stage) -> dict[str, Any]:
    """What people see in the stand-in, and what the PMS was sent."""
    sent = sorted((each["transaction_id"], each["amount"]) for each in recorded(stage))
    return {"orders": orders(stage), "contacts": contacts(stage), "payments": paid(stage), "sent": sent}


def life_goes_on(stage: Stage, amount: float) -> None:
    """What happens between a backup and a loss, in both systems and from one to the other."""
    later(stage)
    booking = stage.confirmed()["id"]
    stage.edit(booking, special_requests=f"A quiet room for {amount}")
    stage.advance(new_bookings=2, cancelled=1, changed_guests=2)
    assert stage.sync("delta").success
    register(stage, booking_of(stage), amount)
    assert stage.sync("outbound").success
    assert stage.sync("delta").success


class TestAnOlderState:
    def test_everything_is_as_if_it_had_not_been_set_back_and_nothing_is_there_twice(
        self, stage: Stage, engine: sa.Engine
    ) -> None:
        life_goes_on(stage, 11.0)
        with state_restored(engine):
            life_goes_on(stage, 77.0)
            before = both_sides(stage)
        told = recover("state-backup")
        assert both_sides(stage) == before
        assert told["for_a_person"]["in_neither_system"] == told["for_a_person"]["rejected"] == []
        again = recover("state-backup")
        assert again["written_again"] == again["created_again"] == []
        assert both_sides(stage) == before

    def test_changes_of_the_pms_after_the_restore_come_too(self, stage: Stage, engine: sa.Engine) -> None:
        with state_restored(engine):
            life_goes_on(stage, 77.0)
        booking = stage.confirmed()["id"]
        later(stage)
        stage.edit(booking, special_requests="A room with a view")
        recover("state-backup")
        [row] = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking]], fields=["note"])
        assert "A room with a view" in row["note"]

    def test_the_batches_of_the_same_backup_or_lost_ones_make_no_difference(
        self, stage: Stage, engine: sa.Engine, tmp_path: Path
    ) -> None:
        for number, batches in enumerate((batches_restored(tmp_path / "backup"), batches_lost())):
            with state_restored(engine), batches:
                life_goes_on(stage, 70.0 + number)
                before = both_sides(stage)
            recover("state-backup")
            assert both_sides(stage) == before

    def test_batches_that_are_older_than_the_state_are_extracted_again(
        self, stage: Stage, engine: sa.Engine, tmp_path: Path
    ) -> None:
        life_goes_on(stage, 11.0)
        with batches_restored(tmp_path / "backup"), state_restored(engine):
            life_goes_on(stage, 77.0)
            before = both_sides(stage)
        told = recover("batches-lost")
        assert both_sides(stage) == before
        assert told["status"] == "success"

    @pytest.mark.parametrize("older", ["odoo", "state"])
    def test_odoo_and_state_of_two_backups_end_as_if_nothing_had_been_lost(
        self, stage: Stage, engine: sa.Engine, older: str
    ) -> None:
        first, second = (
            (odoo_restored(stage), state_restored(engine))
            if older == "odoo"
            else (state_restored(engine), odoo_restored(stage))
        )
        with first:
            life_goes_on(stage, 11.0)
            with second:
                life_goes_on(stage, 77.0)
                before = both_sides(stage)
        recover("state-backup")
        recover("odoo-backup")
        after = both_sides(stage)
        assert {**after, "payments": None} == {**before, "payments": None}
        assert [each[:2] for each in after["payments"]] == [each[:2] for each in before["payments"]]
        again = recover("odoo-backup")
        assert again["written_again"] == again["created_again"] == []
        assert both_sides(stage) == after

    def test_one_store_after_the_other_where_all_were_restored(
        self, stage: Stage, engine: sa.Engine, tmp_path: Path
    ) -> None:
        with odoo_restored(stage), state_restored(engine), batches_restored(tmp_path / "backup"), pms_restored(stage):
            before = both_sides(stage)
            life_goes_on(stage, 77.0)
        for disaster in ("state-backup", "batches-lost", "odoo-backup", "pms-backup"):
            assert recover(disaster)["status"] == "success"
        assert both_sides(stage) == before


@pytest.mark.parametrize("point", ["within the full sync", "between the syncs"])
def test_a_recovery_that_is_killed_and_started_again_ends_as_if_it_had_run_once(
    stage: Stage, engine: sa.Engine, point: str
) -> None:
    """Killed when the first record is there again, or when the full sync has ended."""
    with odoo_restored(stage):
        life_goes_on(stage, 77.0)
        before = both_sides(stage)
    restored, known = both_sides(stage), runs_that_succeeded(engine)

    def reached() -> bool:
        if point == "within the full sync":
            return both_sides(stage) != restored
        return runs_that_succeeded(engine) > known

    killed_when(reached)
    recover("odoo-backup")
    after = both_sides(stage)
    assert {**after, "payments": None} == {**before, "payments": None}
    assert [each[:2] for each in after["payments"]] == [each[:2] for each in before["payments"]]


def runs_that_succeeded(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        query = "select count(*) from odoo_pipelines.sync_run where status = 'succeeded' and flow = 'payments'"
        return int(connection.execute(sa.text(query)).scalar_one())


def killed_when(reached: Callable[[], bool]) -> None:
    """A recovery in a process of its own."""
    command = [sys.executable, "-m", "odoo_pipelines.cli", "recover", "--from", "odoo-backup", "--yes", "--json"]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(command_line.ROOT)}) as process:  # noqa: S603 - constants
        while not reached():
            assert process.poll() is None
        process.kill()
