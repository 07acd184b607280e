"""The PostgreSQL database: where it is, how it is connected, and how its schema is brought up to date."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url

from odoo_pipelines.errors import ConfigurationError, EmbeddedPostgresError, NewerSchemaError
from odoo_pipelines.stores.tables import SCHEMA
from odoo_pipelines.stores.transactions import transaction

DRIVER = "postgresql+psycopg2"
LOCK_SPACE = 0x0D00
"""First half of our advisory locks' keys: keeps them apart from Dagster's and other applications'."""
_MIGRATION_LOCK = 0
_MIGRATIONS = "odoo_pipelines.stores:migrations"
_POOL_SIZE, _MAX_OVERFLOW, _RECYCLE_SECONDS = 6, 6, 1800  # as many stay open as chunks are in flight
_SPELLINGS = {"postgres", "postgresql", "postgresql+psycopg2"}


def database_url(url: SecretStr | None, embedded_dir: Path) -> str:
    """The URL of the database, with its driver; without one given, the embedded server is started and named.

    Raises:
        ConfigurationError: the URL is not one of PostgreSQL.
        EmbeddedPostgresError: the embedded server cannot run here.
    """
    if url is not None:
        return _normalised(url.get_secret_value())
    if os.name != "posix":
        message = "the embedded PostgreSQL runs on Linux and macOS only: set ODOO_PIPELINES_DATABASE_URL"
        raise EmbeddedPostgresError(message)
    from odoo_pipelines.stores.embedded import ensure_server  # noqa: PLC0415 - its locks are POSIX's

    return ensure_server(embedded_dir)


def connect(url: str, *, answer_seconds: int | None = None) -> Engine:
    """An engine with a small pool; it connects when it is first used.

    Args:
        url: as `database_url` gives it.
        answer_seconds: after which a server that does not answer is given up; None: never, as runs can wait.
    """
    return sa.create_engine(
        url,
        connect_args={"application_name": "odoo_pipelines", **_limits(answer_seconds)},
        hide_parameters=True,  # they are rows
        json_serializer=_json_text,
        json_deserializer=orjson.loads,
        pool_size=_POOL_SIZE,
        max_overflow=_MAX_OVERFLOW,
        pool_recycle=_RECYCLE_SECONDS,
        pool_pre_ping=True,
    )


def migrate(engine: Engine) -> None:
    """Brings the schema up to date, all of it or nothing; processes that start together wait for one another.

    Raises:
        NewerSchemaError: a newer version of this package has been here.
        StateError: the database failed.
    """
    with transaction(engine) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_SPACE, _MIGRATION_LOCK)))
        connection.execute(sa.text(f"create schema if not exists {SCHEMA}"))
        _refuse_newer(connection)
        if _revisions(connection) != {_scripts().get_current_head()}:  # Alembic reads all its scripts anew for nothing
            command.upgrade(migrations(connection), "head")


def refuse_newer_schema(engine: Engine) -> None:
    """Stops where a newer version of this package has changed the tables, perhaps while this process ran.

    Raises:
        NewerSchemaError: it has.
        StateError: the database failed.
    """
    with transaction(engine) as connection:
        _refuse_newer(connection)


def migrations(connection: Connection) -> Config:
    """Alembic's configuration, for a connection whose transaction the caller ends."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection) -> None:
    scripts = _scripts()
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(_revisions(connection) - known):
        message = (
            f"the tables of the state are at revision {', '.join(unknown)}, made by a newer version of odoo-pipelines; "
            f"this one ({version('odoo-pipelines')}) knows them up to {scripts.get_current_head()}: upgrade the "
            "package here, and start again"
        )
        raise NewerSchemaError(message)


def _revisions(connection: Connection) -> set[str]:
    """That the tables are at; none where there are no tables yet."""
    return set(MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_heads())


@cache
def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return ScriptDirectory.from_config(config)


def _limits(answer_seconds: int | None) -> dict[str, Any]:
    if answer_seconds is None:
        return {}
    milliseconds = answer_seconds * 1000
    return {
        "connect_timeout": answer_seconds,
        "tcp_user_timeout": milliseconds,
        "options": f"-c statement_timeout={milliseconds}",
    }


def _normalised(url: str) -> str:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        # The text may hold a password, so neither it nor the parser's message is shown.
        raise ConfigurationError(
            ["ODOO_PIPELINES_DATABASE_URL: not a URL; expected postgresql://user:password@host/name"]
        ) from None
    if parsed.drivername not in _SPELLINGS:
        problem = f"ODOO_PIPELINES_DATABASE_URL: needs PostgreSQL (postgresql://...), not {parsed.drivername}"
        raise ConfigurationError([problem])
    return parsed.set(drivername=DRIVER).render_as_string(hide_password=False)


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
