"""Faults beside the wire: the database of the state and the disk."""

from __future__ import annotations

import errno
import os
from typing import Any

import fsspec
import sqlalchemy as sa
from fsspec.implementations.local import LocalFileOpener, LocalFileSystem

HALF_HOURS = 2
"""Runs in the hour for which a side is down."""
_CUT = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name <> 'outage'
"""


def cut_connections(database_url: str) -> int:
    """Ends every connection to a database, as a restart of the server does; tells how many there were."""
    own = {"application_name": "outage"}
    engine = sa.create_engine(database_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT", connect_args=own)
    with engine.connect() as connection:
        return len(connection.execute(sa.text(_CUT)).all())


class Disk(LocalFileSystem):  # type: ignore[misc]
    """The local disk under another name, which can be full.

    Attributes:
        full: nothing more can be written.
    """

    protocol = "disk"
    full = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("disk://")))

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> LocalFileOpener:
        return _File(path, mode, fs=self, **options)


class _File(LocalFileOpener):  # type: ignore[misc]
    def write(self, content: Any) -> int:
        if Disk.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(super().write(content))


fsspec.register_implementation("disk", Disk)
