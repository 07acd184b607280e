"""The processes that an installation runs for good: receiver, code server and daemon, each to be killed alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import requests
import yaml

from odoo_pipelines.commands.processes import free_port

STARTUP_SECONDS = 120.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2

T = TypeVar("T")


@dataclass
class Services:
    """Starts them, kills them, starts them again.

    Attributes:
        environment: of all of them.
        home: where they run, and write their logs.
    """

    environment: dict[str, str]
    home: Path
    receiver_port: int = field(default_factory=free_port)
    code_port: int = field(default_factory=free_port)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        place = {"host": "127.0.0.1", "port": self.code_port, "location_name": "odoo_pipelines"}
        workspace = yaml.safe_dump({"load_from": [{"grpc_server": place}]})
        (self.home / "workspace.yaml").write_text(workspace, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.terminate()
        for name, process in list(self._running.items()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            self.kill(name)

    @property
    def receiver_url(self) -> str:
        """Without a trailing slash."""
        return f"http://127.0.0.1:{self.receiver_port}"

    def start_receiver(self) -> None:
        """Until it can store events."""
        command = ["odoo_pipelines.cli", "serve", "--host", "127.0.0.1", "--port", str(self.receiver_port)]
        self._start("receiver", *command)
        eventually("the receiver is ready", self._is_ready, STARTUP_SECONDS)

    def start_code(self) -> None:
        """Its runs are its children."""
        where = ["-h", "127.0.0.1", "-p", str(self.code_port)]
        self._start("code", "dagster", "api", "grpc", "-m", "odoo_pipelines.definitions", *where)
        ping = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "-p", str(self.code_port)]
        eventually("the code server answers", lambda: self._succeeds(ping), STARTUP_SECONDS)

    def start_daemon(self) -> None:
        """Ticks sensors, takes runs out of the queue, finds dead ones."""
        self._start("daemon", "dagster._daemon", "run", "-w", "workspace.yaml")

    def kill(self, name: str) -> None:
        """SIGKILL for a process and its children."""
        process = self._running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        del self._running[name]

    def runs(self, name: str) -> bool:
        """Whether a process is there."""
        return name in self._running

    def _start(self, name: str, *module_and_arguments: str) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *module_and_arguments],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _succeeds(self, command: list[str]) -> bool:
        done = subprocess.run(command, cwd=self.home, env=self.environment, capture_output=True, check=False)  # noqa: S603
        return done.returncode == 0

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.receiver_url}/readyz", timeout=5).ok
        except requests.RequestException:
            return False


def eventually(what: str, look: Callable[[], T], seconds: float = 60.0) -> T:
    """Waits until something is true, and gives it."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)
    return found
