"""One embedded PostgreSQL for the whole session, all xdist workers included, and fresh databases on it."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy.engine import make_url

from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.embedded import ensure_server, release_server
from odoo_pipelines.stores.server import ServerDirectory
from odoo_pipelines.stores.state import State
from odoo_pipelines.stores.tables import metadata
from odoo_pipelines_tests.real_odoo import real_odoo

__all__ = ["real_odoo"]  # a fixture of all folders

SERVER_VARIABLE = "ODOO_PIPELINES_TESTS_SERVER"
GRACE_SECONDS = 0.2
GARBAGE = 20_000
"""New objects after which it is collected; after Python's 700 it would take a tenth of the time."""
SERVER_SETTINGS = ("fsync = off", "full_page_writes = off", "autovacuum = off")
"""It need not survive a power cut, and no worker of its own is to be taken for a connection that was left open."""
END_OTHER_CONNECTIONS = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()"""
TABLES_OF_DAGSTER = """
    select string_agg(format('%I', tablename), ', ') from pg_tables
    where schemaname = 'public' and tablename not in ('alembic_version', 'instance_info', 'secondary_indexes')"""
"""All but those that tell how far they are migrated: Dagster takes a second to make them."""
RESTART_NUMBERS = """
    select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences"""

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process chooses the server's directory; the workers inherit it."""
    if SERVER_VARIABLE not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="odoo-pipelines-tests-"))
        home.chmod(0o711)  # run by root, the server works under another account
        os.environ[SERVER_VARIABLE] = str(home)
        config.add_cleanup(lambda: _remove_server(home))


def pytest_collection_finish() -> None:
    """What was imported stays: without this, the garbage collector walks through all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _remove_server(home: Path) -> None:
    """The workers have ended by now; without this process the server has no user left."""
    del os.environ[SERVER_VARIABLE]
    release_server(home)
    while ServerDirectory(home).is_kept():
        time.sleep(0.05)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def server_url() -> str:
    """URL of the superuser's database on the session's server."""
    url = ensure_server(Path(os.environ[SERVER_VARIABLE]), grace_seconds=GRACE_SECONDS)
    _execute(url, *(f"alter system set {setting}" for setting in SERVER_SETTINGS), "select pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Name of a migrated database that is cloned for every test that wants one."""
    with _database(server_url, "template1") as url:
        engine = connect(url)
        migrate(engine)
        engine.dispose()
        yield _name_of(url)


@pytest.fixture(scope="session")
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database that the tests of one worker share."""
    with _database(server_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def emptied_databases() -> list[str]:
    """Migrated databases that earlier tests have left; emptying one costs a tenth of cloning and dropping."""
    return []


@pytest.fixture
def fresh_database_url(server_url: str, template: str, emptied_databases: list[str]) -> Iterator[str]:
    """A migrated database of the test's own."""
    url = emptied_databases.pop() if emptied_databases else _create(server_url, template)
    yield url
    _empty(url)
    emptied_databases.append(url)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of the test's own without any table."""
    with _database(server_url, "template1") as url:
        yield url


@pytest.fixture
def engine(fresh_database_url: str) -> Iterator[sa.Engine]:
    """Connections to a migrated database of the test's own."""
    engine = connect(fresh_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def state(engine: sa.Engine) -> State:
    """An empty state of the test's own."""
    return State(engine)


@pytest.fixture(scope="session")
def instance() -> Iterator[dg.DagsterInstance]:
    """Records runs, not their events: half of a run's time would go into a log that next to no test reads."""
    nothing = dg.EventRecordsResult(records=[], cursor="", has_more=False)
    with dg.DagsterInstance.ephemeral() as instance:
        log = instance.event_log_storage
        log.store_event = lambda event: None  # type: ignore[method-assign]
        log.get_asset_records = lambda asset_keys=None: []  # type: ignore[method-assign]
        log.fetch_observations = lambda *_, **__: nothing  # type: ignore[method-assign]
        yield instance


@contextmanager
def _database(server_url: str, template: str) -> Iterator[str]:
    url = _create(server_url, template)
    yield url
    _drop(server_url, url)


def _create(server_url: str, template: str) -> str:
    name = f"test_{uuid4().hex}"
    _execute(server_url, f"create database {name} template {template} strategy file_copy")
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _drop(server_url: str, url: str) -> None:
    _execute(server_url, f"drop database {_name_of(url)} with (force)")


def _empty(url: str) -> None:
    """Ends what a test left open and takes its rows and its settings away."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(END_OTHER_CONNECTIONS))
        if names := connection.execute(sa.text(TABLES_OF_DAGSTER)).scalar_one():
            connection.execute(sa.text(f"truncate {names}"))
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        connection.execute(sa.text(RESTART_NUMBERS))
        connection.execute(sa.text(f'alter database "{_name_of(url)}" reset all'))


def _name_of(url: str) -> str:
    return make_url(url).database or ""


def _execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
