"""What the engine remembers of records, batches and outcomes: the words between the engine and the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

Key: TypeAlias = tuple[str, str]
"""(entity, external id): one record of an integration."""

Layer: TypeAlias = Literal["external", "mapped"]

WHOLE = ""
"""The partition of a stream that is not partitioned."""


class Outcome(StrEnum):
    """What happened to one row in one run: exactly one of these."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Binding:
    """The part of a record that the local diff needs.

    Attributes:
        odoo_id: database id of the Odoo record.
        hash: of the mapped row on which both sides last agreed.
        updated_at: change time of that row in the external system.
    """

    odoo_id: int
    hash: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """One external record and the Odoo record that it is bound to.

    Attributes:
        entity: kind of external record.
        external_id: its id there.
        model: technical name of the Odoo model.
        odoo_id: database id of the Odoo record.
        hash: of the mapped row on which both sides last agreed.
        base: values on which both sides last agreed, by Odoo field name, as Odoo stores them; JSON types.
        write_date: of the Odoo record when they agreed, as Odoo prints it; "" where it was not read.
        updated_at: change time of the row in the external system.
    """

    entity: str
    external_id: str
    model: str
    odoo_id: int
    hash: str
    base: dict[str, Any]
    write_date: str
    updated_at: datetime | None

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.entity, self.external_id


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What happened to one row, or to several equal ones.

    Attributes:
        entity: kind of external record.
        external_id: "" where it could not be read.
        outcome: one of the six.
        weight: rows that it counts for.
        field: at fault, for rejections and conflicts.
        code: short, stable, free of personal data.
        reason: the whole sentence, for the state only.
        transient: a later run may succeed without anybody changing the row.
        payload: JSON text of the rejected row as it came (from the mapping) or as it was mapped (from the load).
        warnings: values that were dropped from the row.
    """

    entity: str
    external_id: str
    outcome: Outcome
    weight: int = 1
    field: str = ""
    code: str = ""
    reason: str = ""
    transient: bool = False
    payload: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """One immutable Parquet file: the unit of work between assets.

    Attributes:
        id: number in the state; 0 before it is registered.
        integration: name.
        layer: "external" as extracted, or "mapped".
        name: of the stream or the flow.
        partition: key, or WHOLE.
        run_id: Dagster run that wrote it.
        path: below the data root.
        rows: rows that the pages carried, or weights of the mapped rows added up.
        newest: newest `updated_at` in it.
        complete: holds the whole window of its partition, so that earlier batches of it say nothing more.
    """

    id: int
    integration: str
    layer: Layer
    name: str
    partition: str
    run_id: str
    path: str
    rows: int
    newest: datetime | None
    complete: bool = False


@dataclass(slots=True)
class Counts:
    """Rows in and outcomes out of one flow in one run."""

    extracted: int = 0
    by_outcome: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))

    def add(self, outcome: Outcome, weight: int = 1) -> None:
        """Counts a row's outcome."""
        self.by_outcome[outcome] += weight

    @property
    def balanced(self) -> bool:
        """Whether every row has exactly one outcome."""
        return self.extracted == sum(self.by_outcome.values())

    def as_dict(self) -> dict[str, int]:
        """`extracted` and the six outcomes by name, in the order of the documentation."""
        return {"extracted": self.extracted, **{outcome.value: count for outcome, count in self.by_outcome.items()}}
