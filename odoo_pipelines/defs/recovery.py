"""Recovers an integration after a disaster: the syncs that put everything in step again, and what they came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from odoo_pipelines.clients import odoo_client, open_state
from odoo_pipelines.defs.jobs import OUTBOUND_MODES, Mode
from odoo_pipelines.defs.launch import SyncResult
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.conflicts import ConflictFilter, StoredConflict
from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
from odoo_pipelines.stores.recovered import RecoveredRecord
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.outbound import PostedFlow

KEYS = 500
SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that was sent out of Odoo, and is not in Odoo any more.

    Attributes:
        flow: name.
        key: by which the external system knows it, or would.
    """

    flow: str
    key: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """Records of a flow that the external system does not have any more.

    Attributes:
        flow: name.
        count: how many.
        sample: some of their ids.
    """

    flow: str
    count: int
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a recovery came to.

    Attributes:
        runs: the syncs, in their order; what follows one that failed was not begun.
        written: records of which values were written again.
        created: records that were created again.
        registered: of those, the ones that people had registered in Odoo: only the external system still knew them.
        missing: sent out of Odoo, and neither in Odoo now nor listed by the external system.
        vanished: what is in Odoo, and not in the external system any more.
        conflicts: questions for a person that the runs have met.
        rejected: rows that did not get through in these runs.
    """

    runs: tuple[SyncResult, ...]
    written: tuple[RecoveredRecord, ...] = ()
    created: tuple[RecoveredRecord, ...] = ()
    registered: tuple[RecoveredRecord, ...] = ()
    missing: tuple[Missing, ...] = ()
    vanished: tuple[Vanished, ...] = ()
    conflicts: tuple[StoredConflict, ...] = ()
    rejected: tuple[DeadLetter, ...] = field(default_factory=tuple)

    @property
    def succeeded(self) -> bool:
        """Whether all runs did."""
        return all(run.succeeded for run in self.runs)


def recovery_modes(integration: Integration) -> tuple[Mode, ...]:
    """The syncs of a recovery, in their order: what comes in counts in what is told of it afterwards."""
    sends = bool(get_system(integration.system).outbound)
    return ("full", *((OUTBOUND_MODES[-1],) if sends else ()))


def recover(settings: Settings, integration: Integration, run: Callable[[Mode], SyncResult]) -> Recovery:
    """Runs the syncs of a recovery, and gathers what they came to. Safe to repeat, and to be killed anywhere.

    Args:
        settings: with the connections of the integration complete.
        integration: that recovers.
        run: runs one sync to its end.

    Raises:
        OdooPipelinesError: the state or Odoo could not be asked.
    """
    runs: list[SyncResult] = []
    for mode in recovery_modes(integration):
        runs.append(run(mode))
        if not runs[-1].succeeded:
            break
    with open_state(settings) as state:
        return _gathered(settings, integration, state, runs)


def _gathered(settings: Settings, integration: Integration, state: State, runs: Sequence[SyncResult]) -> Recovery:
    name, run_ids = integration.name, [run.run_id for run in runs]
    created = tuple(state.recreated(run_ids))
    sent = {flow.name: state.sent(name, flow.name) for flow in _posted(integration)}
    odoo = integration.connections().odoo
    client = odoo_client(odoo, settings) if odoo else None
    return Recovery(
        runs=tuple(runs),
        written=tuple(state.set_back(run_ids)),
        created=created,
        registered=tuple(_registered(integration, state, created, sent)),
        missing=tuple(_missing(integration, client, sent)) if client else (),
        vanished=tuple(_vanished(integration, state)),
        conflicts=tuple(
            each for each in state.conflicts(ConflictFilter(name, states=["open"])) if each.run_id in run_ids
        ),
        rejected=tuple(each for each in state.letters(LetterFilter(name)) if each.run_id in run_ids),
    )


def _posted(integration: Integration) -> Iterator[PostedFlow]:
    for flow in get_system(integration.system).outbound:
        if isinstance(flow, PostedFlow):
            yield flow


def _registered(
    integration: Integration, state: State, created: Sequence[RecoveredRecord], sent: Mapping[str, Sequence[str]]
) -> Iterator[RecoveredRecord]:
    """Those of the records created again that had once been sent out of Odoo."""
    known = state.records(integration.name, [(each.entity, each.external_id) for each in created])
    flows = [flow for flow in _posted(integration) if sent[flow.name]]
    for each in created:
        record = known.get((each.entity, each.external_id))
        values = record.base.get("values", {}) if record else {}
        if any(record and record.model == flow.model and _key(flow, values) in sent[flow.name] for flow in flows):
            yield each


def _key(flow: PostedFlow, values: Mapping[str, object]) -> str:
    return str(values.get(flow.marked_in) or "")


def _missing(integration: Integration, client: OdooClient, sent: Mapping[str, Sequence[str]]) -> Iterator[Missing]:
    """What was sent and is in Odoo neither under its own name nor as one that came back."""
    for flow in _posted(integration):
        keys, names = sent[flow.name], [flow.key, flow.marked_in]
        for start in range(0, len(keys), KEYS):
            some = list(keys[start : start + KEYS])
            domain = ["|", *((name, "in", some) for name in names)]
            rows = client.search_read(flow.model, domain, names)
            # One with the name alone may be a new one: after a restore names are given out again.
            there = {str(row[flow.marked_in] or row[flow.key]) for row in rows}
            yield from (Missing(flow.name, key) for key in some if key not in there)


def _vanished(integration: Integration, state: State) -> Iterator[Vanished]:
    for flow in get_system(integration.system).flows:
        marked = state.vanished(integration.name, flow.entity, SAMPLE)
        if marked.count:
            yield Vanished(flow.name, marked.count, marked.sample)
