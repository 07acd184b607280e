"""Jobs and schedules, each over a range of partitions.

A delta sync every half hour, a full sync every night, and in between a retry of what may get through now. What goes
out of Odoo has no partitions: it is sent after the delta, and every night all of Odoo is read for it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from odoo_pipelines.clients import open_state
from odoo_pipelines.defs.keys import INTO_ODOO, OUT_OF_ODOO, assets_in, external_key
from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.defs.resources import MODE_TAG
from odoo_pipelines.errors import ConfigurationError, NewerSchemaError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.consumers import load_consumer, mapping_consumer
from odoo_pipelines.pipeline.session import OUTBOUND, RETRY, WEBHOOK
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems import get_system

Mode: TypeAlias = Literal["delta", "full", "retry", "webhook", "outbound", "outbound_full"]

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
INTEGRATION_TAG = "odoo_pipelines/integration"
OUTBOUND_MODES: tuple[Mode, ...] = (OUTBOUND, "outbound_full")


def job_name(integration: Integration, mode: Mode) -> str:
    """Name of a job, such as "pms_delta_sync"."""
    return f"{integration.identifier}_{'retry_dead_letters' if mode == RETRY else f'{mode}_sync'}"


def jobs_of(integration: Integration) -> list[UnresolvedAssetJobDefinition]:
    """The jobs of an integration."""
    inbound: tuple[Mode, ...] = ("delta", "full", "retry", WEBHOOK)
    modes = [*(inbound if loads(integration) else ()), *(OUTBOUND_MODES if sends(integration) else ())]
    return [_job(integration, mode) for mode in modes]


def schedules_of(integration: Integration) -> list[dg.ScheduleDefinition]:
    """The schedules of an integration, running unless `auto_sync` is off."""
    inbound = [
        _schedule(integration, "delta", integration.delta_cron),
        _schedule(integration, "full", integration.full_cron),
        _schedule(integration, "retry", integration.retry_cron, why_idle=_nothing_to_retry),
    ]
    outbound = [
        _schedule(integration, "outbound", integration.outbound_cron),
        _schedule(integration, "outbound_full", integration.full_cron),
    ]
    return [*(inbound if loads(integration) else ()), *(outbound if sends(integration) else ())]


def loads(integration: Integration) -> bool:
    """Whether anything of the external system goes into Odoo."""
    return bool(get_system(integration.system).flows)


def sends(integration: Integration) -> bool:
    """Whether anything of Odoo goes to the external system."""
    return bool(get_system(integration.system).outbound)


def delta_range(integration: Integration) -> tuple[str, str]:
    """First and last partition of a delta: from the earliest with something new, or still to be done, to now."""
    keys = partitions_of(integration).get_partition_keys()
    with open_state(load_settings()) as state:
        starts = [*_open_partitions(integration, state), _watermark_partition(integration, state)]
    return min(start for start in starts if start in keys), keys[-1]


def full_range(integration: Integration) -> tuple[str, str]:
    """First and last partition of all."""
    keys = partitions_of(integration).get_partition_keys()
    return keys[0], keys[-1]


def covering_range(integration: Integration, since: datetime, before: datetime) -> tuple[str, str]:
    """First and last partition of those that hold what was changed in a time."""
    definition = partitions_of(integration)
    found = [
        window.partition
        for window in windows(definition, definition.get_partition_keys())
        if (window.since is None or window.since < before) and (window.before is None or since < window.before)
    ]
    return found[0], found[-1]


def run_tags(integration: Integration, mode: Mode, partition: str | None = None) -> dict[str, str]:
    """Tags of a run that is asked for by hand: its range, where the mode has one.

    Raises:
        ConfigurationError: there is no such partition.
    """
    if mode not in OUTBOUND_MODES:
        return range_tags(*range_of(integration, mode, partition))
    if partition is not None:
        raise ConfigurationError([f"--partition: what goes out of Odoo (mode {mode}) has no partitions"])
    if not sends(integration):
        raise ConfigurationError([f"--mode {mode}: the system '{integration.system}' takes nothing out of Odoo"])
    return {}


def range_of(integration: Integration, mode: Mode, partition: str | None) -> tuple[str, str]:
    """First and last partition of a run that is asked for by hand: the one that is named, or all that the mode needs.

    Raises:
        ConfigurationError: there is no such partition, or the mode has none.
    """
    if mode in OUTBOUND_MODES:
        raise ConfigurationError([f"--mode {mode}: has no partitions, and no dry run"])
    if not loads(integration):
        raise ConfigurationError([f"--mode {mode}: the system '{integration.system}' brings nothing into Odoo"])
    if partition is None:
        return full_range(integration) if mode == "full" else delta_range(integration)
    try:
        windows(partitions_of(integration), [partition])
    except ValueError as error:
        raise ConfigurationError([f"--partition: {error}"]) from error
    return partition, partition


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags of a run over a range of partitions, both ends included."""
    return {RANGE_START_TAG: first, RANGE_END_TAG: last}


