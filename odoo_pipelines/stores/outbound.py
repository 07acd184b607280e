"""What has been sent out of Odoo: which records were posted, and which may have been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.run_counts import RunRef
from odoo_pipelines.stores.transactions import Transactions, transaction

_POSTING = tables.posting


@dataclass(frozen=True, slots=True)
class Posting:
    """A record of Odoo that was about to be posted.

    Attributes:
        key: by which the external system knows it.
        look_since: change time, UTC, from which it is looked for there; None: all.
        done: whether it is known to be there; otherwise it may be.
    """

    key: str
    look_since: datetime | None
    done: bool


class OutboundState:
    """What has been sent, of all integrations. Every method is one transaction; StateError as by `State`.

    Args:
        engine: of a database that `migrate` has brought up to date, or what stands for it in a dry run.
    """

    def __init__(self, engine: Transactions) -> None:
        self._engine = engine

    def postings(self, integration: str, flow: str, odoo_ids: Iterable[int]) -> dict[int, list[Posting]]:
        """What was begun, by Odoo id, oldest first; ids of which nothing was are absent."""
        columns = (_POSTING.c.odoo_id, _POSTING.c.key, _POSTING.c.look_since, _POSTING.c.done_at)
        query = sa.select(*columns).where(_POSTING.c.integration == integration, _POSTING.c.flow == flow)
        query = query.where(_POSTING.c.odoo_id.in_(list(odoo_ids))).order_by(_POSTING.c.begun_at)
        found: dict[int, list[Posting]] = defaultdict(list)
        with transaction(self._engine) as connection:
            for odoo_id, key, look_since, done_at in connection.execute(query):
                found[odoo_id].append(Posting(key, utc(look_since), done_at is not None))
        return dict(found)

    def begun_as(self, integration: str, flow: str, keys: Collection[str]) -> dict[str, list[Posting]]:
        """What was begun under each key, oldest first; keys under which nothing was are absent."""
        query = sa.select(_POSTING.c.key, _POSTING.c.look_since, _POSTING.c.done_at).where(_POSTING.c.key.in_(keys))
        query = query.where(_POSTING.c.integration == integration, _POSTING.c.flow == flow)
        found: dict[str, list[Posting]] = defaultdict(list)
        with transaction(self._engine) as connection:
            for key, look_since, done_at in connection.execute(query.order_by(_POSTING.c.begun_at)):
                found[key].append(Posting(key, utc(look_since), done_at is not None))
        return dict(found)

    def begin(self, run: RunRef, odoo_id: int, key: str, look_since: datetime | None) -> None:
        """Notes that a record is about to be posted; one that was begun before keeps the earlier time to look from."""
        named = {"integration": run.integration, "flow": run.flow, "odoo_id": odoo_id, "key": key}
        new = insert(_POSTING).values(**named, look_since=look_since, run_id=run.run_id)
        again = new.on_conflict_do_update(constraint=_POSTING.primary_key, set_={"run_id": new.excluded.run_id})
        with transaction(self._engine) as connection:
            connection.execute(again)

    def done(self, run: RunRef, odoo_id: int, key: str) -> None:
        """Notes that the external system has a record; the first time stays."""
        update = sa.update(_POSTING).where(
            _POSTING.c.integration == run.integration,
            _POSTING.c.flow == run.flow,
            _POSTING.c.odoo_id == odoo_id,
            _POSTING.c.key == key,
        )
        done_at = sa.func.coalesce(_POSTING.c.done_at, sa.func.now())
        with transaction(self._engine) as connection:
            connection.execute(update.values(done_at=done_at, run_id=run.run_id))
