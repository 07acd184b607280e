"""Dry runs: extraction, mapping and load by the functions of the assets, with nothing written anywhere.

A dry run materializes no asset, or its history would tell of things that never happened.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import dagster as dg

from odoo_pipelines.defs.jobs import INTEGRATION_TAG, Mode, range_of
from odoo_pipelines.defs.metadata import counts_metadata, tally_metadata
from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.defs.resources import Progress, log_progress
from odoo_pipelines.engine.keys import general_name
from odoo_pipelines.engine.preview import KeyOfNew, Preview, previews
from odoo_pipelines.errors import ConfigurationError, RowCountError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.by_id import fetch_named
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.loading import load_flow, partitions_to_load
from odoo_pipelines.pipeline.mapping import map_partition, partitions_to_map
from odoo_pipelines.pipeline.replay import add_replay
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.settings import Settings, load_settings
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import Flow, System
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import Counts, Outcome, Record, RowOutcome


@dataclass
class FlowPreview:
    """What a run would do with the rows of one flow.

    Attributes:
        counts: rows by outcome.
        fields: how many records would get another value, by field; new records are not counted.
        sample: the first records of every outcome but unchanged and superseded. Holds personal data.
        adoptions: every record that would be bound to one which people entered; they are in no sample.
        warnings: how many rows would carry each warning.
    """

    counts: Counts = field(default_factory=Counts)
    fields: dict[str, int] = field(default_factory=dict)
    sample: list[Preview] = field(default_factory=list)
    adoptions: list[Preview] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)


class Notes:
    """Takes down what a dry run would do.

    Args:
        system: whose flows are tried.
        sample: records that are shown, of each flow and outcome.
        key_of_new: tells which records are only planned.

    Attributes:
        flows: by name.
    """

    def __init__(self, system: System, sample: int, key_of_new: KeyOfNew) -> None:
        self.flows = {flow.name: FlowPreview() for flow in system.flows}
        self._targets = {flow.name: flow.target for flow in system.flows}
        self._sample = sample
        self._key_of_new = key_of_new
        self._shown: Counter[tuple[str, Outcome]] = Counter()
        self._lock = Lock()

    def take(self, flow: str, records: Sequence[Record], outcomes: Sequence[RowOutcome]) -> None:
        """Takes down a chunk; may be called from several threads."""
        with self._lock:
            tally = self.flows[flow].warnings
            for warning in (warning for outcome in outcomes for warning in outcome.warnings):
                tally[warning] = tally.get(warning, 0) + 1
            for each in previews(self._targets[flow], records, outcomes, self._key_of_new):
                self._add(flow, each)

    def _add(self, flow: str, preview: Preview) -> None:
        noted = self.flows[flow]
        if preview.outcome is not Outcome.CREATED:
            for name in {general_name(change.field) for change in preview.changes}:
                noted.fields[name] = noted.fields.get(name, 0) + 1
        if preview.adopts is not None:
            noted.adoptions.append(preview)
            return
        self._shown[flow, preview.outcome] += 1
        if self._shown[flow, preview.outcome] <= self._sample:
            noted.sample.append(preview)


def run_dry(
    settings: Settings,
    integration: Integration,
    mode: Mode,
    partition: str | None,
    progress: Progress,
    *,
    run_id: str = "dry-run",
    sample: int = 0,
    disaster: Disaster | None = None,
) -> dict[str, FlowPreview]:
    """Does a whole sync but for its effects, and tells by flow what those would be.

    Args:
        settings: with the connections of the integration complete.
        integration: what is synced.
        mode: "delta" or "full".
        partition: the only one to sync; None for all that the mode needs.
        progress: told the flow's name, rows done and rows in all, after every chunk.
        run_id: names this run to others that wait for it.
        sample: records that are shown, of each flow and outcome.
        disaster: that the sync would recover from.

    Raises:
        ConfigurationError: there is no such partition, or loads are switched off.
        OdooPipelinesError: the run would fail in the same way.
    """
    if not integration.odoo_enabled:
        raise ConfigurationError(["ODOO_ENABLED is off: a sync would not load anything"])
    first, last = range_of(integration, mode, partition)
    with _session(settings, integration, run_id, mode, sample, disaster=disaster) as (session, notes):
        known = list(partitions_of(integration).get_partition_keys())
        keys = known[known.index(first) : known.index(last) + 1]
        _extract(session, keys)
        for flow in session.system.flows:
            for each in partitions_to_map(session, flow, keys):
                map_partition(session, flow, each)
            add_replay(session, flow)
        for flow in session.system.flows:
            notes.flows[flow.name].counts = _load(session, flow, keys, progress)
    return notes.flows


@contextmanager
def _session(
    settings: Settings,
    integration: Integration,
    run_id: str,
    mode: Mode,
    sample: int,
    *,
    disaster: Disaster | None,
) -> Iterator[tuple[Session, Notes]]:
    def key_of_new(odoo_id: int) -> str | None:
        return session.planned_odoo.key_of_new(odoo_id) if session.planned_odoo else None

    notes = Notes(get_system(integration.system), sample, key_of_new)
    keys = partitions_of(integration).get_partition_keys()
    session = Session(settings, integration, run_id, mode, keys, dry_run=notes.take, disaster=disaster)
    try:
        yield session, notes
    finally:
        session.close()


def _extract(session: Session, keys: Sequence[str]) -> None:
    definition = partitions_of(session.integration)
    for stream in session.system.streams.values():
        walk = Extraction(session, stream)
        for window in windows(definition, keys) if stream.partitioned else [Window()]:
            walk.extract(window)
    for stream in session.system.streams.values():
        if stream.by_id:
            fetch_named(session, stream)


def _load(session: Session, flow: Flow, keys: Sequence[str], progress: Progress) -> Counts:
    loaded = load_flow(session, flow, partitions_to_load(session, flow, keys), progress)
    if not loaded.balanced:
        raise RowCountError(f"{flow.name}: {loaded.rows_in} rows in, {loaded.report.counts.as_dict()} out")
    return loaded.report.counts


def dry_run_job(integration: Integration) -> dg.JobDefinition:
    """The job that shows what a sync would do; its choices are made in the launchpad."""
    name = f"{integration.identifier}_dry_run"
    modes = dg.Enum(f"{name}_mode", [dg.EnumValue("delta"), dg.EnumValue("full")])

    @dg.op(
        name=f"dry_run_{integration.identifier}",
        pool=integration.pool,
        config_schema={
            "mode": dg.Field(modes, default_value="delta", description="As of a sync."),
            "partition": dg.Field(dg.Noneable(str), default_value=None, description="Only this one, if any."),
        },
        description="Extracts, maps and plans; writes nothing.",
    )
    def dry_run_sync(context: dg.OpExecutionContext) -> None:
        settings = load_settings(needed=integration.name)
        mode, partition = context.op_config["mode"], context.op_config["partition"]
        found = settings.integration(integration.name)
        flows = run_dry(settings, found, mode, partition, log_progress, run_id=context.run_id)
        for flow, preview in flows.items():
            context.log.info(f"{flow}: would be {preview.counts.as_dict()}, {len(preview.adoptions)} of them adopted")
        context.add_output_metadata(_metadata(flows))

    @dg.job(
        name=name,
        tags={INTEGRATION_TAG: integration.name},
        description="Tells what a sync would do, as far as Odoo accepts it. Writes nothing, materializes nothing.",
    )
    def dry_run() -> None:
        dry_run_sync()

    return dry_run


def _metadata(flows: dict[str, FlowPreview]) -> dict[str, Any]:
    """Numbers and names of fields, never a value."""
    metadata: dict[str, Any] = {}
    for flow, preview in flows.items():
        metadata |= {f"{flow}_{name}": count for name, count in counts_metadata(preview.counts).items()}
        metadata[f"{flow}_adopts"] = len(preview.adoptions)
        metadata |= tally_metadata(f"{flow}_fields", preview.fields)
    return metadata
