"""The process that keeps the embedded PostgreSQL: `python -m odoo_pipelines.stores.keeper DIRECTORY GRACE_SECONDS`.

It starts the server, or adopts a running one, and stops it when its last user is gone. When it ends before that, one of
the users starts another.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores import cluster
from odoo_pipelines.stores.programs import Programs
from odoo_pipelines.stores.server import SUPERUSER, ServerDirectory, end_of, lock_file

_SETTINGS = {
    "listen_addresses": "",
    # Failed statements and details of errors would put rows into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}
_START_SECONDS = 60.0
_START_TRIES, _RETRY_SECONDS = 5, 0.5
_POLL_SECONDS, _WATCH_SECONDS = 0.05, 0.5
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 20, 0.01


class Keeper:
    """Keeps one server; see `main` for the order of events.

    Args:
        directory: of the server.
        programs: PostgreSQL's.
        grace_seconds: how long the server outlives its last user.
    """

    def __init__(self, directory: ServerDirectory, programs: Programs, grace_seconds: float) -> None:
        self._directory = directory
        self._programs = programs
        self._grace_seconds = grace_seconds
        self._server: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Makes the cluster, or takes over the one that is there; nothing that we have not made is ever removed.

        Raises:
            EmbeddedPostgresError: what is there cannot be used.
        """
        data = self._directory.data
        if cluster.is_there(data):
            self._take_over()
        else:
            self._make_cluster()
        if cluster.allow_owner_only(data, self._programs) and (pid := self._running_pid()) is not None:
            os.kill(pid, signal.SIGHUP)
        self._programs.make_private(self._directory.socket_dir)

    def _make_cluster(self) -> None:
        """Under another name until it is complete: a killed initdb leaves no half cluster."""
        fresh = cluster.place_for_a_new_one(self._directory.unfinished)
        maker = self._programs.for_initdb()
        maker.make_private(fresh)
        maker.run("initdb", "-D", fresh, "-U", SUPERUSER, "--auth=reject", "--encoding=UTF8", "--no-locale")
        self._programs.give(fresh)
        fresh.rename(self._directory.data)
        cluster.remove_unfinished(self._directory.unfinished)

    def _take_over(self) -> None:
        """Gives the cluster to the account that it is to have, if it is not its own; for that, its server must end."""
        data = self._directory.data
        if self._programs.owns(data):
            return
        if self._programs.account is None:
            raise EmbeddedPostgresError(f"{data} belongs to another user: run as that user, or choose another folder")
        if self._running_pid() is not None:
            self._programs.of_owner(data).run("pg_ctl", "-D", data, "-w", "-m", "fast", "stop")
        self._programs.give(data)

    def start(self) -> None:
        """Starts the server unless it runs, and waits until it answers.

        Raises:
            EmbeddedPostgresError: it ended again and again, or did not answer in time.
        """
        if self._running_pid() is not None:
            return
        self._drop_misleading_pid_file()
        deadline = time.monotonic() + _START_SECONDS
        for _ in range(_START_TRIES):  # workers of a server that was killed may hold its memory for a moment
            server = self._launch()
            while server.poll() is None and time.monotonic() < deadline:
                if self._directory.answers():
                    return
                time.sleep(_POLL_SECONDS)
            time.sleep(_RETRY_SECONDS)
        raise EmbeddedPostgresError(f"the server does not start: {end_of(self._directory.log)}")

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {**_SETTINGS, "unix_socket_directories": str(self._directory.socket_dir)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self._directory.log
        self._server = self._programs.start("postgres", "-D", self._directory.data, *arguments, log=log)
        return self._server

    def serve_until_unused(self) -> int:
        """Returns when nobody has used the server for a while, with the lock that keeps newcomers waiting."""
        while True:
            while self._directory.is_used():
                self.start()  # it may have crashed or been killed
                time.sleep(_WATCH_SECONDS)
            time.sleep(self._grace_seconds)
            with suppress(BlockingIOError):
                return lock_file(self._directory.users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def stop(self) -> None:
        """Stops the server and waits for its end."""
        if self._running_pid() is not None:
            self._programs.run("pg_ctl", "-D", self._directory.data, "-w", "-m", "fast", "stop")
        if self._directory.socket_dir != self._directory.data:
            self._directory.socket_dir.rmdir()

    def _running_pid(self) -> int | None:
        """Of the server, if the pid file names a postgres of this very directory."""
        if self._server is not None:
            self._server.poll()  # takes note of its end, or it would stay as a zombie
        pid = self._named_pid()
        try:
            return pid if pid is not None and str(self._directory.data) in psutil.Process(pid).cmdline() else None
        except psutil.Error:
            return None

    def _drop_misleading_pid_file(self) -> None:
        """Removes a pid file that PostgreSQL would stop at: damaged, or naming a process that is not its own.

        A kill or a reboot leaves it, and its pid may be anybody's by now. PostgreSQL sees for itself to dead pids.
        """
        pid = self._named_pid()
        if pid is None or psutil.pid_exists(pid):
            self._pid_file.unlink(missing_ok=True)

    def _named_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text(encoding="utf-8").split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    @property
    def _pid_file(self) -> Path:
        return self._directory.data / "postmaster.pid"


def main(home: Path, grace_seconds: float) -> None:
    """Keeps the server until nobody uses it; returns at once when it is kept already.

    Asked to end while somebody uses it, it leaves the server to the next keeper, which one of the users starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    directory = ServerDirectory(home)
    if not _become_keeper(directory):
        return
    keeper = Keeper(directory, Programs.find(home, directory.data), grace_seconds)
    keeper.prepare()
    leave = False
    try:
        keeper.start()
        keeper.serve_until_unused()
    except SystemExit:
        leave = directory.is_used()
        raise
    finally:
        if not leave:
            keeper.stop()


def _become_keeper(directory: ServerDirectory) -> bool:
    """Takes the keeper's lock for good; users who look whether there is a keeper hold it for an instant."""
    for _ in range(_LOCK_TRIES):
        try:
            lock_file(directory.keeper_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            return True
    return False


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), float(sys.argv[2]))
    except (EmbeddedPostgresError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
