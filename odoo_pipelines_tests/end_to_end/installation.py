"""An installation of the pipelines as a user has it: a Dagster home, integrations.yaml and the command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import yaml

from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.end_to_end.hotel import KEY, Hotel
from odoo_pipelines_tests.end_to_end.site import Site
from odoo_pipelines_tests.faults.kinds import LOST, RESET, Fault
from odoo_pipelines_tests.faults.proxy import Proxy
from odoo_pipelines_tests.in_memory import record_in_memory

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("odoo-pipelines")
TIMEOUT_SECONDS = 280


@dataclass(frozen=True, slots=True)
class Sync:
    """What `odoo-pipelines sync --json` said.

    Attributes:
        code: exit code.
        status: "success" or "failure".
        flows: outcomes by flow.
        stderr: what a person would see.
    """

    code: int
    status: str
    flows: Mapping[str, Mapping[str, int]]
    stderr: str

    def count(self, flow: str, outcome: str) -> int:
        """Rows of a flow that ended in this way."""
        return self.flows[flow][outcome]

    def outcomes(self) -> set[str]:
        """All outcomes that occurred, of all flows."""
        return {word for counts in self.flows.values() for word, count in counts.items() if count} - {"extracted"}


@dataclass(frozen=True, slots=True)
class KillPoint:
    """The request at which a process gets a signal.

    Attributes:
        path: beginning of the request's path.
        nth: which of those requests, from 1.
        answered: the server has carried the request out; its answer never arrives.
        by: the signal.
    """

    path: str
    nth: int = 1
    answered: bool = False
    by: signal.Signals = signal.SIGKILL

    @property
    def fault(self) -> Fault:
        """What happens to the request."""
        return LOST if self.answered else RESET

    def __str__(self) -> str:
        return f"{self.by.name} at {self.path} no. {self.nth}, {'its answer lost' if self.answered else 'never sent'}"


class Installation:
    """Runs commands in a home of its own.

    Args:
        home: an empty directory.
        database_url: of an empty database.
        in_process: commands that no signal is to hit run in this process: a start of Dagster takes longer than they do.

    Attributes:
        home: the directory.
        database_url: of the state.
        environment: of its commands.
        name: of the integration that is meant where none is named; no other test's, for Odoo may be shared.
    """

    def __init__(self, home: Path, database_url: str, *, in_process: bool = False) -> None:
        shutil.copy(ROOT / "dagster.yaml", home)
        record_in_memory(home / "in-memory")
        self.home = home
        self.database_url = database_url
        self._in_process = in_process
        self.name = f"pms{uuid4().hex[:8]}"
        self._integrations: dict[str, dict[str, Any]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ODOO_", "PMS_", "DAGSTER_"))},
            "DAGSTER_HOME": str(home),
            "ODOO_PIPELINES_DATABASE_URL": database_url,
            "ODOO_PIPELINES_CONFIG": str(home / "integrations.yaml"),
            "ODOO_PIPELINES_DATA": str(home / "data"),
        }

    def connect(self, hotel: Hotel | Proxy, site: Site, integration: str = "", **settings: Any) -> None:
        """Configures an integration between a hotel and an Odoo; `odoo` among the settings adds to that side."""
        name = integration or self.name
        variable = f"{name.upper().replace('-', '_')}_KEY"
        self.environment[f"{variable}_PMS"] = KEY
        self.environment[f"{variable}_ODOO"] = site.api_key
        odoo = {"url": site.url, "db": site.database, "username": site.login, "api_key": f"${{{variable}_ODOO}}"}
        self._integrations[name] = {
            "external": {"url": hotel.url, "api_key": f"${{{variable}_PMS}}", "requests_per_second": 1000},
            "history_start": _recently(),
            "journals": {"cash": "BNK1"},  # a new Odoo has no cash journal
            **settings,
            "odoo": {**odoo, **settings.get("odoo", {})},
        }
        text = yaml.safe_dump({"integrations": self._integrations})
        (self.home / "integrations.yaml").write_text(text, encoding="utf-8")

    def filled(self, hotel: Hotel, site: Site) -> Installation:
        """The same, connected and set up, with everything of the hotel in Odoo already."""
        self.connect(hotel, site)
        assert self.bootstrap().returncode == 0
        self.synced("full")
        return self

    def sync(self, mode: str = "delta", integration: str = "", partition: str | None = None) -> Sync:
        """Runs a sync to its end."""
        chosen = ["--partition", partition] if partition else []
        done = self.run("sync", "--integration", integration or self.name, "--mode", mode, "--json", *chosen)
        if not done.stdout:
            raise AssertionError(done.stderr)
        document = json.loads(done.stdout)
        return Sync(done.returncode, document["status"], document["flows"], done.stderr)

    def synced(self, mode: str = "delta", integration: str = "", partition: str | None = None) -> Sync:
        """Runs a sync that has to succeed."""
        sync = self.sync(mode, integration, partition)
        assert (sync.code, sync.status) == (0, "success"), sync.stderr
        return sync

    def killed_sync(self, mode: str, proxy: Proxy, point: KillPoint) -> None:
        """Starts a sync that gets a signal at a point. By SIGKILL it dies, by SIGTERM it ends in good order."""
        struck = len(proxy.struck)
        done = self.disturbed_sync(mode, proxy, point)
        assert len(proxy.struck) > struck, f"never came to {point}:\n{done.stdout}\n{done.stderr}"
        expected = -signal.SIGKILL if point.by is signal.SIGKILL else 1
        assert done.returncode == expected, f"{done.returncode} after {point}:\n{done.stdout}\n{done.stderr}"
        if point.by is signal.SIGTERM:
            document = json.loads(done.stdout)
            assert document["status"] == "failure"
            assert "running" not in self.statuses(document["run_id"])

    def disturbed_sync(self, mode: str, proxy: Proxy, point: KillPoint) -> subprocess.CompletedProcess[str]:
        """Starts a sync that gets a signal at a point, if it ever comes there."""
        process = self._start("sync", "--integration", self.name, "--mode", mode, "--json")
        proxy.strike(point.fault, point.path, nth=point.nth, effect=lambda: os.kill(process.pid, point.by))
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def bootstrap(self, integration: str = "") -> subprocess.CompletedProcess[str]:
        """Prepares Odoo."""
        return self.run("bootstrap", "--integration", integration or self.name, "--yes")

    def doctor(self, integration: str = "") -> list[dict[str, Any]]:
        """What the doctor says."""
        said = self._run_apart("doctor", "--integration", integration or self.name, "--json").stdout
        findings: list[dict[str, Any]] = json.loads(said)
        return findings

    def rejections(self, integration: str, flow: str) -> list[DeadLetter]:
        """The rows of a flow that did not get through, as the state keeps them."""
        engine = connect(self.database_url)
        try:
            return list(State(engine).letters(LetterFilter(integration, flow)))
        finally:
            engine.dispose()

    def statuses(self, run_id: str) -> set[str]:
        """How the flows of a run ended, and the run itself."""
        engine = connect(self.database_url)
        query = """
            select status from odoo_pipelines.sync_run where run_id = :run_id
            union select lower(status) from runs where run_id = :run_id
        """
        try:
            with engine.connect() as connection:
                return set(connection.scalars(sa.text(query), {"run_id": run_id}))
        finally:
            engine.dispose()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return self._invoke(arguments) if self._in_process else self._run_apart(*arguments)

    def _run_apart(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self._start(*arguments)
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def _invoke(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """What `_start` does, but here, with environment and working directory lent to the command.

        Dagster's record of the run is in memory: to keep it takes half of the run's time.
        """
        others = dict.fromkeys(name for name in os.environ if name not in self.environment)
        with contextlib.chdir(self.home):
            environment = {**others, **self.environment, "DAGSTER_HOME": str(self.home / "in-memory")}
            result = command_line.run(*arguments, env=environment)
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        command: Sequence[str] = [str(COMMAND), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=self.environment, cwd=self.home)  # noqa: S603


def _recently() -> date:
    """Before the oldest booking of a hotel, yet not long ago: every month costs a full sync some time."""
    return (datetime.now(UTC) - timedelta(days=70)).date()