_DESCRIPTIONS: dict[Mode, str] = {
    "delta": "Extracts what has changed since the last sync, and whatever an earlier run left undone.",
    "full": "Extracts everything and compares all of it with Odoo.",
    "webhook": "Fetches what webhooks name, and does with it what a delta sync does.",
    "retry": "A delta sync that also takes up the dead letters whose time has come, in their newest version.",
    "outbound": "Sends what is new in Odoo, and the dead letters whose time has come.",
    "outbound_full": "Reads all of Odoo for what was never sent, and sends it.",
}


def _job(integration: Integration, mode: Mode) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name=job_name(integration, mode),
        selection=_selection(integration, mode),
        tags={MODE_TAG: mode, INTEGRATION_TAG: integration.name},
        description=_DESCRIPTIONS[mode],
    )


def _selection(integration: Integration, mode: Mode) -> dg.AssetSelection:
    """The assets of a job; in that of webhooks those are missing that it leaves as old as they are."""
    if mode in OUTBOUND_MODES:
        return assets_in(integration, OUT_OF_ODOO)
    inbound = assets_in(integration, INTO_ODOO)
    if mode != WEBHOOK:
        return inbound
    streams = get_system(integration.system).streams
    read = {name for stream in streams.values() if stream.by_id for name in stream.by_id.named_by}
    return inbound - dg.AssetSelection.assets(
        *(external_key(integration, each) for each in streams if each not in read)
    )


def _schedule(
    integration: Integration, mode: Mode, cron: str, why_idle: Callable[[Integration], str] = lambda _: ""
) -> dg.ScheduleDefinition:
    name = job_name(integration, mode)

    @dg.schedule(
        name=f"{name}_schedule",
        job_name=name,
        cron_schedule=cron,
        execution_timezone=integration.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if integration.auto_sync else dg.DefaultScheduleStatus.STOPPED,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        waiting = context.instance.get_run_records(dg.RunsFilter(job_name=name, statuses=[*_WAITING]), limit=1)
        if waiting:
            return dg.SkipReason(f"run {waiting[0].dagster_run.run_id} of this job has not started yet")
        try:
            idle = why_idle(integration)
            return dg.SkipReason(idle) if idle else dg.RunRequest(tags=run_tags(integration, mode))
        except NewerSchemaError as error:  # until this code location is upgraded
            return dg.SkipReason(str(error))

    return schedule


_WAITING = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)


def _nothing_to_retry(integration: Integration) -> str:
    """Why a retry would do no more than a delta; "" if it would. Letters of what goes out are taken up there."""
    flows = get_system(integration.system).flows
    with open_state(load_settings()) as state:
        due = any(state.letters(LetterFilter(integration.name, flow.name, due=True, limit=1)) for flow in flows)
        answered = any(state.resolutions(integration.name, flow.name) for flow in flows)
    return "" if due or answered else "no dead letter is due, and no resolved conflict waits"


def _open_partitions(integration: Integration, state: State) -> list[str]:
    """Partitions with batches that a mapping or a load has not done yet."""
    system = get_system(integration.system)
    batches = [
        batch
        for flow in system.flows
        for batch in (
            *state.pending(integration.name, "external", list(flow.mappers), mapping_consumer(flow), None),
            *state.pending(integration.name, "mapped", [flow.name], load_consumer(flow), None),
        )
    ]
    return [batch.partition for batch in batches if batch.partition]


def _watermark_partition(integration: Integration, state: State) -> str:
    """The partition from which a delta has to read: that of the stream that is furthest behind.

    Streams without partitions are read as a whole, whichever it is.
    """
    definition = partitions_of(integration)
    known = windows(definition, definition.get_partition_keys())
    streams = [stream for stream in get_system(integration.system).streams.values() if stream.partitioned]
    if not streams:
        return known[-1].partition
    marks = [state.watermark(integration.name, stream.name) for stream in streams]
    first = None if None in marks else min(mark for mark in marks if mark is not None)
    if first is None:
        return known[0].partition
    return next(window.partition for window in reversed(known) if window.since is None or window.since <= first)
