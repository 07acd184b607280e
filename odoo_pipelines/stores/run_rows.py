"""What became of the rows of one run; statements inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc

_OUTCOME, _RUN = tables.outcome, tables.sync_run


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which outcomes of a run are wanted.

    Attributes:
        run_id: Dagster run.
        integration: only this one; None: all.
        flow: only this one; None: all.
        outcomes: only these; empty: all.
    """

    run_id: str
    integration: str | None = None
    flow: str | None = None
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What became of one row; the attributes are columns of the table `outcome`."""

    run_id: str
    integration: str
    flow: str
    attempt: int
    entity: str
    external_id: str
    outcome: str
    weight: int
    field: str
    code: str
    reason: str
    warnings: list[str]
    changes: list[dict[str, Any]]
    at: datetime


def select_run_outcomes(connection: Connection, wanted: RunFilter, limit: int | None) -> list[RunOutcome]:
    """Outcomes of a run, oldest first; of unchanged rows only those with warnings that are new are kept."""
    query = sa.select(*(_OUTCOME.c[name] for name in RunOutcome.__slots__)).where(_OUTCOME.c.run_id == wanted.run_id)
    for name in ("integration", "flow"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(_OUTCOME.c[name] == value)
    if wanted.outcomes:
        query = query.where(_OUTCOME.c.outcome.in_(wanted.outcomes))
    rows = connection.execute(query.order_by(_OUTCOME.c.id).limit(limit))
    return [RunOutcome(**{**row._asdict(), "at": utc(row.at)}) for row in rows]


def select_newest_run(connection: Connection, integration: str) -> str | None:
    """The run of an integration that started last."""
    query = sa.select(_RUN.c.run_id).where(_RUN.c.integration == integration).order_by(_RUN.c.started_at.desc())
    return connection.scalar(query.limit(1))


def select_runs(connection: Connection, integration: str, limit: int) -> list[dict[str, Any]]:
    """Numbers of the newest runs, one for each flow, as the table `sync_run` has them."""
    query = sa.select(_RUN).where(_RUN.c.integration == integration).order_by(_RUN.c.started_at.desc(), _RUN.c.flow)
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]
