"""One integration in one run: its clients, its state and the right to write, opened when first asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, TypeAlias

from odoo_pipelines.clients import external_client, odoo_client, state_url
from odoo_pipelines.engine.lifecycle import with_auto_lock
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.dry_run import PlannedOdoo
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.pipeline.unreadable import Unreadable, find_unreadable
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.dry_run import rolled_back, temporary_batches
from odoo_pipelines.stores.inbox import Claim, Inbox, utc_now
from odoo_pipelines.stores.lock import one_writer
from odoo_pipelines.stores.outbound import OutboundState
from odoo_pipelines.stores.sent_values import SentValues
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.stores.transactions import Transactions
from odoo_pipelines.stores.vanished import MissingRecords
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import Flow, MappingOptions, Stream, System
from odoo_pipelines.systems.not_kept import NotKept
from odoo_pipelines.systems.policies import Disaster, VanishedPolicy
from odoo_pipelines.systems.records import Binding, Counts, Key, Layer, Record, Resolution, RowOutcome
from odoo_pipelines.systems.targets import Target

Listener: TypeAlias = Callable[[str, Sequence[Record], Sequence[RowOutcome]], None]

LOCK_WAIT_SECONDS = 60.0
RETRY = "retry"
"""The mode of a run that takes up dead letters."""
OUTBOUND: Literal["outbound"] = "outbound"
"""The mode of a run that sends what is new in Odoo; it takes up the dead letters of its flows, too."""
WEBHOOK: Literal["webhook"] = "webhook"
"""The mode of a run that looks at what its claim names, and at nothing else that may be new."""

log = logging.getLogger(__name__)


@dataclass
class Session:
    """One integration in one run.

    Attributes:
        settings: of the installation.
        integration: the one that is run.
        run_id: of Dagster.
        mode: "delta", "retry", "full", "webhook", "outbound", "outbound_full" or "partition".
        partition_keys: of the integration, oldest first.
        sleep: waits between tries of what was lost on the way to Odoo.
        clock: gives the time, UTC.
        dry_run: told the flow, records and outcomes of every commit of a run that writes nothing anywhere; None for
            one that writes.
        covered: streams extracted, and flows mapped, with their partition, of which this run has taken everything.
        missing_records: by flow, the known records held against what the run carried; None before its first load.
        claim_id: of the claim that the run was requested for; "" where there is none.
        disaster: that the run is to recover from; None for any other run.
    """

    settings: Settings
    integration: Integration
    run_id: str
    mode: str
    partition_keys: Sequence[str]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = utc_now
    dry_run: Listener | None = None
    covered: set[tuple[Layer, str, str]] = field(default_factory=set)
    missing_records: Mapping[str, MissingRecords] | None = None
    claim_id: str = ""
    disaster: Disaster | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _settings_of_odoo: dict[str, bool] = field(default_factory=dict)

    def close(self) -> None:
        """Lets go of connections and of the right to write."""
        self._stack.close()

    @property
    def incremental(self) -> bool:
        """Whether only what is new is looked at: in a delta, in all that go on like one, and out of Odoo."""
        return self.mode in ("delta", RETRY, WEBHOOK, OUTBOUND)

    @property
    def verify(self) -> bool:
        """Whether Odoo's side is read even of rows that have not changed."""
        return not self.incremental

    @cached_property
    def system(self) -> System:
        """The description of the external system."""
        return get_system(self.integration.system)

    def kept(self, stream: Stream, payloads: Sequence[Any]) -> Sequence[Any]:
        """Payloads of a stream as they may be stored: without the fields that the integration does not keep."""
        if not self._not_kept:
            return payloads
        entity = self.system.entity_of(stream.name)
        return [self._not_kept.without(payload, entity) for payload in payloads]

    @cached_property
    def _not_kept(self) -> NotKept:
        return NotKept(self.integration.not_kept)

    @cached_property
    def state(self) -> State:
        """The state, up to date; this run becomes the only writer of its integration."""
        state = State(self._transactions)
        state.close_dead_runs(self.integration.name, self.run_id)
        if self.disaster and (lost := state.forget_lost_batches(self.integration.name, self.batches.exists)):
            log.warning("%d batches whose files are gone are forgotten; all of it is extracted again", lost)
        self._begin_claim()
        return state

    def _begin_claim(self) -> None:
        """Whatever the run's mode: a failed one that has not begun its claim would not count as a try."""
        if self.claim_id:
            log.info("claim %s holds %d events", self.claim_id, len(self.claim.events) if self.claim else 0)

    @cached_property
    def inbox(self) -> Inbox:
        """What came in over HTTP, in the same database."""
        return Inbox(self._transactions)

    @cached_property
    def claim(self) -> Claim | None:
        """What of it this run is to do; None where it was asked for nothing, or others have taken that over."""
        return self.inbox.begin(self.claim_id, self.run_id) if self.claim_id else None

    @cached_property
    def outbound_state(self) -> OutboundState:
        """What has been sent out of Odoo, in the same database."""
        return OutboundState(self._transactions)

    def sent_values(self, flow: str) -> SentValues:
        """What a flow has told the external system, in the same database."""
        return SentValues(self._transactions, self.integration.name, flow)

    @cached_property
    def _transactions(self) -> Transactions:
        url = state_url(self.settings)
        engine = connect(url)
        self._stack.callback(engine.dispose)
        migrate(engine)
        lock = one_writer(url, self.integration.name, self.run_id, LOCK_WAIT_SECONDS, log)
        self._still_writer = self._stack.enter_context(lock)
        return self._stack.enter_context(rolled_back(engine)) if self.dry_run else engine

    @cached_property
    def batches(self) -> BatchStore:
        """The batch files."""
        root = self.settings.data
        return self._stack.enter_context(temporary_batches(root)) if self.dry_run else BatchStore(root)

    @cached_property
    def unreadable(self) -> Unreadable:
        """Which of the batches that earlier runs have left cannot be read; looked at once, before anything is done."""
        keys = self.partition_keys
        return find_unreadable(
            self.state, self.batches, self.system, self.integration, run_id=self.run_id, partition_keys=keys
        )

    @cached_property
    def external(self) -> ExternalClient:
        """The external system."""
        external = self.integration.connections().external
        return self._stack.enter_context(external_client(self.integration.name, external, self.settings))

    @cached_property
    def odoo(self) -> OdooClient | None:
        """Odoo, or None where loads are switched off."""
        odoo = self.integration.connections().odoo
        return odoo_client(odoo, self.settings) if odoo else None

    @cached_property
    def schemas(self) -> Schemas:
        """Odoo's fields."""
        return Schemas(self.connected)

    @cached_property
    def reference_data(self) -> ReferenceData:
        """Odoo's reference data, looked up once per run."""
        client = self.connected
        return ReferenceData(client, self.schemas, client.company_id())

    @cached_property
    def planned_odoo(self) -> PlannedOdoo | None:
        """What stands for Odoo in a dry run."""
        if self.dry_run is None:
            return None
        targets = [self.target(flow) for flow in self.system.flows]
        return PlannedOdoo(self.connected, targets, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")

    def target(self, flow: Flow) -> Target:
        """Where a flow's rows go, with the states that its records have on this server."""
        lifecycle = flow.target.lifecycle
        if lifecycle is None or lifecycle.auto_lock is None or not self._has_setting(lifecycle.auto_lock.group):
            return flow.target
        return with_auto_lock(flow.target)

    def _has_setting(self, group: str) -> bool:
        """Whether a setting of Odoo is on that all its users have as a group; asked once per run."""
        if group not in self._settings_of_odoo:
            user = self.connected.authenticate()
            found = self.connected.call("res.users", "has_group", [user], group_ext_id=group)
            self._settings_of_odoo[group] = bool(found)
        return self._settings_of_odoo[group]

    @property
    def engine_odoo(self) -> Odoo:
        """Odoo as the engine is to see it: the only one that it may write to."""
        return self.planned_odoo or self.connected

    def vanished_policy(self, flow: str) -> VanishedPolicy:
        """What happens to a flow's vanished records; those that a restored external system has lost are only named."""
        if self.disaster is Disaster.PMS_BACKUP:
            return VanishedPolicy.REPORT
        return self.integration.vanished_policy(flow)

    @property
    def mapping_options(self) -> MappingOptions:
        """The integration's choices for its mappings."""
        return MappingOptions(taxes=self.integration.taxes, journals=self.integration.journals)

    @property
    def still_writer(self) -> Callable[[], None]:
        """Raises when the right to write is lost."""
        return self._still_writer

    def flow_state(self, flow: str) -> FlowState:
        """The state, as one flow sees it in this run."""
        return FlowState(self.state, RunRef(self.run_id, self.integration.name, flow), self.dry_run)

    @property
    def connected(self) -> OdooClient:
        """Odoo, for those who ask only where loads are switched on."""
        if self.odoo is None:
            message = "loads are switched off, so nothing may ask for Odoo"
            raise RuntimeError(message)
        return self.odoo


@dataclass(frozen=True, slots=True)
class FlowState:
    """The state of one flow in one run: what the engine reads and commits."""

    state: State
    run: RunRef
    dry_run: Listener | None = None

    def bindings(self, entity: str, external_ids: Iterable[str]) -> dict[str, Binding]:
        """Bindings by external id."""
        return self.state.bindings(self.run.integration, entity, external_ids)

    def records(self, keys: Iterable[Key]) -> dict[Key, Record]:
        """Records by key."""
        return self.state.records(self.run.integration, keys)

    def owners(self, model: str, odoo_ids: Iterable[int]) -> dict[int, Key]:
        """Who is bound to these Odoo records."""
        return self.state.owners(self.run.integration, model, odoo_ids)

    def resolutions(self) -> dict[Key, list[Resolution]]:
        """Answers to conflicts that have not been applied yet."""
        return self.state.resolutions(self.run.integration, self.run.flow)

    def asked(self) -> set[Key]:
        """Rows over whose record a human is asked."""
        return self.state.asked(self.run.integration, self.run.flow)

    def in_doubt(self) -> set[Key]:
        """Records of any flow of which nobody has decided yet whether they are still those of their external ids."""
        return self.state.in_doubt(self.run.integration)

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        """Remembers a chunk, all of it or nothing."""
        self.state.commit_chunk(self.run, records, outcomes, counts)
        if self.dry_run:
            self.dry_run(self.run.flow, records, outcomes)
