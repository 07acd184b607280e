"""Child processes of the demo, each in a group of its own, so that all of them end when it does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from odoo_pipelines.errors import ConfigurationError

STOP_SECONDS = 20.0
_POLL_SECONDS = 0.2


class Processes:
    """Starts processes and stops them, the last one first, when the block ends.

    They work in the folder of the logs: a `.env` in the user's own folder would overrule their environment.

    Args:
        environment: of all of them.
        logs: folder for their output.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running.values()):
            _stop(process)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a process whose output goes to its log."""
        with self.log_of(name).open("wb") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=self._logs,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, command: Sequence[str], *, quiet: bool) -> bool:
        """Runs a process to its end, and tells whether it succeeded.

        Raises:
            ConfigurationError: a quiet one failed; the message names its log.
        """
        if not quiet:
            finished = subprocess.run(command, cwd=self._logs, env=self._environment, check=False)  # noqa: S603
            return finished.returncode == 0
        self.start(name, command)
        if self._running.pop(name).wait() != 0:
            raise ConfigurationError([f"{name} failed; its output is in {self.log_of(name)}"])
        return True

    def check(self) -> None:
        """Raises ConfigurationError if a process has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ConfigurationError([f"{name} has ended by itself; its output is in {self.log_of(name)}"])

    def wait(self) -> None:
        """Waits until a process ends by itself, which is an error."""
        while True:
            self.check()
            time.sleep(_POLL_SECONDS)

    def log_of(self, name: str) -> Path:
        """Where a process's output goes."""
        return self._logs / f"{name.replace(' ', '-')}.log"


def is_free(port: int) -> bool:
    """Whether a port of the loopback interface can be taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of the loopback interface that nobody has taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the whole group to end, and ends what does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
