"""Values that the external system was told, so that only those that have changed are told again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.bulk import insert_rows
from odoo_pipelines.stores.transactions import Transactions, transaction

_SENT = tables.sent_value


class SentValues:
    """What one flow of one integration has told. Every method is one transaction; StateError as by `State`.

    Args:
        engine: of a database that `migrate` has brought up to date.
        integration: name.
        flow: name.
    """

    def __init__(self, engine: Transactions, integration: str, flow: str) -> None:
        self._engine = engine
        self._named = {"integration": integration, "flow": flow}

    def all(self) -> dict[str, str]:
        """Every value by its key."""
        query = sa.select(_SENT.c.key, _SENT.c.value).where(*self._is()).order_by(_SENT.c.key)
        with transaction(self._engine) as connection:
            return dict(connection.execute(query).tuples().all())

    def remember(self, values: Mapping[str, str]) -> None:
        """Notes what was told just now, by key; an older value of the same key is replaced."""
        if values:
            rows = [{"key": key, "value": value} for key, value in values.items()]
            new = insert_rows(_SENT, rows, rows[0], self._named)
            now = {"value": new.excluded.value, "sent_at": sa.func.now()}
            with transaction(self._engine) as connection:
                connection.execute(new.on_conflict_do_update(constraint=_SENT.primary_key, set_=now))

    def forget(self, keys: Collection[str]) -> None:
        """Forgets what nobody asks for any more."""
        if keys:
            with transaction(self._engine) as connection:
                connection.execute(sa.delete(_SENT).where(*self._is(), _SENT.c.key.in_(keys)))

    def _is(self) -> list[sa.ColumnElement[bool]]:
        return [_SENT.c[name] == value for name, value in self._named.items()]
