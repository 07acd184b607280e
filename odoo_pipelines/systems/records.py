"""What the engine remembers of records, batches and outcomes: the words between the engine and the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

Key: TypeAlias = tuple[str, str]
"""(entity, external id): one record of an integration."""

Layer: TypeAlias = Literal["external", "mapped", "odoo"]

Choice: TypeAlias = Literal["external", "odoo", "value", "retry", "adopt", "new"]

WHOLE = ""
"""The partition of a stream that is not partitioned."""

REPLAY = "replay"
"""The partition of mapped rows that are tried again: dead letters, and records whose conflict was resolved."""

BY_ID = "by_id"
"""The partition of records that were fetched one by one, because others name them."""

WHOLE_RECORD = "*"
"""The field of a conflict that is about the record itself."""

BOTH_CHANGED = "both_changed"
"""The code of a conflict over one field's value."""

SEALED = "sealed"
"""The code of a conflict over one field's value that Odoo does not let change any more."""

SET_BACK = "set_back"
"""In the place of a policy: Odoo's value was not edited, but brought back by a backup."""

TOTAL_DIFFERS = "total_differs"
"""The code of a conflict over a total that Odoo computes, and that is not the external one."""

RECREATED = "created again: Odoo did not have the record any more"
"""The warning with a row whose record had been in Odoo before."""

DELETED_IN_ODOO = "deleted_in_odoo"
"""The code of a conflict over a record that somebody has deleted in Odoo."""


POSSIBLE_MATCH = "possible_match"
"""The code of a conflict over which record of Odoo, if any, a row belongs to."""


ID_REUSED = "id_reused"
"""The code of a conflict over a record whose external id seems to have been given to another one."""


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
        seen_at: when the external system showed it, by our clock.
        inside: it was not the record's own row, but one inside another record.
    """

    odoo_id: int
    hash: str
    updated_at: datetime | None
    seen_at: datetime | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One external record and the Odoo record that it is bound to.

    Attributes:
        entity: kind of external record.
        external_id: its id there.
        model: technical name of the Odoo model.
        odoo_id: database id of the Odoo record.
        hash: of the mapped row on which both sides last agreed.
        base: what both sides last agreed on, JSON types: "values" by Odoo field, as Odoo stores them; "lines", values
            by sync key; "state"; "total", the external one that Odoo's was last found to equal; "kept", where Odoo's
            value was left to differ: by field the external value, Odoo's, and when Odoo's was written; "seen", by which
            an Odoo that was set back is noticed. Empty for a record that is known to exist but not to be as it should.
        updated_at: change time of the row in the external system.
        seen_at: when the external system showed it, by our clock.
        inside: it was not the record's own row, but one inside another record.
    """

    entity: str
    external_id: str
    model: str
    odoo_id: int
    hash: str
    base: dict[str, Any]
    updated_at: datetime | None
    seen_at: datetime | None = None
    inside: bool = False

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.entity, self.external_id


@dataclass(frozen=True, slots=True)
class Said:
    """What one record last said of another that is inside it, such as a booking of its guest.

    Attributes:
        holder: external id of the record that says it.
        entity: kind of the record inside.
        external_id: of the record inside.
        hash: of the row that was made of it.
        since: change time of the holder's version that said so first; when that was seen, where it tells none.
        batch_id: of the extracted batch with that version.
    """

    holder: str
    entity: str
    external_id: str
    hash: str
    since: datetime | None
    batch_id: int

    @property
    def key(self) -> Key:
        """Of the record inside."""
        return self.entity, self.external_id


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that was written.

    Attributes:
        field: of Odoo; of a line "order_line[<sync key>].price_unit".
        before: what Odoo held.
        after: what was written.
        policy: by which the external side won; "" where Odoo had not changed it; SET_BACK.
    """

    field: str
    before: Any
    after: Any
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that only a human can answer.

    Attributes:
        field: as in `FieldChange`; WHOLE_RECORD where it is about the record itself.
        code: short and stable: BOTH_CHANGED, SEALED or TOTAL_DIFFERS for a field, otherwise why the record cannot be
            written.
        reason: the whole sentence, with what to do; for the state only.
        base: value on which both sides last agreed.
        external: value of the external system.
        odoo: value of Odoo.
        external_at: change time of the external row.
        odoo_at: `write_date` of the record, as Odoo prints it.
    """

    field: str
    code: str
    reason: str = ""
    base: Any = None
    external: Any = None
    odoo: Any = None
    external_at: datetime | None = None
    odoo_at: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A human's answer to a conflict; it holds as long as neither side has moved since.

    Attributes:
        field: of the conflict.
        choice: the side whose value is taken, "value" for another one, "retry" to try the record again; which record it
            is: "adopt" for one of those shown, "new" for none of them.
        value: for the choice "value"; for "adopt" the record's id.
        external: the external side's value when the question was asked.
        odoo: Odoo's.
    """

    field: str
    choice: Choice
    value: Any
    external: Any
    odoo: Any


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Another record of Odoo that may be the same as a row's own: for a person to look at, and perhaps to merge.

    Attributes:
        model: technical name of the Odoo model.
        odoo_id: of the row's own record.
        candidate_id: of the other one.
        code: short and stable: why it was not adopted.
    """

    model: str
    odoo_id: int
    candidate_id: int
    code: str


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
        compared: Odoo's side was looked at, so conflicts of the record that are not listed here are over.
        conflicts: questions for a human.
        changes: values that were written to a record that existed already.
        adopted: id of the record without a sync key that it was bound to; None where it was not.
        duplicates: records that may be the same as its own.
        former: external ids under which the row may have been rejected before; its dead letters are this row's.
        renamed: external id under which the record was known until now; what is kept of it is this row's.
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
    compared: bool = False
    conflicts: tuple[Conflict, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    adopted: int | None = None
    duplicates: tuple[PossibleDuplicate, ...] = ()
    former: tuple[str, ...] = ()
    renamed: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One immutable Parquet file: the unit of work between assets.

    Attributes:
        id: number in the state; 0 before it is registered.
        integration: name.
        layer: "external" as extracted, "mapped", or "odoo" as read out of Odoo.
        name: of the stream or the flow.
        partition: key, or WHOLE.
        run_id: Dagster run that wrote it.
        path: below the data root.
        rows: rows that the pages carried, or weights of the mapped rows added up.
        newest: newest `updated_at` in it.
        complete: holds the whole window of its partition, so that earlier batches of it say nothing more.
        begun: the consumer for which it is pending has begun with it, and died.
        records: that it holds, where no extraction of its partition can bring them again.
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
    begun: bool = False
    records: tuple[Key, ...] = ()


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
