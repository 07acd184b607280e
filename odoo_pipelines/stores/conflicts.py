"""Questions that only a human can answer, and the answers: statements for use inside a transaction of the state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.errors import ResolutionError
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batch_registry import utc
from odoo_pipelines.stores.bulk import insert_rows, unnested
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.records import (
    BOTH_CHANGED,
    DELETED_IN_ODOO,
    ID_REUSED,
    POSSIBLE_MATCH,
    SEALED,
    TOTAL_DIFFERS,
    Choice,
    Conflict,
    Key,
    Resolution,
    RowOutcome,
)

OPEN, RESOLVED, APPLIED, CLOSED = tables.CONFLICT_STATES
WAITING = (OPEN, RESOLVED)

_TABLE = tables.conflict
_RUN = tables.sync_run
_KEY = ("integration", "flow", "entity", "external_id", "field")
_SIDES: tuple[Choice, ...] = ("external", "odoo")
_NO_ANSWER = {"choice": sa.null(), "value": sa.null(), "resolved_at": sa.null()}


@dataclass(frozen=True, slots=True)
class StoredConflict:
    """A question as the state keeps it; what the engine tells is described in `Conflict`.

    Attributes:
        id: number, by which it is answered.
        integration: name.
        flow: name.
        entity: kind of external record.
        external_id: its id there.
        state: open, resolved, applied or closed.
        choice: the answer, None as long as there is none.
        value: for the choice "value"; for "adopt" the record's id.
        stale: it was answered before, and had to be asked again.
        run_id: Dagster run that met it last.
        first_at: when it was met first, UTC.
        last_at: when it was met last, UTC.
        resolved_at: when it was answered, UTC.
    """

    id: int
    integration: str
    flow: str
    entity: str
    external_id: str
    field: str
    code: str
    reason: str
    base: Any
    external: Any
    odoo: Any
    external_at: datetime | None
    odoo_at: str
    state: str
    choice: Choice | None
    value: Any
    stale: bool
    run_id: str
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The answers that it allows: what cannot be written has to be mended in Odoo first, and is then retried."""
        if self.code == BOTH_CHANGED:
            whole_line = isinstance(self.external, dict) or isinstance(self.odoo, dict)
            return _SIDES if whole_line else (*_SIDES, "value")
        if self.code in (SEALED, TOTAL_DIFFERS):
            return ("odoo", "retry")
        if self.code == POSSIBLE_MATCH:
            return ("adopt", "new")
        if self.code == ID_REUSED:
            return ("external", "retry")
        return (*_SIDES, "retry") if self.code == DELETED_IN_ODOO else ("retry",)


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """Which conflicts are meant; None takes all.

    Attributes:
        integration: name.
        flow: name.
        entity: kind of external record.
        external_id: its id there.
        field: of Odoo; a line's as "order_line.price_unit", for all lines, or with the line's key.
        states: any of these.
    """

    integration: str | None = None
    flow: str | None = None
    entity: str | None = None
    external_id: str | None = None
    field: str | None = None
    states: Collection[str] = WAITING

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL."""
        equal = {name: getattr(self, name) for name in ("integration", "flow", "entity", "external_id")}
        wanted = [_TABLE.c[name] == value for name, value in equal.items() if value is not None]
        if self.field is not None:
            of_all_lines = sa.func.regexp_replace(_TABLE.c.field, r"\[.*\]", "")
            wanted.append(sa.or_(_TABLE.c.field == self.field, of_all_lines == self.field))
        return [*wanted, _TABLE.c.state.in_(list(self.states))]


def settle(connection: Connection, integration: str, flow: str, run_id: str, outcomes: Sequence[RowOutcome]) -> None:
    """Keeps the conflicts of a chunk, and ends those of its compared records that are over.

    An answer that was given after the run began is left alone: the run may not have known it, and the next one will.
    """
    met = {(row.entity, row.external_id, each.field): each for row in outcomes for each in row.conflicts}
    compared = {(row.entity, row.external_id) for row in outcomes if row.compared}
    if not met and not compared:
        return
    this_run = (_RUN.c.run_id == run_id, _RUN.c.integration == integration, _RUN.c.flow == flow)
    this_flow = (_TABLE.c.integration == integration, _TABLE.c.flow == flow)
    some_wait = sa.exists().where(*this_flow, _TABLE.c.state.in_(WAITING))  # most chunks meet none, and there is none
    began, waiting = connection.execute(sa.select(_RUN.c.started_at, some_wait).where(*this_run)).one()
    if waiting and compared:
        _end(connection, this_flow, began, compared, met)
    if met:
        rows = [
            {"entity": entity, "external_id": storable(external_id), **_values(conflict)}
            for (entity, external_id, _), conflict in met.items()
        ]
        _upsert(connection, began, rows, {"integration": integration, "flow": flow, "run_id": run_id})


def select_conflicts(connection: Connection, wanted: ConflictFilter, limit: int | None = None) -> list[StoredConflict]:
    """Conflicts, longest waiting first."""
    query = _stored().where(*wanted.conditions()).order_by(_TABLE.c.first_at, _TABLE.c.id).limit(limit)
    return [_conflict(row) for row in connection.execute(query)]


def select_conflict(connection: Connection, conflict_id: int) -> StoredConflict:
    """One conflict.

    Raises:
        ResolutionError: there is no such conflict.
    """
    row = connection.execute(_stored().where(_TABLE.c.id == conflict_id)).first()
    if row is None:
        message = f"there is no conflict {conflict_id}; `odoo-pipelines conflicts list --state all` shows them all"
        raise ResolutionError(message)
    return _conflict(row)


def resolve(connection: Connection, conflict_ids: Iterable[int], choice: Choice, value: Any = None) -> None:
    """Keeps a human's answer, which the next run applies; a later answer replaces it until then.

    Raises:
        ResolutionError: there is no such conflict, it is over, or it does not allow this answer.
    """
    # Not row by row: a run that settles a chunk locks the same rows in another order.
    connection.execute(sa.text(f"lock table {_TABLE.fullname} in share row exclusive mode"))
    ids = sorted(set(conflict_ids))
    for conflict_id in ids:
        _require_allowed(select_conflict(connection, conflict_id), choice, value)
    answer = {"state": RESOLVED, "choice": choice, "stale": False, "resolved_at": sa.func.clock_timestamp()}
    chosen = value if choice in ("value", "adopt") else sa.null()
    connection.execute(sa.update(_TABLE).where(_TABLE.c.id.in_(ids)).values(**answer, value=chosen))


def select_resolutions(connection: Connection, integration: str, flow: str) -> dict[Key, list[Resolution]]:
    """Answers that have not been applied yet, by record."""
    found: dict[Key, list[Resolution]] = {}
    for each in select_conflicts(connection, ConflictFilter(integration, flow, states=(RESOLVED,))):
        if each.choice is not None:
            answer = Resolution(each.field, each.choice, each.value, each.external, each.odoo)
            found.setdefault((each.entity, each.external_id), []).append(answer)
    return found


def select_asked(connection: Connection, integration: str, flow: str) -> set[Key]:
    """Rows over whose record a human is asked, and has not said that it is a new one."""
    query = sa.select(_TABLE.c.entity, _TABLE.c.external_id).where(
        *ConflictFilter(integration, flow).conditions(),
        _TABLE.c.code == POSSIBLE_MATCH,
        sa.func.coalesce(_TABLE.c.choice, "") != "new",
    )
    return {(entity, external_id) for entity, external_id in connection.execute(query)}


def select_in_doubt(connection: Connection, integration: str) -> set[Key]:
    """Records of which nobody has decided yet whether they are still those of their external ids."""
    query = sa.select(_TABLE.c.entity, _TABLE.c.external_id).where(
        *ConflictFilter(integration).conditions(), _TABLE.c.code == ID_REUSED
    )
    return {(entity, external_id) for entity, external_id in connection.execute(query)}


def purge_conflicts(connection: Connection, before: datetime) -> None:
    """Deletes conflicts that are over and were met and answered last before a time."""
    last = sa.func.greatest(_TABLE.c.last_at, _TABLE.c.resolved_at)
    connection.execute(sa.delete(_TABLE).where(_TABLE.c.state.not_in(WAITING), last < before))


def _end(
    connection: Connection,
    flow: tuple[sa.ColumnElement[bool], ...],
    began: datetime,
    compared: Iterable[Key],
    met: Iterable[tuple[str, str, str]],
) -> None:
    looked_at = _listed([(*key, "") for key in compared], "looked_at")
    still_there = _listed(met, "still_there")
    answered = sa.and_(_TABLE.c.state == RESOLVED, _TABLE.c.resolved_at < began)
    update = sa.update(_TABLE).where(
        *flow,
        _TABLE.c.state.in_(WAITING),
        _TABLE.c.entity == looked_at.c.entity,
        _TABLE.c.external_id == looked_at.c.external_id,
        sa.tuple_(_TABLE.c.entity, _TABLE.c.external_id, _TABLE.c.field).not_in(sa.select(*still_there.c)),
    )
    connection.execute(update.values(state=sa.case((answered, APPLIED), else_=CLOSED)))


def _upsert(connection: Connection, began: datetime, rows: Sequence[dict[str, Any]], same: Mapping[str, str]) -> None:
    new = insert_rows(_TABLE, rows, rows[0], same)
    newest = {name: new.excluded[name] for name in (*rows[0], "run_id") if name not in _KEY}
    was_answered = _TABLE.c.state == RESOLVED
    asked_again = {**newest, **_NO_ANSWER, "stale": sa.or_(_TABLE.c.stale, was_answered), "last_at": sa.func.now()}
    connection.execute(
        new.on_conflict_do_update(
            index_elements=_KEY,
            index_where=_TABLE.c.state.in_(WAITING),
            set_=asked_again,
            where=sa.or_(sa.not_(was_answered), _TABLE.c.resolved_at < began),
        )
    )


def _require_allowed(conflict: StoredConflict, choice: Choice, value: Any) -> None:
    if conflict.state not in WAITING:
        message = f"conflict {conflict.id} is {conflict.state}, so there is nothing to answer any more"
        raise ResolutionError(f"{message}; if the record is in conflict again, that is another one in the list")
    if choice not in conflict.choices:
        message = f"conflict {conflict.id} ({conflict.code}) cannot be answered with '{choice}'"
        allowed = f"only with: {', '.join(conflict.choices)}"
        raise ResolutionError(f"{message}, {allowed}; `odoo-pipelines conflicts show {conflict.id}` tells what to do")
    if choice == "adopt" and value not in (shown := [each["id"] for each in conflict.odoo]):
        message = f"conflict {conflict.id} asks about other records of Odoo, not about {value}"
        raise ResolutionError(f"{message}; it is one of: {', '.join(map(str, shown))}")


def _values(conflict: Conflict) -> dict[str, Any]:
    return {
        "field": storable(conflict.field),
        "code": conflict.code,
        "reason": storable(conflict.reason),
        "base": conflict.base,
        "external": conflict.external,
        "odoo": conflict.odoo,
        "external_at": conflict.external_at,
        "odoo_at": conflict.odoo_at,
        "state": OPEN,
        "stale": False,
    }


def _listed(keys: Iterable[tuple[str, str, str]], name: str) -> sa.TableValuedAlias:
    names = ("entity", "external_id", "field")
    rows = [dict(zip(names, map(storable, key), strict=True)) for key in keys]
    return unnested(rows, [_TABLE.c[each] for each in names], name)


def _stored() -> sa.Select[Any]:
    return sa.select(*(_TABLE.c[name] for name in StoredConflict.__slots__))


def _conflict(row: sa.Row[Any]) -> StoredConflict:
    values = row._asdict()
    times = {name: utc(values[name]) for name in ("external_at", "first_at", "last_at", "resolved_at")}
    return StoredConflict(**{**values, **times})
