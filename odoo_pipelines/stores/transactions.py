"""Transactions of the state, whose failures tell what went wrong without showing a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from odoo_pipelines.errors import StateError


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
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
        return "the database of the state cannot be reached, or the connection to it was lost"
    return f"the database of the state refused a statement: {type(cause).__name__} (SQLSTATE {code})"
