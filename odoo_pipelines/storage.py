"""Dagster's instance on PostgreSQL: its storage, and the launcher whose dead runs are found within seconds.

dagster.yaml names both classes. The storage is the database of the state: the one that ODOO_PIPELINES_DATABASE_URL
names, else the embedded one, so that `dagster dev` works with nothing installed.
"""

import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import grpc  # type: ignore[import-untyped]
import psutil
from dagster import DagsterRun
from dagster._config import UserConfigSchema
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.event_log.base import EventLogStorage
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import ConfigurableClassData, deserialize_value
from dagster_postgres import DagsterPostgresStorage

from odoo_pipelines.settings import dagster_home, database_settings, export_embedded_dir, load_settings
from odoo_pipelines.stores.database import database_url
from odoo_pipelines.stores.private_files import make_folder

PROCESS_TAG = "odoo_pipelines/process"
"""On runs that a shell command executes itself: the process, as `this_process` writes it."""
_RECYCLE_SECONDS = 1800
_MAX_OVERFLOW = 9
_ANSWER_SECONDS = 10
_LOGS_OF_STEPS = "storage"

_logger = logging.getLogger(__name__)


class Storage(DagsterPostgresStorage):
    """Runs, event log and schedules in PostgreSQL, on pooled connections.

    Dagster's own choice outside the webserver is one connection for each statement, which doubles the time of a step.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing is configured in dagster.yaml, which has no conditions; the environment says it all."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Opens the storage.

        Raises:
            ConfigurationError: the database's URL is malformed.
            EmbeddedPostgresError: there is none, and the embedded server cannot run here.
        """
        del config_value
        settings = database_settings()
        _close_logs_of_steps(dagster_home())
        export_embedded_dir(settings.embedded_dir)
        storage = cls(postgres_url=database_url(settings.url, settings.embedded_dir), inst_data=inst_data)
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
            part.optimize_for_webserver(statement_timeout=0, pool_recycle=_RECYCLE_SECONDS, max_overflow=_MAX_OVERFLOW)
        limit_writers(storage.event_log_storage)
        return storage


def _close_logs_of_steps(home: Path) -> None:
    """Dagster would make their folder readable by everybody; what others' code writes there may hold rows."""
    try:
        make_folder(home / _LOGS_OF_STEPS)
    except OSError as error:
        _logger.warning("%s cannot be closed to other accounts: %s", home / _LOGS_OF_STEPS, error.strerror)


def limit_writers(events: EventLogStorage) -> None:
    """Lets one run at a time write for each integration.

    It has to stand before the first run: a pool without an explicit limit has none until it was used once.
    """
    limited = {pool.name for pool in events.get_pool_limits()}
    for integration in load_settings().integrations.values():
        if integration.pool not in limited:
            events.set_concurrency_slots(integration.pool, 1)


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher, with an answer to the question whether a run is still alive.

    Without it, a run whose whole process tree was killed stays "started" until `max_runtime_seconds`. An unreachable
    code server counts as gone: where code servers are on other machines, use the launcher of that platform.
    """

    supports_check_run_worker_health = True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Asks the code server that runs it, or looks for the process of the shell command that does."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return _health_of_process(run.tags.get(PROCESS_TAG, ""))
        request = CanCancelExecutionRequest(run_id=run.run_id)
        try:
            answer = client.can_cancel_execution(request, timeout=_ANSWER_SECONDS)
        except DagsterUserCodeUnreachableError as error:
            return _health(alive=_is_slow(error), gone="the code server that ran it is gone")
        alive = deserialize_value(answer, CanCancelExecutionResult).can_cancel
        return _health(alive=alive, gone="its process is gone")


def this_process() -> str:
    """Names this process for good: host, pid and time of birth, because pids are given anew."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def _is_slow(error: DagsterUserCodeUnreachableError) -> bool:
    """Whether the code server is there, but too busy to answer in time."""
    return isinstance(error.__cause__, grpc.RpcError) and error.__cause__.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def _health_of_process(name: str) -> CheckRunHealthResult:
    """Health of a run that no code server executes; one that cannot be seen from here counts as alive."""
    host, _, process = name.partition(" ")
    if host != socket.gethostname():
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    pid, _, born = process.partition(" ")
    try:
        alive = f"{psutil.Process(int(pid)).create_time():.2f}" == born
    except psutil.NoSuchProcess:
        alive = False
    return _health(alive=alive, gone=f"process {pid} is gone")


def _health(*, alive: bool, gone: str) -> CheckRunHealthResult:
    return CheckRunHealthResult(WorkerStatus.RUNNING) if alive else CheckRunHealthResult(WorkerStatus.NOT_FOUND, gone)
