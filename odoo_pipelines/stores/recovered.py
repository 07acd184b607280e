"""What runs after a disaster have done, and which batches have lost their files: statements inside a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import delete_batches
from odoo_pipelines.systems.records import RECREATED, SET_BACK, Outcome

_BATCH = tables.batch
_OUTCOME = tables.outcome
_POSTING = tables.posting
_NAMES = (_OUTCOME.c.flow, _OUTCOME.c.entity, _OUTCOME.c.external_id)


@dataclass(frozen=True, slots=True)
class RecoveredRecord:
    """A record that Odoo had lost, or had in an older version.

    Attributes:
        flow: name.
        entity: kind of external record.
        external_id: its id there.
        fields: that were written again; empty for a record that was created again.
    """

    flow: str
    entity: str
    external_id: str
    fields: tuple[str, ...] = ()


def select_set_back(connection: Connection, run_ids: Sequence[str]) -> list[RecoveredRecord]:
    """Records of which runs wrote values again that Odoo had lost."""
    query = sa.select(*_NAMES, _OUTCOME.c.changes).where(_OUTCOME.c.run_id.in_(run_ids)).order_by(_OUTCOME.c.id)
    rows = connection.execute(query.where(_OUTCOME.c.changes.contains([{"policy": SET_BACK}])))
    return [
        RecoveredRecord(
            flow, entity, external_id, tuple(each["field"] for each in changes if each["policy"] == SET_BACK)
        )
        for flow, entity, external_id, changes in rows
    ]


def select_recreated(connection: Connection, run_ids: Sequence[str]) -> list[RecoveredRecord]:
    """Records that runs created again, because Odoo had them no more."""
    query = sa.select(*_NAMES).where(_OUTCOME.c.run_id.in_(run_ids), _OUTCOME.c.outcome == Outcome.CREATED)
    rows = connection.execute(query.where(_OUTCOME.c.warnings.contains([RECREATED])).order_by(_OUTCOME.c.id))
    return [RecoveredRecord(*row) for row in rows]


def select_sent(connection: Connection, integration: str, flow: str) -> list[str]:
    """Keys under which records of Odoo were sent to the external system, or may have been."""
    query = sa.select(_POSTING.c.key).where(_POSTING.c.integration == integration, _POSTING.c.flow == flow)
    return list(connection.scalars(query.distinct().order_by(_POSTING.c.key)))


def forget_lost(connection: Connection, integration: str, exists: Callable[[str], bool]) -> int:
    """Forgets the batches of an integration whose files are gone, and returns how many."""
    query = sa.select(_BATCH.c.id, _BATCH.c.path).where(_BATCH.c.integration == integration)
    lost = [batch_id for batch_id, path in connection.execute(query).all() if not exists(path)]
    delete_batches(connection, lost)
    return len(lost)
