"""The shipped dagster.yaml gives an instance on PostgreSQL, in which dead runs are found."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, job, op
from dagster._core.instance.config import PoolGranularity
from dagster._core.launcher.base import WorkerStatus
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget, WorkspaceFileTarget

from odoo_pipelines.storage import PROCESS_TAG, Storage, WatchedRunLauncher, this_process
from odoo_pipelines.stores.database import database_url
from odoo_pipelines_tests.conftest import END_OTHER_CONNECTIONS, _database, _execute, _name_of

ROOT = Path(__file__).resolve().parents[1]


@op
def nothing() -> None: ...


@job
def do_nothing() -> None:
    nothing()


@pytest.fixture(scope="module")
def template_with_dagster(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database in which a first instance has made its tables; Dagster takes a second for them."""
    with _database(server_url, "template1") as url, pytest.MonkeyPatch.context() as monkeypatch:
        with opened(monkeypatch, tmp_path_factory.mktemp("first"), url):
            pass
        _execute(url, END_OTHER_CONNECTIONS)  # Dagster leaves its own to the garbage collector
        yield _name_of(url)


@pytest.fixture
def instance(
    tmp_path: Path, server_url: str, template_with_dagster: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DagsterInstance]:
    """A real instance with the shipped dagster.yaml, on a database of the test's own."""
    with _database(server_url, template_with_dagster) as url, opened(monkeypatch, tmp_path, url) as instance:
        yield instance


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch, home: Path, url: str) -> Iterator[DagsterInstance]:
    shutil.copy(ROOT / "dagster.yaml", home)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", url)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("ODOO_PIPELINES_POSTGRES_DIR", str(home / "postgres"))
    with DagsterInstance.get() as instance:
        yield instance


def health(instance: DagsterInstance, **tags: str) -> WorkerStatus:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchedRunLauncher)
    return launcher.check_run_worker_health(create_run_for_test(instance, tags=tags)).status


def process_tag(pid: int) -> str:
    return f"{socket.gethostname()} {pid} {psutil.Process(pid).create_time():.2f}"


class TestInstance:
    def test_it_keeps_everything_in_postgresql_on_pooled_connections(self, instance: DagsterInstance) -> None:
        storage = instance.get_ref().storage
        assert isinstance(storage, Storage)
        parts: list[Any] = [storage.run_storage, storage.event_log_storage, storage.schedule_storage]
        assert [part._engine.pool.size() for part in parts] == [1, 1, 1]

    def test_other_processes_of_the_instance_open_the_same_storage(self, instance: DagsterInstance) -> None:
        with DagsterInstance.from_ref(instance.get_ref()) as other:
            run = create_run_for_test(instance)
            assert other.get_run_by_id(run.run_id) is not None

    def test_a_run_succeeds_and_is_recorded(self, instance: DagsterInstance) -> None:
        result = do_nothing.execute_in_process(instance=instance)
        recorded = instance.get_run_by_id(result.run_id)
        assert isinstance(recorded, DagsterRun)
        assert recorded.status is DagsterRunStatus.SUCCESS

    def test_its_settings_are_the_documented_ones(self, instance: DagsterInstance) -> None:
        concurrency = instance.get_concurrency_config()
        assert concurrency.run_queue_config is not None
        assert concurrency.run_queue_config.max_concurrent_runs == 4
        assert concurrency.pool_config.pool_granularity is PoolGranularity.RUN
        assert concurrency.pool_config.default_pool_limit is None
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.get_settings("run_retries")["retry_on_asset_or_op_failure"]
        assert not instance.telemetry_enabled
        assert instance.managed_python_loggers == ["odoo_pipelines"]

    def test_the_directory_of_the_embedded_server_is_handed_on(self, instance: DagsterInstance, tmp_path: Path) -> None:
        assert os.environ["ODOO_PIPELINES_POSTGRES_DIR"] == str(tmp_path / "postgres")


