"""One integration in one run: its clients, its state and the right to write, opened when first asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from odoo_pipelines.clients import external_client, odoo_client, state_url
from odoo_pipelines.external.client import ExternalClient
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.lock import one_writer
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.sync.reference_data import ReferenceData
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import MappingOptions, System
from odoo_pipelines.systems.records import Binding, Counts, Key, Record, RowOutcome

LOCK_PATIENCE_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass
class Session:
    """One integration in one run.

    Attributes:
        settings: of the installation.
        integration: the one that is run.
        run_id: of Dagster.
        mode: "delta", "full" or "partition".
    """

    settings: Settings
    integration: Integration
    run_id: str
    mode: str
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Lets go of connections and of the right to write."""
        self._stack.close()

    @property
    def verify(self) -> bool:
        """Whether Odoo's side is read even of rows that have not changed: in everything but a delta."""
        return self.mode != "delta"

    @cached_property
    def system(self) -> System:
        """The description of the external system."""
        return get_system(self.integration.system)

    @cached_property
    def state(self) -> State:
        """The state, up to date; this run becomes the only writer of its integration."""
        url = state_url(self.settings)
        engine = connect(url)
        self._stack.callback(engine.dispose)
        migrate(engine)
        lock = one_writer(url, self.integration.name, self.run_id, LOCK_PATIENCE_SECONDS, log)
        self._still_writer = self._stack.enter_context(lock)
        return State(engine)

    @cached_property
    def batches(self) -> BatchStore:
        """The batch files."""
        return BatchStore(self.settings.data)

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
        return Schemas(self._connected())

    @cached_property
    def reference_data(self) -> ReferenceData:
        """Odoo's reference data, looked up once per run."""
        client = self._connected()
        return ReferenceData(client, self.schemas, client.company_id())

    @property
    def mapping_options(self) -> MappingOptions:
        """The integration's choices for its mappings."""
        return MappingOptions(taxes=self.integration.taxes)

    @property
    def still_writer(self) -> Callable[[], None]:
        """Raises when the right to write is lost."""
        return self._still_writer

    def flow_state(self, flow: str) -> FlowState:
        """The state, as one flow sees it in this run."""
        return FlowState(self.state, RunRef(self.run_id, self.integration.name, flow))

    def _connected(self) -> OdooClient:
        if self.odoo is None:
            message = "loads are switched off, so nothing may ask for Odoo"
            raise RuntimeError(message)
        return self.odoo


@dataclass(frozen=True, slots=True)
class FlowState:
    """The state of one flow in one run: what the engine reads and commits."""

    state: State
    run: RunRef

    def bindings(self, entity: str, external_ids: Iterable[str]) -> dict[str, Binding]:
        """Bindings by external id."""
        return self.state.bindings(self.run.integration, entity, external_ids)

    def records(self, keys: Iterable[Key]) -> dict[Key, Record]:
        """Records by key."""
        return self.state.records(self.run.integration, keys)

    def owners(self, model: str, odoo_ids: Iterable[int]) -> dict[int, Key]:
        """Who is bound to these Odoo records."""
        return self.state.owners(self.run.integration, model, odoo_ids)

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        """Remembers a chunk, all of it or nothing."""
        self.state.commit_chunk(self.run, records, outcomes, counts)
