"""What every benchmark works in: a folder, a database and servers of its own, gone afterwards."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from odoo_pipelines.commands.processes import Processes, free_port
from odoo_pipelines.settings import inherited_environment
from odoo_pipelines.stores.embedded import ensure_server, release_server
from odoo_pipelines.stores.server import ServerDirectory

ROOT = Path(__file__).resolve().parents[1]
PMS_KEY = "benchmark"
STARTUP_SECONDS = 600.0
"""The sandbox generates its bookings before it listens: a million takes its time."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The place of one benchmark.

    Attributes:
        home: folder for batches and logs; also Dagster's home.
        database_url: of an empty database.
        processes: ends with the benchmark what is started through it.
    """

    home: Path
    database_url: str
    processes: Processes

    def hotel(self, bookings: int) -> str:
        """Starts a sandbox PMS with generated bookings and returns its URL."""
        arguments = ["--bookings", str(bookings), "--api-key", PMS_KEY]
        return self._serve("odoo_pipelines_sandbox.pms", "/sandbox/stats", *arguments)

    def standin(self) -> str:
        """Starts an Odoo stand-in and returns its URL."""
        return self._serve("odoo_pipelines_sandbox.odoo", "/web/version")

    def environment(self, pms_url: str, **more: str) -> dict[str, str]:
        """Settings of an installation between that PMS and whatever `more` names, for a child process."""
        return {
            **inherited_environment(),
            "DAGSTER_HOME": str(self.home),
            "ODOO_PIPELINES_DATABASE_URL": self.database_url,
            "ODOO_PIPELINES_DATA": str(self.home / "data"),
            "PMS_URL": pms_url,
            "PMS_API_KEY": PMS_KEY,
            **more,
        }

    def _serve(self, module: str, probe: str, *arguments: str) -> str:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        self.processes.start(module, [sys.executable, "-m", module, "--port", str(port), *arguments])
        deadline = time.monotonic() + STARTUP_SECONDS
        while not _answers(url + probe):
            self.processes.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{module} does not answer; its output is in {self.processes.log_of(module)}")
            time.sleep(0.1)
        return url


@contextmanager
def open_bench() -> Iterator[Bench]:
    """A place for one benchmark; everything in it is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="odoo-pipelines-benchmark-"))
    home.chmod(0o711)  # run by root, the database server works under another account
    server = home / "postgres"
    try:
        url = ensure_server(server, grace_seconds=0.2)
        with Processes(_plain_environment(), home / "output") as processes:
            yield Bench(home, url, processes)
    finally:
        release_server(server)
        while ServerDirectory(server).is_kept():
            time.sleep(0.05)
        shutil.rmtree(home)


def _plain_environment() -> Mapping[str, str]:
    return inherited_environment()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
