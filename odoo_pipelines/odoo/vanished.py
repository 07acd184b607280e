"""What is done in Odoo to records that have vanished from the external system: they are archived, or cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Protocol

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.keys import STATE, SYNC_KEY_FIELD, row_key
from odoo_pipelines.engine.lifecycle import TransitionPath, leaves_read_only_state, plan_path
from odoo_pipelines.engine.ports import FlowState, Schemas
from odoo_pipelines.engine.row_plan import FROZEN, INVOICED, NOT_UNLOCKED
from odoo_pipelines.errors import ConfigurationError, OdooError, RowRejectedError
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.ownership import Compared
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.transitions import Transitions
from odoo_pipelines.odoo.writing import Failures, Writing
from odoo_pipelines.systems.policies import UnlockPolicy, VanishedPolicy
from odoo_pipelines.systems.records import WHOLE_RECORD, Conflict, Counts, FieldChange, Outcome, Record, RowOutcome
from odoo_pipelines.systems.targets import Action, Lifecycle, Target

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


class Treatment(Protocol):
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
        return self.writing.call(self.model, Action(method), [row["id"] for row in rows], self._still_to_do)

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
        locked = [each for each in left if leaves_read_only_state(self._lifecycle, self._path(states[each]))]
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
        return self._transitions.take({row["id"]: self._path(self._lifecycle.state_of(row)).after for row in rows}, {})

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
        if leaves_read_only_state(self._lifecycle, self._path(state)) and not opened:
            reason = f"{VANISHED}, but it is '{state}' in Odoo, and {NOT_UNLOCKED[self._unlock]}"
            raise RowRejectedError(STATE, FROZEN, reason)

    def _opened(self, locked: Mapping[int, Record], states: Mapping[int, str]) -> Set[int]:
        """Which of the records in a read-only state may leave it."""
        if self._unlock is UnlockPolicy.OWN and locked:
            return self._compared.still_ours(locked, states)
        return locked.keys() if self._unlock is UnlockPolicy.ALWAYS else frozenset()

    def _path(self, state: str) -> TransitionPath:
        return plan_path(self._lifecycle, state, CANCEL, writes=False)

    def _invoiced(self, ids: Sequence[int]) -> set[int]:
        if self._lines is None or not self._lines.invoiced or not ids:
            return set()
        names = [self._lines.parent, self._lines.invoiced]
        lines = self._odoo.search_read(self._lines.model, [(self._lines.parent, "in", list(ids))], names)
        return {line[self._lines.parent] for line in lines if line[self._lines.invoiced]}


REFUSED = "refused_by_odoo"


def require_possible(policy: VanishedPolicy, flow: str, target: Target, schemas: Schemas) -> None:
    """Raises ConfigurationError unless records of this target can be treated so."""
    fix = f"set `flows.{flow}.vanished` to another policy"
    if policy is VanishedPolicy.ARCHIVE and schemas(target.model).server_name(ACTIVE) is None:
        raise ConfigurationError([f"vanished: archive: records of {target.model} cannot be archived; {fix}"])
    states = {step.target for step in target.lifecycle.transitions} if target.lifecycle else set()
    if policy is VanishedPolicy.CANCEL and CANCEL not in states:
        raise ConfigurationError([f"vanished: cancel: records of {target.model} cannot be cancelled; {fix}"])


@dataclass(frozen=True, slots=True)
class Vanishing:
    """Treats the vanished records of one flow.

    Attributes:
        integration: name, the first part of every sync key.
        target: where the records are.
        policy: what happens to those that have vanished.
        odoo: the calls.
        state: of this flow in this run.
        schemas: the server's fields.
        unlock: when records may leave a read-only state.
        still_writer: raises when this process is no longer the one that may write for the integration.
        sleep: takes seconds.
    """

    integration: str
    target: Target
    policy: VanishedPolicy
    odoo: Odoo
    state: FlowState
    schemas: Schemas
    unlock: UnlockPolicy
    still_writer: Callable[[], None]
    sleep: Callable[[float], None]

    def gone(self, entity: str, external_ids: Sequence[str], *, news: Set[str]) -> int:
        """Archives or cancels records, as the policy says, and tells how many could not be.

        Args:
            entity: of the records.
            external_ids: so many as one call may name.
            news: those that were not known to have vanished: a conflict is told once, not with every run.
        """
        action = self._action()
        if action is None:
            return 0
        asked_again = {external_id for kind, external_id in self.state.resolutions() if kind == entity}
        return self._treat(action, entity, external_ids, told=news | asked_again)

    def back(self, entity: str, external_ids: Sequence[str]) -> int:
        """Takes archived records out of the archive; what else they need, their rows have brought about."""
        if self.policy is not VanishedPolicy.ARCHIVE:
            return 0
        action = Archiving(self.odoo, self._writing(), self.target.model, active=True)
        return self._treat(action, entity, external_ids, told=set(external_ids))

    def _action(self) -> Treatment | None:
        lifecycle = self.target.lifecycle
        if self.policy is VanishedPolicy.ARCHIVE:
            return Archiving(self.odoo, self._writing(), self.target.model, active=False)
        if self.policy is VanishedPolicy.CANCEL and lifecycle:
            compared = Compared(self.odoo, self.target, self.schemas)
            return Cancelling(self.odoo, self._writing(), self.target, lifecycle, unlock=self.unlock, compared=compared)
        return None

    def _writing(self) -> Writing:
        return Writing(self.odoo, Retries(self.sleep))

    def _treat(self, action: Treatment, entity: str, external_ids: Sequence[str], *, told: Set[str]) -> int:
        self.still_writer()
        records = self.state.records((entity, external_id) for external_id in external_ids)
        bound = {record.odoo_id: record for record in records.values()}
        rows = self._rows(action, bound)
        examined = action.examine(rows, bound)
        failures = action.carry_out([rows[odoo_id] for odoo_id in examined.changes])
        refused = {**examined.refused, **{odoo_id: _refusal(error) for odoo_id, error in failures.items()}}
        done = {odoo_id: change for odoo_id, change in examined.changes.items() if odoo_id not in failures}
        outcomes = [_conflict(bound[each], error) for each, error in refused.items() if bound[each].external_id in told]
        outcomes += [_done(bound[odoo_id], action.code, change) for odoo_id, change in done.items()]
        if outcomes:
            self.state.commit(_remembered(action, bound, done), outcomes, Counts())
        return len(refused)

    def _rows(self, action: Treatment, bound: Mapping[int, Record]) -> dict[int, Row]:
        """The records that are in Odoo, and proven to be ours: an id may be another record's after a restore."""
        if not bound:
            return {}
        names = sorted({*action.reads, SYNC_KEY_FIELD})
        rows = self.odoo.read(self.target.model, sorted(bound), names)
        keys = {each: row_key(self.integration, self.target, *record.key) for each, record in bound.items()}
        return {row["id"]: row for row in rows if row[SYNC_KEY_FIELD] == keys[row["id"]]}


def _remembered(action: Treatment, bound: Mapping[int, Record], done: Iterable[int]) -> list[Record]:
    """Those that the state has to know otherwise from now on."""
    remembered = [(bound[odoo_id], action.remembered(bound[odoo_id])) for odoo_id in sorted(done)]
    return [record for before, record in remembered if record != before]


def _done(record: Record, code: str, change: FieldChange) -> RowOutcome:
    """Of no weight, because no row of the run stands behind it."""
    return RowOutcome(
        record.entity, record.external_id, Outcome.UPDATED, weight=0, code=code, compared=True, changes=(change,)
    )


def _conflict(record: Record, error: RowRejectedError) -> RowOutcome:
    conflict = Conflict(WHOLE_RECORD, error.code, error.reason)
    return RowOutcome(
        record.entity,
        record.external_id,
        Outcome.CONFLICT,
        weight=0,
        field=error.field,
        code=error.code,
        reason=error.reason,
        compared=True,
        conflicts=(conflict,),
    )


def _refusal(error: OdooError) -> RowRejectedError:
    return RowRejectedError("", REFUSED, f"{VANISHED}. {error.method}: {error.odoo_message or error}")
