"""Records that have vanished from the external system: checked before the first load of a run, treated after each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from odoo_pipelines.errors import TooManyVanishedError
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.vanished import Vanishing, require_possible
from odoo_pipelines.pipeline.mapping import without_partition
from odoo_pipelines.pipeline.session import FlowState, Session
from odoo_pipelines.stores.vanished import Marked, MissingRecords
from odoo_pipelines.systems.base import Flow
from odoo_pipelines.systems.policies import Disaster, VanishedPolicy
from odoo_pipelines.systems.records import REPLAY, WHOLE, Batch, Layer

READ_ROWS = 10_000
CHUNK_RECORDS = 500
SAMPLE = 10
_HALF = 0.5
UNKNOWN_MISSING = MissingRecords().as_unknown()
_COLUMNS = ["entity", "external_id", "former", "error_code"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VanishedRecords:
    """What a run found out about the vanished records of a flow.

    Attributes:
        policy: of the flow.
        checked: the run carried everything, so what it did not carry has vanished.
        new: records that were missed for the first time.
        back: records that were missed before, and are there again.
        refused: records that had to be left as they are in Odoo.
        marked: all that are missed now.
    """

    policy: VanishedPolicy
    checked: bool
    new: int
    back: int
    refused: int
    marked: Marked


def detect_missing(session: Session) -> None:
    """Holds the known records of all flows against what the run has carried; once, before its first load.

    Only a run that has extracted and mapped everything can tell what is missing; any run can tell what is back.

    Raises:
        ConfigurationError: the policy of a flow cannot be applied to its model.
        TooManyVanishedError: so many are missing that the external system must be wrong; nothing has been written.
    """
    for flow in session.system.flows:
        require_possible(session.vanished_policy(flow.name), flow.name, flow.target, session.schemas)
    if session.missing_records is None:
        complete = is_whole(session)
        session.missing_records = {
            flow.name: _missing_records(session, flow, complete=complete) for flow in session.system.flows
        }
    _require_few(session, session.missing_records)


def treat_vanished(session: Session, flow: Flow, state: FlowState) -> VanishedRecords:
    """Does what the policy says, chunk by chunk, and marks the records; the flow's rows have been loaded before."""
    name, policy = session.integration.name, session.vanished_policy(flow.name)
    missing_records = (session.missing_records or {}).get(flow.name, UNKNOWN_MISSING)
    vanishing = _vanishing(session, flow, state, policy)
    news, refused = frozenset(missing_records.missing), 0
    for ids in _chunks(missing_records.missing):
        refused += vanishing.gone(flow.entity, ids, news=news)
        session.state.mark_vanished(name, flow.entity, ids)
    for ids in _chunks(missing_records.still_missing):
        refused += vanishing.gone(flow.entity, ids, news=news)
    for ids in _chunks(missing_records.back):
        vanishing.back(flow.entity, ids)
        session.state.unmark_vanished(name, flow.entity, ids)
    if missing_records.missing or missing_records.back:
        log.info(
            "%s: %d records have vanished, %d are back",
            flow.name,
            len(missing_records.missing),
            len(missing_records.back),
        )
    marked = session.state.vanished(name, flow.entity, SAMPLE)
    return VanishedRecords(
        policy, missing_records.checked, len(missing_records.missing), len(missing_records.back), refused, marked
    )


def is_whole(session: Session) -> bool:
    """Whether the run has extracted every stream and mapped every flow, over all partitions, and as a whole."""
    if session.mode != "full":
        return False
    keys = session.partition_keys
    needed: set[tuple[Layer, str, str]] = set()
    for flow in session.system.flows:
        needed |= {("mapped", flow.name, each) for each in (*without_partition(session.system, flow), *keys)}
        for stream in flow.mappers:
            partitioned = session.system.streams[stream].partitioned
            needed |= {("external", stream, each) for each in (keys if partitioned else [WHOLE])}
    return needed <= session.covered