class TestHealth:
    def test_a_run_of_this_very_process_lives(self, instance: DagsterInstance) -> None:
        assert health(instance, **{PROCESS_TAG: this_process()}) is WorkerStatus.RUNNING

    def test_a_run_of_a_process_that_has_ended_is_dead(self, instance: DagsterInstance) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as shell:
            tag = process_tag(shell.pid)
            assert health(instance, **{PROCESS_TAG: tag}) is WorkerStatus.RUNNING
            shell.kill()
        assert health(instance, **{PROCESS_TAG: tag}) is WorkerStatus.NOT_FOUND

    def test_a_run_whose_pid_was_given_anew_is_dead(self, instance: DagsterInstance) -> None:
        tag = f"{socket.gethostname()} {os.getpid()} 1.00"
        assert health(instance, **{PROCESS_TAG: tag}) is WorkerStatus.NOT_FOUND

    def test_a_run_that_cannot_be_seen_from_here_is_taken_for_alive(self, instance: DagsterInstance) -> None:
        assert health(instance, **{PROCESS_TAG: "another-host 1 1.00"}) is WorkerStatus.RUNNING
        assert health(instance) is WorkerStatus.RUNNING

    def test_a_run_whose_code_server_is_gone_is_dead(self, instance: DagsterInstance) -> None:
        gone = '{"host": "localhost", "socket": "/nonexistent/socket"}'
        assert health(instance, **{".dagster/grpc_info": gone}) is WorkerStatus.NOT_FOUND


SLOW_CODE = """
import os, time
from pathlib import Path
import dagster as dg

@dg.op
def slow(context):
    Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def slow_job():
    slow()

defs = dg.Definitions(jobs=[slow_job])
"""


class TestHealthOfLaunchedRuns:
    """With a real code server."""

    @pytest.fixture
    def run_and_pid(self, instance: DagsterInstance, tmp_path: Path) -> Iterator[tuple[DagsterRun, int]]:
        code = tmp_path / "code.py"
        code.write_text(SLOW_CODE)
        target = PythonFileTarget(str(code), attribute=None, working_directory=None, location_name=None)
        with WorkspaceProcessContext(instance, target) as workspace:
            request = workspace.create_request_context()
            [repository] = request.code_locations[0].get_repositories().values()
            remote = repository.get_full_job("slow_job")
            run = create_run_for_test(
                instance,
                job_name="slow_job",
                remote_job_origin=remote.get_remote_origin(),
                job_code_origin=remote.get_python_origin(),
            )
            instance.launch_run(run.run_id, request)
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                time.sleep(0.05)
            yield run, int((tmp_path / "pid").read_text())
            instance.run_launcher.terminate(run.run_id)

    def test_a_run_lives_until_its_process_is_killed(
        self, instance: DagsterInstance, run_and_pid: tuple[DagsterRun, int]
    ) -> None:
        run, pid = run_and_pid
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        os.kill(pid, signal.SIGKILL)
        while instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING:
            time.sleep(0.05)


class TestWorkspace:
    def test_it_names_a_location_that_needs_no_installed_package(self) -> None:
        [origin] = WorkspaceFileTarget([str(ROOT / "workspace.yaml")]).create_origins()
        assert origin.location_name == "odoo_pipelines"
        assert origin.loadable_target_origin.module_name == "odoo_pipelines.definitions"
        assert origin.loadable_target_origin.working_directory == "."

    def test_pyproject_says_the_same(self) -> None:
        [entry] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
        in_pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dagster"]
        assert in_pyproject["module_name"] == entry["python_module"]["module_name"]
        assert in_pyproject["code_location_name"] == entry["python_module"]["location_name"]


def test_without_a_url_the_embedded_server_is_used(server_url: str) -> None:
    """The session's own server stands for the one that would be started."""
    directory = Path(os.environ["ODOO_PIPELINES_TESTS_SERVER"])
    assert database_url(None, directory) == server_url
