"""One writer per integration: an advisory lock, which PostgreSQL drops however its holder ends.

Dagster's pool keeps runs of the queue apart; the lock holds for runs that bypass it, too. It is held by a connection of
its own, which must not go through a pooler in transaction mode.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from sqlalchemy.engine import make_url

from odoo_pipelines.errors import IntegrationBusyError, StateError
from odoo_pipelines.stores.database import LOCK_SPACE
from odoo_pipelines.stores.transactions import UNREACHABLE

_APPLICATION = "odoo_pipelines writer "
_LONGEST_APPLICATION_NAME = 63
_POLL_SECONDS = 1.0
# pg_locks shows the second half of the key without its sign.
_HOLDER = """
    select activity.application_name, activity.backend_start
    from pg_locks as lock join pg_stat_activity as activity using (pid)
    where lock.locktype = 'advisory' and lock.granted
      and lock.classid = %(space)s and lock.objid = %(key)s & 4294967295 and lock.objsubid = 2
      and lock.database = (select oid from pg_database where datname = current_database())
"""


@contextmanager
def one_writer(
    url: str,
    integration: str,
    run_id: str,
    wait_seconds: float,
    log: logging.Logger,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Callable[[], None]]:
    """Makes this run the only one that writes for an integration, waiting for the one that does.

    Yields:
        A check to be called before every write, from any thread: it raises IntegrationBusyError once the lock is lost.

    Raises:
        IntegrationBusyError: another run was still writing after `wait_seconds`.
        StateError: the database cannot be reached.
    """
    key = {"space": LOCK_SPACE, "key": _lock_key(integration)}
    with closing(_connect(url, run_id)) as connection:
        _acquire(connection, key, integration=integration, wait_seconds=wait_seconds, log=log, sleep=sleep)

        def check() -> None:
            try:
                _ask(connection, "select 1")
            except psycopg2.Error as error:
                raise IntegrationBusyError(_lost(integration)) from error

        try:
            yield check
        finally:
            _release(connection, key)


def _release(connection: Connection, key: dict[str, int]) -> None:
    """Frees the lock before the server has noticed that the connection is closed; a lost one has freed it already."""
    with suppress(psycopg2.Error):
        _ask(connection, "select pg_advisory_unlock(%(space)s, %(key)s)", key)


def _connect(url: str, run_id: str) -> Connection:
    plain_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"{_APPLICATION}{run_id}"[:_LONGEST_APPLICATION_NAME]
    try:
        connection: Connection = psycopg2.connect(
            plain_url, application_name=name, keepalives_idle=30, keepalives_interval=10, keepalives_count=3
        )
    except psycopg2.Error:
        raise StateError(UNREACHABLE) from None
    connection.autocommit = True
    return connection


def _acquire(
    connection: Connection,
    key: dict[str, int],
    *,
    integration: str,
    wait_seconds: float,
    log: logging.Logger,
    sleep: Callable[[float], None],
) -> None:
    waited = 0.0
    while not _ask(connection, "select pg_try_advisory_lock(%(space)s, %(key)s)", key)[0]:
        busy = f"integration {integration!r} is being written by run {_holder(connection, key)}"
        if waited >= wait_seconds:
            message = f"{busy}; waited {waited:.0f} s. Only one run at a time may write for an integration."
            raise IntegrationBusyError(message)
        if not waited:
            log.info("%s; waiting up to %.0f s", busy, wait_seconds)
        sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _holder(connection: Connection, key: dict[str, int]) -> str:
    found = _ask(connection, _HOLDER, key)
    return f"{found[0].removeprefix(_APPLICATION)} (since {found[1]:%H:%M:%S})" if found else "unknown"


def _lost(integration: str) -> str:
    return f"the connection that made this run the only writer of {integration!r} is gone; nothing more is written"


def _ask(connection: Connection, query: str, parameters: dict[str, int] | None = None) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone() or ()


def _lock_key(integration: str) -> int:
    """A signed 32-bit number, as the advisory lock functions take it."""
    return int.from_bytes(hashlib.sha256(integration.encode()).digest()[:4], "big", signed=True)
