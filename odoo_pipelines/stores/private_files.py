"""Folders and files for their owner alone, whatever the umask: what is kept in them is personal data.

An earlier version made them readable by everybody; what it left is closed with the first write. What belongs to another
account is left as it is, and so is everything on systems that have no such permissions; `doctor` names what is open.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PASSABLE = 0o711

_logger = logging.getLogger(__name__)


def make_folder(path: Path) -> None:
    """Makes a folder, and those above that are missing; one that is there already is closed to others.

    Raises:
        OSError: it cannot be made.
    """
    for missing in reversed([each for each in path.parents if not each.exists()]):
        make_passable(missing)
    path.mkdir(mode=FOLDER, exist_ok=True)
    close(path, FOLDER)


def make_passable(path: Path) -> None:
    """Makes a folder and those above; run by root, others may pass through it, as the embedded server has to.

    Raises:
        OSError: it cannot be made.
    """
    if not path.exists():
        mode = _PASSABLE if _is_root() else FOLDER
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        close(path, mode)


def make_file(path: Path) -> None:
    """Makes an empty file unless it is there, and closes it to others before anything is in it.

    Raises:
        OSError: it cannot be made.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE))
    close(path, FILE)


def close(path: Path, mode: int) -> None:
    """Gives a folder or file of our own these permissions, unless it has them or narrower ones."""
    found = path.stat()
    now = stat.S_IMODE(found.st_mode)
    needed = mode & stat.S_IRWXU
    if os.name != "posix" or found.st_uid != os.geteuid() or (not now & ~mode & _OTHERS and now & needed == needed):
        return
    try:
        path.chmod(mode)
    except OSError as error:  # a file system without permissions
        _logger.warning("%s cannot be closed to other accounts: %s", path, error.strerror)


def close_tree(folder: Path) -> None:
    """Closes a folder and everything below it, itself at last: if that is closed, all of it is.

    Raises:
        OSError: a folder cannot be looked into.
    """
    for parent, folders, files in os.walk(folder, topdown=False, onerror=_raise):
        for names, mode in ((files, FILE), (folders, FOLDER)):
            for path in (Path(parent, name) for name in names):
                with suppress(FileNotFoundError):  # another process may clean up
                    if not path.is_symlink():
                        close(path, mode)
    close(folder, FOLDER)


def is_open(path: Path) -> bool:
    """Whether others than the owner may do anything with a folder or file; one that is gone is not open."""
    return os.name == "posix" and path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)


def open_to_others(folder: Path) -> Iterator[Path]:
    """Folders and files at and below a folder whose permissions are not for their owner alone.

    Raises:
        OSError: a folder cannot be looked into.
    """
    if is_open(folder):
        yield folder
    for parent, folders, files in os.walk(folder, onerror=_raise) if folder.exists() else ():
        for path in (Path(parent, name) for name in (*folders, *files)):
            if not path.is_symlink() and is_open(path):
                yield path


def _raise(error: OSError) -> None:
    """What os.walk cannot look into; a folder that is gone meanwhile is none of it."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0
