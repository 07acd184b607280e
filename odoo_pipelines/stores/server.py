"""The embedded server's directory: its files, its locks and its socket, as users and keeper both see them.

users.lock    every user process holds it shared for its whole life; the kernel drops it however the process ends
keeper.lock   the keeper holds it exclusively, as long as it keeps the server
data/         the cluster, and its socket unless the path is unfit for one
unfinished/   a cluster that is being made
log           of the server
keeper.log    of the keeper's start
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2

_LINES_SHOWN = 3
SUPERUSER = "postgres"
DATABASE = "postgres"
# A socket's path ends after 107 bytes, of which "/.s.PGSQL.5432" and its lock file take up to 19.
_LONGEST_SOCKET_DIR = 88
_FIT_FOR_SOCKET = re.compile(r"[\w./+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServerDirectory:
    """Paths of one embedded server.

    Attributes:
        home: resolved directory that holds everything else.
    """

    home: Path

    @property
    def users_lock(self) -> Path:
        """Held shared by every user."""
        return self.home / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held exclusively by the keeper."""
        return self.home / "keeper.lock"

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.home / "data"

    @property
    def unfinished(self) -> Path:
        """Where a cluster is until it is complete."""
        return self.home / "unfinished"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "log"

    @property
    def keeper_log(self) -> Path:
        """What the keeper says while it starts."""
        return self.home / "keeper.log"

    @property
    def socket_dir(self) -> Path:
        """The cluster itself, unless its path is too long for a socket or would need quoting."""
        if len(os.fsencode(self.data)) <= _LONGEST_SOCKET_DIR and _FIT_FOR_SOCKET.fullmatch(str(self.data)):
            return self.data
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"odoo-pipelines-{os.geteuid()}-{digest}"

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg2://{SUPERUSER}@/{DATABASE}?host={quote(str(self.socket_dir))}"

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg2.connect(host=str(self.socket_dir), user=SUPERUSER, dbname=DATABASE, connect_timeout=3).close()
        except psycopg2.OperationalError:
            return False
        return True

    def is_kept(self) -> bool:
        """Whether there is a keeper."""
        return _is_locked(self.keeper_lock, fcntl.LOCK_SH)

    def is_used(self) -> bool:
        """Whether any process uses it."""
        return _is_locked(self.users_lock, fcntl.LOCK_EX)


def lock_file(path: Path, operation: int) -> int:
    """Takes a lock, and returns the descriptor that holds it (closed in child programs).

    Raises:
        BlockingIOError: another process has it, and the operation does not wait.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _is_locked(path: Path, operation: int) -> bool:
    try:
        os.close(lock_file(path, operation | fcntl.LOCK_NB))
    except BlockingIOError:
        return True
    return False


def end_of(log: Path) -> str:
    """The last lines of a log, for an error message."""
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""
    return f"{' / '.join(text.splitlines()[-_LINES_SHOWN:]) or 'it left no message'} (see {log})"
