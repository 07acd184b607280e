"""The two things that can be done in Odoo to records that have vanished: archive them, or cancel them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Protocol

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.lifecycle import TransitionPath, leaves_read_only_state, plan_path
from odoo_pipelines.engine.names import STATE
from odoo_pipelines.engine.row_plan import FROZEN, INVOICED, NOT_UNLOCKED
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.ownership import Compared
from odoo_pipelines.odoo.transitions import Transitions
from odoo_pipelines.odoo.writing import Failures, Writing
from odoo_pipelines.systems.policies import UnlockPolicy, VanishedPolicy
from odoo_pipelines.systems.records import FieldChange, Record
from odoo_pipelines.systems.targets import Lifecycle, Target

ARCHIVED = "vanished_archived"
UNARCHIVED = "reappeared_unarchived"
CANCELLED = "vanished_cancelled"
VANISHED = "the record has vanished from the external system"
CANCEL = "cancel"
"""The state that a cancelled record is in, whatever the system."""
ACTIVE = "active"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Examined:
    """What is left to do, by Odoo id.

    Attributes:
        changes: of the records that are not yet as they should be.
        refused: why others of them must not be touched.
    """

    changes: Mapping[int, FieldChange]
    refused: Mapping[int, RowRejectedError]


class Action(Protocol):
    """One thing that can be done to records; what is done already is left alone."""

    @property
    def code(self) -> str:
        """Of the outcome."""

    @property
    def reads(self) -> Sequence[str]:
        """Fields that tell what is left to do."""

    def examine(self, rows: Mapping[int, Row], records: Mapping[int, Record]) -> Examined:
        """Finds what is left to do, of rows and of what is known of them."""

    def carry_out(self, rows: Sequence[Row]) -> Failures:
        """Does it; gives what Odoo refuses."""

    def remembered(self, record: Record) -> Record:
        """The record as the state has to know it afterwards."""


@dataclass(frozen=True, slots=True)
class Archiving:
    """Takes records into Odoo's archive, or out of it.

    Attributes:
        odoo: where they are read.
        writing: makes the calls.
        model: technical name.
        active: what they should be.
    """

    odoo: Odoo
    writing: Writing
    model: str
    active: bool
    reads: Sequence[str] = (ACTIVE,)

    @property
    def code(self) -> str:
        """Tells the direction."""
        return UNARCHIVED if self.active else ARCHIVED

    def examine(self, rows: Mapping[int, Row], records: Mapping[int, Record]) -> Examined:
        """Those that are not as they should be."""
        del records
        change = FieldChange(ACTIVE, not self.active, self.active, VanishedPolicy.ARCHIVE.value)
        return Examined(dict.fromkeys(self._not_yet(rows.values()), change), {})

    def carry_out(self, rows: Sequence[Row]) -> Failures:
        """By Odoo's own action, which takes the template of a product along."""
        method = "action_unarchive" if self.active else "action_archive"
        return self.writing.call(self.model, method, [row["id"] for row in rows], self._still_to_do)

    def remembered(self, record: Record) -> Record:
        """The same: no mapping fills `active`."""
        return record

    def _still_to_do(self, ids: Sequence[int]) -> list[int]:
        return self._not_yet(self.odoo.read(self.model, ids, [ACTIVE]))

    def _not_yet(self, rows: Iterable[Row]) -> list[int]:
        return [row["id"] for row in rows if bool(row[ACTIVE]) is not self.active]


class Cancelling:
    """Takes records to the state `cancel`, by the paths and under the rules that hold for any other change of state.

    Args:
        odoo: where they are read.
        writing: makes the calls.
        target: where they are.
        lifecycle: their states.
        unlock: when they may leave a read-only state.
        compared: tells who has locked them.
    """

    code = CANCELLED

    def __init__(
        self,
        odoo: Odoo,
        writing: Writing,
        target: Target,
        lifecycle: Lifecycle,
        *,
        unlock: UnlockPolicy,
        compared: Compared,
    ) -> None:
        self.reads = lifecycle.read
        self._odoo = odoo
        self._lines = target.lines
        self._lifecycle = lifecycle
        self._unlock = unlock
        self._compared = compared
        self._transitions = Transitions(odoo, writing, target.model, lifecycle)

    def examine(self, rows: Mapping[int, Row], records: Mapping[int, Record]) -> Examined:
        """Those that are not cancelled, without the invoiced ones and those that stay locked."""
        changes: dict[int, FieldChange] = {}
        refused: dict[int, RowRejectedError] = {}
        states = {odoo_id: self._lifecycle.state_of(row) for odoo_id, row in rows.items()}
        left = [odoo_id for odoo_id, state in states.items() if state != CANCEL]
        invoiced = self._invoiced(left)
        locked = [each for each in left if leaves_read_only_state(self._lifecycle, self._way(states[each]))]
        opened = self._opened({each: records[each] for each in locked if each not in invoiced}, states)
        for odoo_id in left:
            try:
                self._require_allowed(states[odoo_id], invoiced=odoo_id in invoiced, opened=odoo_id in opened)
                changes[odoo_id] = FieldChange(STATE, states[odoo_id], CANCEL, VanishedPolicy.CANCEL.value)
            except RowRejectedError as error:
                refused[odoo_id] = error
        return Examined(changes, refused)

    def carry_out(self, rows: Sequence[Row]) -> Failures:
        """By the actions that lead there."""
        return self._transitions.take({row["id"]: self._way(self._lifecycle.state_of(row)).after for row in rows}, {})

    def remembered(self, record: Record) -> Record:
        """Cancelled by us, and not by somebody in Odoo: should the record come back, its own state holds again."""
        base = Base.of(record.base)
        base = replace(base, agreed=replace(base.agreed, state=CANCEL), locked_in_odoo=False)
        return replace(record, hash="", base=base.document())

    def _require_allowed(self, state: str, *, invoiced: bool, opened: bool) -> None:
        """The rules that hold for orders that have not vanished."""
        if invoiced:
            reason = f"{VANISHED}, but it was invoiced in Odoo, and is not touched any more"
            raise RowRejectedError("", INVOICED, reason)
        if leaves_read_only_state(self._lifecycle, self._way(state)) and not opened:
            reason = f"{VANISHED}, but it is '{state}' in Odoo, and {NOT_UNLOCKED[self._unlock]}"
            raise RowRejectedError(STATE, FROZEN, reason)

    def _opened(self, locked: Mapping[int, Record], states: Mapping[int, str]) -> Set[int]:
        """Which of the records in a read-only state may leave it."""
        if self._unlock is UnlockPolicy.OWN and locked:
            return self._compared.still_ours(locked, states)
        return locked.keys() if self._unlock is UnlockPolicy.ALWAYS else frozenset()

    def _way(self, state: str) -> TransitionPath:
        return plan_path(self._lifecycle, state, CANCEL, writes=False)

    def _invoiced(self, ids: Sequence[int]) -> set[int]:
        if self._lines is None or not self._lines.invoiced or not ids:
            return set()
        names = [self._lines.parent, self._lines.invoiced]
        lines = self._odoo.search_read(self._lines.model, [(self._lines.parent, "in", list(ids))], names)
        return {line[self._lines.parent] for line in lines if line[self._lines.invoiced]}
