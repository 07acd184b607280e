"""What is done in Odoo to records that have vanished from the external system, and to those that are there again.

Every step looks first and acts only where something is left to do, so a run that died is simply repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, row_key
from odoo_pipelines.engine.ports import FlowState, Schemas
from odoo_pipelines.errors import ConfigurationError, OdooError, RowRejectedError
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.ownership import Compared
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.vanished_actions import ACTIVE, CANCEL, VANISHED, Action, Archiving, Cancelling, Row
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.systems.policies import UnlockPolicy, VanishedPolicy
from odoo_pipelines.systems.records import WHOLE_RECORD, Conflict, Counts, FieldChange, Outcome, Record, RowOutcome
from odoo_pipelines.systems.targets import Target

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

    def _action(self) -> Action | None:
        lifecycle = self.target.lifecycle
        if self.policy is VanishedPolicy.ARCHIVE:
            return Archiving(self.odoo, self._writing(), self.target.model, active=False)
        if self.policy is VanishedPolicy.CANCEL and lifecycle:
            compared = Compared(self.odoo, self.target, self.schemas)
            return Cancelling(self.odoo, self._writing(), self.target, lifecycle, unlock=self.unlock, compared=compared)
        return None

    def _writing(self) -> Writing:
        return Writing(self.odoo, Retries(self.sleep))

    def _treat(self, action: Action, entity: str, external_ids: Sequence[str], *, told: Set[str]) -> int:
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

    def _rows(self, action: Action, bound: Mapping[int, Record]) -> dict[int, Row]:
        """The records that are in Odoo, and proven to be ours: an id may be another record's after a restore."""
        if not bound:
            return {}
        names = sorted({*action.reads, SYNC_KEY_FIELD})
        rows = self.odoo.read(self.target.model, sorted(bound), names)
        keys = {each: row_key(self.integration, self.target, *record.key) for each, record in bound.items()}
        return {row["id"]: row for row in rows if row[SYNC_KEY_FIELD] == keys[row["id"]]}


def _remembered(action: Action, bound: Mapping[int, Record], done: Iterable[int]) -> list[Record]:
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
