"""The row counts of a run: every row in has exactly one outcome; statements for use inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from odoo_pipelines.errors import RowCountError
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.bulk import insert_rows, unnested
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import Counts, Key, Outcome, RowOutcome

_RUN = tables.sync_run
_OUTCOME = tables.outcome
_ZERO = {"extracted": 0, **dict.fromkeys((word.value for word in Outcome), 0)}


@dataclass(frozen=True, slots=True)
class RunRef:
    """One flow of one integration in one Dagster run."""

    run_id: str
    integration: str
    flow: str


def close_dead_runs(connection: Connection, integration: str, run_id: str) -> None:
    """Ends the counts of other runs of an integration: only one run writes for it, so they cannot be alive."""
    died = sa.update(_RUN).where(_RUN.c.integration == integration, _RUN.c.run_id != run_id, _RUN.c.status == "running")
    connection.execute(died.values(status="failed", finished_at=sa.func.now(), reason="the run died"))


def open_run(connection: Connection, run: RunRef, mode: str) -> None:
    """Opens the accounts; a repeated attempt starts them anew."""
    new = insert(_RUN).values(**_names(run), attempt=1, mode=mode, status="running", reason="")
    again = {"attempt": _RUN.c.attempt + 1, "mode": mode, "status": "running", "reason": ""}
    again |= {"started_at": sa.func.now(), "finished_at": None, **_ZERO}
    connection.execute(new.on_conflict_do_update(constraint=_RUN.primary_key, set_=again))


def add_counts(connection: Connection, run: RunRef, counts: Counts) -> int:
    """Adds a chunk's numbers, and returns the attempt; chunks of one flow take turns from here to their commit.

    Raises:
        RowCountError: the flow is not running.
    """
    added = {word.value: _RUN.c[word.value] + counts.by_outcome[word] for word in Outcome}
    added["extracted"] = _RUN.c.extracted + counts.extracted  # so far; the end is held against the batches
    update = sa.update(_RUN).where(*_is(run), _RUN.c.status == "running").values(added)
    attempt = connection.scalar(update.returning(_RUN.c.attempt))
    if attempt is None:
        raise RowCountError(f"flow {run.flow!r} of {run.integration!r} is not running in run {run.run_id}")
    return int(attempt)


def insert_outcomes(connection: Connection, run: RunRef, attempt: int, outcomes: Sequence[RowOutcome]) -> None:
    """Keeps what happened to each row; unchanged rows are only counted, unless they carry warnings that are new."""
    rows = list(_kept(_worth_keeping(connection, run, outcomes)))
    if rows:
        connection.execute(insert_rows(_OUTCOME, rows, rows[0], {**_names(run), "attempt": attempt}))


def close_run(connection: Connection, run: RunRef, extracted: int) -> Counts:
    """Notes the rows that went in, and the end: succeeded if the outcomes add up to them, else failed."""
    sum_of_outcomes = sum((_RUN.c[word.value] for word in Outcome), start=sa.literal(0))
    update = sa.update(_RUN).where(*_is(run), _RUN.c.status == "running")
    balanced = sum_of_outcomes == extracted
    update = update.values(
        extracted=extracted,
        finished_at=sa.func.now(),
        status=sa.case((balanced, "succeeded"), else_="failed"),
        reason=sa.case((balanced, ""), else_="the numbers do not add up"),
    )
    row = connection.execute(update.returning(*_count_columns())).first()
    if row is None:
        raise RowCountError(f"flow {run.flow!r} of {run.integration!r} is not running in run {run.run_id}")
    return _counts(row._asdict())


def require_balance(run: RunRef, counts: Counts) -> None:
    """Raises RowCountError with the numbers unless every row has exactly one outcome."""
    if not counts.balanced:
        numbers = ", ".join(f"{count} {word}" for word, count in counts.by_outcome.items())
        message = (
            f"flow {run.flow!r} of {run.integration!r}: {counts.extracted} rows went in, but "
            f"{sum(counts.by_outcome.values())} came out ({numbers}). Its batches stay to be done."
        )
        raise RowCountError(message)


def fail_run(connection: Connection, run: RunRef, reason: str) -> None:
    """Marks a flow as failed, unless it has ended already."""
    update = sa.update(_RUN).where(*_is(run), _RUN.c.status == "running")
    connection.execute(update.values(status="failed", finished_at=sa.func.now(), reason=storable(reason)))


def select_counts(connection: Connection, run_id: str) -> dict[str, Counts]:
    """Numbers of a run by flow, added up over its integrations."""
    sums = [sa.cast(sa.func.sum(column), sa.BigInteger).label(column.name) for column in _count_columns()]
    query = sa.select(_RUN.c.flow, *sums).where(_RUN.c.run_id == run_id).group_by(_RUN.c.flow)
    query = query.order_by(sa.func.min(_RUN.c.started_at))
    return {row.flow: _counts(row._asdict()) for row in connection.execute(query)}


def select_outcomes(connection: Connection, run: RunRef, keys: Sequence[Key]) -> dict[Key, Outcome]:
    """What became of records in a run, as far as it is kept; the last outcome counts."""
    pairs = [{"entity": entity, "external_id": external_id} for entity, external_id in keys]
    wanted = unnested(pairs, [_OUTCOME.c.entity, _OUTCOME.c.external_id], "wanted")
    query = sa.select(_OUTCOME.c.entity, _OUTCOME.c.external_id, _OUTCOME.c.outcome).order_by(_OUTCOME.c.id)
    query = query.where(*(_OUTCOME.c[name] == value for name, value in _names(run).items()))
    query = query.where(_OUTCOME.c.entity == wanted.c.entity, _OUTCOME.c.external_id == wanted.c.external_id)
    return {(entity, external_id): Outcome(word) for entity, external_id, word in connection.execute(query)}


def purge_outcomes(connection: Connection, before: datetime) -> int:
    """Deletes outcomes older than a time, and returns how many."""
    return connection.execute(sa.delete(_OUTCOME).where(_OUTCOME.c.at < before)).rowcount


def _worth_keeping(connection: Connection, run: RunRef, outcomes: Sequence[RowOutcome]) -> list[RowOutcome]:
    """The outcomes without those that say nothing, or what the one before has said: each full sync would say it."""
    unchanged = [row for row in outcomes if row.outcome is Outcome.UNCHANGED and row.warnings]
    said = _last_warnings(connection, run, unchanged) if unchanged else {}
    return [
        row
        for row in outcomes
        if row.outcome is not Outcome.UNCHANGED
        or (row.warnings and said.get((row.entity, storable(row.external_id))) != [*map(storable, row.warnings)])
    ]


def _last_warnings(connection: Connection, run: RunRef, rows: Sequence[RowOutcome]) -> dict[Key, list[str]]:
    """The warnings of the last outcome that is kept, by record."""
    pairs = [{"entity": row.entity, "external_id": storable(row.external_id)} for row in rows]
    wanted = unnested(pairs, [_OUTCOME.c.entity, _OUTCOME.c.external_id], "wanted")
    key = (_OUTCOME.c.entity, _OUTCOME.c.external_id)
    query = sa.select(*key, _OUTCOME.c.warnings).distinct(*key).order_by(*key, _OUTCOME.c.id.desc())
    query = query.where(_OUTCOME.c.integration == run.integration, _OUTCOME.c.flow == run.flow)
    query = query.where(key[0] == wanted.c.entity, key[1] == wanted.c.external_id)
    return {(entity, external_id): warnings for entity, external_id, warnings in connection.execute(query)}


def _kept(outcomes: Iterable[RowOutcome]) -> Iterator[dict[str, Any]]:
    for row in outcomes:
        yield {
            "entity": row.entity,
            "external_id": storable(row.external_id),
            "outcome": row.outcome.value,
            "weight": row.weight,
            "field": storable(row.field),
            "code": row.code,
            "reason": storable(row.reason),
            "warnings": [storable(warning) for warning in row.warnings],
            "changes": [asdict(change) for change in row.changes],
        }


def _names(run: RunRef) -> dict[str, str]:
    return {"run_id": run.run_id, "integration": run.integration, "flow": run.flow}


def _is(run: RunRef) -> list[sa.ColumnElement[bool]]:
    return [_RUN.c[name] == value for name, value in _names(run).items()]


def _count_columns() -> list[sa.Column[Any]]:
    return [_RUN.c[name] for name in _ZERO]


def _counts(values: dict[str, Any]) -> Counts:
    return Counts(extracted=values["extracted"], by_outcome={word: values[word.value] for word in Outcome})
