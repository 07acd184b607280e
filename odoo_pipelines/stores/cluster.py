"""The embedded server's cluster on disk: what may be used, where a new one is made, and who may log in.

Nothing is removed here but what bears our own mark of an unfinished start.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores.private_files import make_passable
from odoo_pipelines.stores.programs import Programs
from odoo_pipelines.stores.server import SUPERUSER

MAJOR = "18"
MARK = "made-by-odoo-pipelines"
_VERSION_FILE = "PG_VERSION"
_CONTROL_FILE = "global/pg_control"
_MAP = "odoo_pipelines"
_ACCESS = f"""\
# Written at every start of the embedded server: the account that it belongs to, and root, over the socket; nobody else.
local all all peer map={_MAP}
"""
_ELSEWHERE = (
    "Nothing in it was touched. Restore it from a backup, or move it away to begin with an empty state, "
    "or set ODOO_PIPELINES_POSTGRES_DIR to another folder"
)


def is_there(data: Path) -> bool:
    """Whether a folder holds a cluster that can be used; an empty one, or none, may become one.

    Raises:
        EmbeddedPostgresError: it holds something else.
    """
    if not os.path.lexists(data):
        return False
    if not data.is_dir():
        raise EmbeddedPostgresError(f"{data} is no folder. {_ELSEWHERE}")
    if not any(data.iterdir()):
        return False
    version = data / _VERSION_FILE
    if not version.is_file() or not (data / _CONTROL_FILE).is_file():
        lacking = _CONTROL_FILE if version.is_file() else _VERSION_FILE
        raise EmbeddedPostgresError(f"{data} holds files, but no whole database: it lacks {lacking}. {_ELSEWHERE}")
    found = version.read_text(encoding="utf-8", errors="replace").strip()
    if found != MAJOR:
        message = (
            f"{data} was made by PostgreSQL {found or '(damaged)'}, and this is {MAJOR}. {_ELSEWHERE}; "
            f"to take the state along, dump it with that version (pg_dumpall) and load it into the new one"
        )
        raise EmbeddedPostgresError(message)
    return True


def refuse_foreign_home(home: Path) -> None:
    """Stops where the server's home is itself somebody's cluster.

    Raises:
        EmbeddedPostgresError: it is one.
    """
    if (home / _VERSION_FILE).exists():
        message = f"{home} is a database of PostgreSQL itself: set ODOO_PIPELINES_POSTGRES_DIR to another folder"
        raise EmbeddedPostgresError(message)


def place_for_a_new_one(unfinished: Path) -> Path:
    """A folder that does not exist yet, in one that bears our mark; what an interrupted start left there is removed.

    Raises:
        EmbeddedPostgresError: the folder is there and bears no mark.
    """
    mark = unfinished / MARK
    if unfinished.exists() and any(unfinished.iterdir()) and not mark.exists():
        raise EmbeddedPostgresError(f"{unfinished} is in the way, and was not made by an earlier start: move it away")
    remove_unfinished(unfinished)
    make_passable(unfinished)
    mark.touch()
    return unfinished / "data"


def remove_unfinished(unfinished: Path) -> None:
    """Removes what `place_for_a_new_one` has made; the mark goes last, so that an interruption is no riddle."""
    if unfinished.exists():
        if (unfinished / "data").exists():
            shutil.rmtree(unfinished / "data")
        (unfinished / MARK).unlink(missing_ok=True)
        unfinished.rmdir()


def allow_owner_only(data: Path, programs: Programs) -> bool:
    """Writes who may log in; an earlier version let in everybody who reached the socket. Returns whether that is new.

    Args:
        data: the cluster.
        programs: of the account that owns it.

    Raises:
        EmbeddedPostgresError: this process's account has no name, which the server would ask for.
    """
    names = sorted({_name_of(os.geteuid()), *_known_names(0, data.stat().st_uid)})
    users = "".join(f'{_MAP} "{name}" {SUPERUSER}\n' for name in names)
    written = [_write(data / "pg_hba.conf", _ACCESS, programs), _write(data / "pg_ident.conf", users, programs)]
    return any(written)


def _write(path: Path, text: str, programs: Programs) -> bool:
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
        return False
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    programs.give(fresh)
    fresh.replace(path)
    return True


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        message = f"account {uid} has no name: give it one in /etc/passwd, or set ODOO_PIPELINES_DATABASE_URL"
        raise EmbeddedPostgresError(message) from None


def _known_names(*uids: int) -> set[str]:
    found = set()
    for uid in uids:
        try:
            found.add(pwd.getpwuid(uid).pw_name)
        except KeyError:
            continue  # an account of our own has none, and does not log in
    return found
