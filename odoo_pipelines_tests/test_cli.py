"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines_tests.command_line import run, staged_folder
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage
from odoo_pipelines_tests.environment import COMPLETE, unset_all

ROOT = Path(__file__).resolve().parents[1]
COUNTS = ["extracted", "created", "updated", "unchanged", "conflict", "rejected", "superseded"]


@pytest.fixture
def stage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        yield stage


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestHelp:
    @pytest.mark.usefixtures("unconfigured")
    @pytest.mark.parametrize("command", [(), ("sync",), ("bootstrap",), ("doctor",), ("demo",)])
    def test_every_command_explains_itself_without_any_setting(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--help")
        assert (result.exit_code, "Usage:" in result.stdout) == (0, True)

    @pytest.mark.usefixtures("unconfigured")
    @pytest.mark.parametrize(
        "arguments",
        [
            ("synch",),
            ("sync", "--mode", "sideways"),
            ("sync", "--partitions", "x"),
            ("demo", "--bookings", "0"),
            ("demo", "--port", "http"),
        ],
    )
    def test_what_is_mistyped_is_a_usage_error(self, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Usage:" in result.stderr

    def test_help_waits_for_none_of_the_packages_that_take_long_to_import(self, unconfigured: Path) -> None:
        command = [sys.executable, "-X", "importtime", "-m", "odoo_pipelines.cli", "--help"]
        done = subprocess.run(command, cwd=unconfigured, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0
        assert "Usage:" in done.stdout
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
        assert "typer" in imported
        assert imported.isdisjoint({"alembic", "dagster", "numpy", "pandas", "pyarrow", "requests", "sqlalchemy"})


class TestSettings:
    @pytest.mark.usefixtures("unconfigured")
    @pytest.mark.parametrize("command", [("sync",), ("sync", "--json"), ("bootstrap",)])
    def test_missing_variables_are_all_named_on_standard_error(self, command: tuple[str, ...]) -> None:
        result = run(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert all(f"{variable} is not set" in result.stderr for variable in COMPLETE if variable != "PMS_API_SECRET")
        assert "Traceback" not in result.stderr

    def test_a_mistyped_variable_gives_one_clear_message(
        self, unconfigured: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable, value in {**COMPLETE, "ODOO_URL": "odoo.example", "DAGSTER_HOME": str(unconfigured)}.items():
            monkeypatch.setenv(variable, value)
        result = run("sync")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.splitlines() == [
            "ConfigurationError: The configuration cannot be used:",
            "  - ODOO_URL: must be a URL that starts with http:// or https://",
        ]

    @pytest.mark.usefixtures("unconfigured")
    def test_an_unknown_integration_is_refused_with_the_known_ones(self) -> None:
        result = run("sync", "--integration", "spa")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "there is no integration 'spa'; configured: pms" in result.stderr

    def test_a_file_named_env_in_this_folder_is_read_and_the_environment_wins(
        self, unconfigured: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PMS_URL", "ftp://from.the.environment")
        (unconfigured / ".env").write_text("ODOO_URL=from-the-file\nPMS_URL=from-the-file\nODOO_DB=hotel\n")
        stderr = run("sync").stderr
        assert "ODOO_URL: must be a URL" in stderr
        assert "PMS_URL: must be a URL" in stderr
        assert "ODOO_DB" not in stderr
        assert "from" not in stderr.replace("from-the", "from")


class TestSync:
    def test_a_full_sync_prints_a_table_and_exits_0(self, stage: Stage) -> None:
        result = run("sync", "--mode", "full")
        assert result.exit_code == 0, result.stderr
        assert all(word in result.stdout for word in ("partners", "products", "orders", "payments", *COUNTS))
        [orders] = [line for line in result.stdout.splitlines() if "orders" in line]
        assert str(BOOKINGS) in orders
        assert stage.odoo("sale.order", "search_count", domain=[]) == BOOKINGS

    def test_json_is_the_documented_document_and_nothing_else(self, stage: Stage) -> None:
        program = Path(sys.executable).with_name("odoo-pipelines")
        done = subprocess.run(  # noqa: S603
            [program, "sync", "--mode", "full", "--json"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert list(document) == ["run_id", "status", "flows"]
        assert document["status"] == "success"
        assert list(document["flows"]) == ["partners", "products", "orders", "payments"]
        assert [list(flow) for flow in document["flows"].values()] == [COUNTS] * 4
        assert document["flows"]["orders"]["created"] == document["flows"]["orders"]["extracted"] == BOOKINGS
        with dg.DagsterInstance.get() as instance:
            recorded = instance.get_run_by_id(document["run_id"])
        assert recorded is not None
        assert recorded.job_name == "pms_full_sync"
        assert stage.odoo("sale.order", "search_count", domain=[]) == BOOKINGS

    def test_one_partition_is_synced_alone(self, stage: Stage) -> None:
        result = run("sync", "--mode", "full", "--partition", stage.keys[-1], "--json")
        assert result.exit_code == 0, result.stderr
        assert 0 < json.loads(result.stdout)["flows"]["orders"]["extracted"] < BOOKINGS

    def test_a_partition_that_does_not_exist_is_refused_with_the_range(self, stage: Stage) -> None:
        result = run("sync", "--partition", "2019-01-01", "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        told = f"--partition: no such partitions: 2019-01-01; they run from {stage.keys[0]} to {stage.keys[-1]}"
        assert told in result.stderr

    def test_a_failure_exits_1_names_its_cause_and_where_the_log_is(self, stage: Stage) -> None:
        stage.pms_fault(kind="status", status=400, path="/guests", times=None)
        result = run("sync", "--mode", "full", "--json")
        assert result.exit_code == 1
        document = json.loads(result.stdout)
        assert document["status"] == "failure"
        assert document["flows"]["orders"] == dict.fromkeys(COUNTS, 0)
        assert "The sync failed: " in result.stderr
        assert "/guests" in result.stderr
        assert document["run_id"] in result.stderr

    def test_plain_http_to_another_machine_is_warned_about(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PMS_URL", "http://192.0.2.1:1")
        result = run("sync", "--partition", "2019-01-01")
        assert "warning: integration 'pms': the PMS URL is plain http" in result.stderr
        assert stage.keys


class TestBootstrap:
    @pytest.fixture
    def bare(self, stage: Stage) -> Stage:
        """An Odoo that lacks one category; the fields are there."""
        [first, *_] = stage.odoo("product.category", "search", domain=[["name", "=", "Hotel Extras"]])
        stage.odoo("product.category", "unlink", ids=[first])
        return stage

    def categories(self, stage: Stage) -> int:
        return int(stage.odoo("product.category", "search_count", domain=[["name", "=", "Hotel Extras"]]))

    def test_it_shows_first_and_asks(self, bare: Stage) -> None:
        result = run("bootstrap", typed="n\n")
        assert result.exit_code == 1
        assert "product category Hotel Extras" in result.stdout
        assert "Create them?" in result.stdout
        assert self.categories(bare) == 0

    def test_with_consent_it_creates_and_is_safe_to_repeat(self, bare: Stage) -> None:
        assert run("bootstrap", typed="y\n").exit_code == 0
        assert self.categories(bare) == 1
        again = run("bootstrap")
        assert (again.exit_code, "Nothing is missing." in again.stdout) == (0, True)

    def test_yes_asks_nothing(self, bare: Stage) -> None:
        result = run("bootstrap", "--yes")
        assert (result.exit_code, "Create them?" in result.stdout) == (0, False)
        assert self.categories(bare) == 1

    def test_with_loads_switched_off_there_is_nothing_to_prepare(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        result = run("bootstrap", "--yes")
        assert result.exit_code == 1
        assert "there is no Odoo to prepare" in result.stderr
        assert stage.keys
