"""Transactions of the state, whose failures tell what went wrong without showing a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import psycopg2
import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.errors import StateError

UNREACHABLE = (
    "the database of the state cannot be reached, or the connection to it was lost; "
    "check ODOO_PIPELINES_DATABASE_URL, and that PostgreSQL runs"
)


class Transactions(Protocol):
    """What gives transactions: an engine, or the one transaction of a dry run."""

    def begin(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction, which ends with the block."""


@contextmanager
def transaction(engine: Transactions) -> Iterator[Connection]:
    """One transaction: committed when the block ends well, rolled back otherwise.

    Raises:
        StateError: the database failed. Its own error quotes rows, which are personal data, and is not passed on.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise StateError(_summary(error)) from None
    except sa.exc.TimeoutError:
        raise StateError("the database of the state gave no connection in time") from None


def _summary(error: sa.exc.DBAPIError) -> str:
    cause = error.orig
    code = cause.pgcode if isinstance(cause, psycopg2.Error) else None
    if code is None:
        return UNREACHABLE
    return f"the database of the state refused a statement: {type(cause).__name__} (SQLSTATE {code})"