def _missing_records(session: Session, flow: Flow, *, complete: bool) -> MissingRecords:
    name = session.integration.name
    if not complete and not session.state.vanished(name, flow.entity, SAMPLE).count:
        return UNKNOWN_MISSING
    carried = _Carried(session, flow, [each for each in _mapped(session, flow) if each.partition != REPLAY])
    missing_records = session.state.missing_records(name, flow.entity, carried)
    if complete and not carried.hidden:
        return missing_records
    if complete:
        log.warning(
            "%s: %d rejected rows do not tell which records they are, so none is taken for vanished",
            flow.name,
            carried.hidden,
        )
    return missing_records.as_unknown()


def _mapped(session: Session, flow: Flow) -> list[Batch]:
    batches = session.state.batches(session.integration.name, "mapped", [flow.name])
    return [batch for batch in batches if batch.run_id == session.run_id]


@dataclass(slots=True)
class _Carried:
    """The ids of a flow's own records in batches, list by list.

    Attributes:
        session: of the run.
        flow: whose records are meant.
        batches: that were mapped; a record inside another stream's row, such as a booking's guest, is in them, too.
        hidden: rejected rows met so far whose record, or the record inside them, is not known.
    """

    session: Session
    flow: Flow
    batches: Sequence[Batch]
    hidden: int = 0

    def __iter__(self) -> Iterator[list[str]]:
        others = {self.session.system.entity_of(stream) for stream in self.flow.mappers} - {self.flow.entity}
        for batch in self.batches:
            for rows in self.session.batches.rows(batch.path, READ_ROWS, _COLUMNS):
                rejected = [row for row in rows if row["error_code"] is not None]
                self.hidden += sum(not row["external_id"] or row["entity"] in others for row in rejected)
                own = [row for row in rows if row["entity"] == self.flow.entity]
                yield [name for row in own for name in (row["external_id"], *(row["former"] or ()))]


def _require_few(session: Session, counted: Mapping[str, MissingRecords]) -> None:
    limit = session.integration.vanished_share_limit
    if session.disaster is Disaster.PMS_BACKUP:  # what it has lost is only named
        return
    many = {
        name: missing_records
        for name, missing_records in counted.items()
        if _are_many(session.integration, missing_records)
    }
    if many:
        numbers = "; ".join(
            f"flow '{name}': {len(missing_records.missing)} of {missing_records.known} known records "
            f"({len(missing_records.missing) / missing_records.known:.1%})"
            for name, missing_records in many.items()
        )
        raise TooManyVanishedError(
            f"So many records seem to have vanished from the external system that nothing was written: {numbers}; "
            f"the limit is {limit:.1%}, and half of fewer than {session.integration.vanished_share_minimum}. "
            "Check that it serves all its records (credentials, filters, a restored or "
            "emptied database). If they are really gone, set a higher `vanished_share_limit` for integration "
            f"'{session.integration.name}', run a full sync, and set it back."
        )


def _are_many(integration: Integration, missing_records: MissingRecords) -> bool:
    """Of few records a share says little: one of three may well be gone, but not several and most of them."""
    missing = len(missing_records.missing)
    if missing_records.known < integration.vanished_share_minimum and integration.vanished_share_limit < _HALF:
        return missing > 1 and missing > _HALF * missing_records.known
    return missing > integration.vanished_share_limit * missing_records.known


def _vanishing(session: Session, flow: Flow, state: FlowState, policy: VanishedPolicy) -> Vanishing:
    return Vanishing(
        integration=session.integration.name,
        target=session.target(flow),
        policy=policy,
        odoo=session.engine_odoo,
        state=state,
        schemas=session.schemas,
        unlock=session.integration.unlock_orders,
        still_writer=session.still_writer,
        sleep=session.sleep,
    )


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK_RECORDS):
        yield ids[start : start + CHUNK_RECORDS]
