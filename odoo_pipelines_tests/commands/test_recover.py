"""Recovering after a restore, or a loss, of each of the four stores; judged by what the other systems hold."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.command_line import staged_folder
from odoo_pipelines_tests.defs.stage import Stage
from odoo_pipelines_tests.defs.test_posting import booking_of, held, recorded, register
from odoo_pipelines_tests.in_memory import record_in_memory


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        record_in_memory(tmp_path)
        assert stage.sync("full").success
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
    """Odoo's clock shows whole seconds: what is written from now on has another one, and the answers tell it."""
    time.sleep(2)
    now = stage.odoo_server.db._clock()
    stage.odoo_server.db._clock = lambda: now + timedelta(minutes=5)


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
