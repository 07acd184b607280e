"""The database's URL, and its schema."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr

from odoo_pipelines.errors import ConfigurationError, StateError
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.database import connect, database_url, migrate, migrations

NOWHERE = Path("/nonexistent")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_gets_the_driver_that_is_installed(scheme: str) -> None:
    given = SecretStr(f"{scheme}://user:p%40ss%2Fword@db.example:5433/odoo?sslmode=require")
    expected = "postgresql+psycopg2://user:p%40ss%2Fword@db.example:5433/odoo?sslmode=require"
    assert database_url(given, NOWHERE) == expected


@pytest.mark.parametrize("url", ["mysql://user:secret@host/name", "host=localhost password=secret", "secret"])
def test_another_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ODOO_PIPELINES_DATABASE_URL") as caught:
        database_url(SecretStr(url), NOWHERE)
    assert "secret" not in str(caught.value)


def test_the_migrations_make_the_tables_that_the_code_uses(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection) == []


def test_every_table_and_column_says_what_it_is(engine: sa.Engine) -> None:
    for table in tables.metadata.sorted_tables:
        assert table.comment
        assert all(column.comment for column in table.columns)


def test_the_migrations_can_be_taken_back(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        command.downgrade(migrations(connection), "base")
        assert sa.inspect(connection).get_table_names(schema=tables.SCHEMA) == ["alembic_version"]
        command.upgrade(migrations(connection), "head")
        assert differences(connection) == []


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert differences(connection) == []


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(migrate_url, [empty_database_url] * 3))
    engine = connect(empty_database_url)
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


def test_other_schemas_are_left_alone(empty_database_url: str) -> None:
    migrate_url(empty_database_url)
    engine = connect(empty_database_url)
    assert sa.inspect(engine).get_table_names(schema="public") == []
    engine.dispose()


def migrate_url(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    engine.dispose()


def differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name == tables.SCHEMA,
            "version_table_schema": tables.SCHEMA,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, tables.metadata))


def test_a_database_that_cannot_be_reached_is_an_error_of_the_state() -> None:
    engine = connect("postgresql+psycopg2://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(StateError, match="cannot be reached"):
        migrate(engine)
    engine.dispose()
