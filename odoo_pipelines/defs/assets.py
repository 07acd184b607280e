"""Asset factories: for every stream an extraction, for every flow a mapping and a load."""

import datetime as dt
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from odoo_pipelines.defs.checks import check_results, check_specs, not_checked
from odoo_pipelines.defs.keys import Stage, external_key, group, mapped_key, odoo_key
from odoo_pipelines.defs.metadata import (
    extracted_metadata,
    fetched_metadata,
    loaded_metadata,
    mapped_metadata,
    run_metadata,
    schema_metadata,
)
from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.defs.resources import Sessions
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.by_id import asset_name
from odoo_pipelines.pipeline.loading import load_flow, partitions_to_load
from odoo_pipelines.pipeline.mapping import map_partition, partitions_to_map
from odoo_pipelines.pipeline.replay import add_replay
from odoo_pipelines.pipeline.requested import extract_windows, fetch_single
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import Flow, Stream, System

PARTITIONS_PER_RUN = 12
PRIORITY = "dagster/priority"
"""Everything is extracted and mapped before the first load: only then is it known what has vanished."""
_LATE = dt.timedelta(hours=1)
_STALE = dt.timedelta(hours=2)
_SWITCHED_OFF = "ODOO_ENABLED is off"


def assets_of(integration: Integration) -> list[dg.AssetsDefinition]:
    """All assets of an integration."""
    system = get_system(integration.system)
    extractions = [_extraction(integration, system, stream) for stream in system.streams.values()]
    single = [_single_records(integration, system, stream) for stream in system.streams.values() if stream.by_id]
    mappings = [_mapping(integration, system, flow) for flow in system.flows]
    loads = [_load(integration, system, flow) for flow in system.flows]
    return [*extractions, *single, *mappings, *loads]


def asset_of(
    integration: Integration, system: System, stage: Stage, *, partitioned: bool = True, **arguments: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` with what all assets of an integration share."""
    fresh = dg.FreshnessPolicy.time_window(fail_window=_STALE, warn_window=_LATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # the backfill policy: tried, and pinned with the release
        decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            group_name=group(integration, stage),
            owners=list(system.owners),
            pool=integration.pool,
            tags={"odoo_pipelines/integration": integration.name, "odoo_pipelines/system": system.name},
            freshness_policy=fresh if integration.auto_sync else None,
            partitions_def=partitions_of(integration) if partitioned else None,
            backfill_policy=dg.BackfillPolicy.multi_run(PARTITIONS_PER_RUN) if partitioned else None,
            **arguments,
        )
    return decorator


def _extraction(integration: Integration, system: System, stream: Stream) -> dg.AssetsDefinition:
    @asset_of(
        integration,
        system,
        Stage.EXTRACT,
        key=external_key(integration, stream.name),
        description=f"{stream.description} Extracted from {system.name} at {stream.path}.",
        kinds={"python", "parquet"},
        op_tags={PRIORITY: 2},
        partitioned=stream.partitioned,
    )
    def extraction(
        context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]
    ) -> dg.MaterializeResult[Any]:
        session, started = sessions.open(integration.name), time.monotonic()
        requests = session.external.requests
        requests_before, repeated_before = requests.total, requests.retried
        results = extract_windows(session, stream, _windows(context, integration, stream))
        for result in results if stream.partitioned else ():
            context.add_asset_metadata(extracted_metadata(result), partition_key=result.window.partition)
        rows, made = sum(result.rows for result in results), requests.total - requests_before
        context.log.info(f"{stream.name}: {rows} rows in {made} requests")
        return dg.MaterializeResult(
            metadata={
                **({} if stream.partitioned else extracted_metadata(results[0])),
                "dagster/row_count": rows,
                "requests": made,
                "requests_repeated": requests.retried - repeated_before,
                "watermark": str(session.state.watermark(integration.name, stream.name) or "none yet"),
                **session.unreadable.metadata,
                **_duration(started),
            }
        )

    return extraction


def _single_records(integration: Integration, system: System, stream: Stream) -> dg.AssetsDefinition:
    naming = list(stream.by_id.named_by) if stream.by_id else []

    @asset_of(
        integration,
        system,
        Stage.EXTRACT,
        key=external_key(integration, asset_name(stream)),
        deps=[external_key(integration, each) for each in (stream.name, *naming)],
        description=f"Single {stream.name} that {' and '.join(naming)} name before any list has shown them.",
        kinds={"python", "parquet"},
        op_tags={PRIORITY: 2},
    )
    def single_records(
        context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]
    ) -> dg.MaterializeResult[Any]:
        session, started = sessions.open(integration.name), time.monotonic()
        fetched = fetch_single(session, stream)
        context.log.info(f"{stream.name}: {fetched.rows} fetched by id, {fetched.not_found} not found")
        return dg.MaterializeResult(metadata={**fetched_metadata(fetched), **_duration(started)})

    return single_records


def _mapping(integration: Integration, system: System, flow: Flow) -> dg.AssetsDefinition:
    @asset_of(
        integration,
        system,
        Stage.MAP,
        key=mapped_key(integration, flow.name),
        deps=[external_key(integration, each) for each in _extracted_for(system, flow)],
        description=f"{flow.description} Mapped to {flow.target.model}.",
        kinds={"python", "parquet"},
        op_tags={PRIORITY: 1},
        metadata=schema_metadata(integration, flow),
    )
    def mapping(context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]) -> dg.MaterializeResult[Any]:
        session, started = sessions.open(integration.name), time.monotonic()
        partitions = partitions_to_map(session, flow, context.partition_keys)
        mapped = [map_partition(session, flow, partition) for partition in partitions]
        for partition, result in zip(partitions, mapped, strict=True):
            if partition in context.partition_keys:
                context.add_asset_metadata(mapped_metadata(result), partition_key=partition)
        mapped.append(add_replay(session, flow))
        rows, rejected = sum(each.rows for each in mapped), sum(each.rejected for each in mapped)
        context.log.info(f"{flow.name}: {rows} rows mapped, {rejected} rejected")
        return dg.MaterializeResult(
            metadata={
                **schema_metadata(integration, flow),
                "dagster/row_count": rows,
                "rows_rejected": rejected,
                "rows_tried_again": mapped[-1].rows_in,
                **session.unreadable.metadata,
                **_duration(started),
            }
        )

    return mapping


def _extracted_for(system: System, flow: Flow) -> list[str]:
    """Names of the assets that a mapping takes batches of."""
    single = [asset_name(system.streams[name]) for name in flow.mappers if system.streams[name].by_id]
    return [*flow.mappers, *single]


def _load(integration: Integration, system: System, flow: Flow) -> dg.AssetsDefinition:
    key = odoo_key(integration, flow)
    earlier = [each for each in system.flows if each.name in flow.after]

    @asset_of(
        integration,
        system,
        Stage.LOAD,
        key=key,
        deps=[mapped_key(integration, flow.name), *(odoo_key(integration, each) for each in earlier)],
        description=f"{flow.description} Written to {flow.target.model} in Odoo.",
        kinds={"python", "odoo"},
        check_specs=check_specs(key, flow),
    )
    def load(context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]) -> dg.MaterializeResult:  # type: ignore[type-arg]
        session = sessions.open(integration.name)
        if not session.integration.odoo_enabled:
            context.log.warning(f"{_SWITCHED_OFF}: nothing was loaded, the batches wait")
            return dg.MaterializeResult(
                metadata={"skipped": _SWITCHED_OFF}, check_results=not_checked(flow, _SWITCHED_OFF)
            )
        partitions = partitions_to_load(session, flow, context.partition_keys)
        loaded = load_flow(session, flow, partitions, sessions.progress)
        for partition, report in loaded.by_partition.items():
            if partition in context.partition_keys:
                context.add_asset_metadata(loaded_metadata(report), partition_key=partition)
        context.log.info(f"{flow.name}: {loaded.report.counts.as_dict()} in {loaded.requests} requests")
        return dg.MaterializeResult(
            metadata=run_metadata(loaded),
            check_results=check_results(session.integration, flow, loaded),
        )

    return load


def _duration(started: float) -> dict[str, float]:
    return {"duration_seconds": round(time.monotonic() - started, 3)}


def _windows(context: dg.AssetExecutionContext, integration: Integration, stream: Stream) -> Sequence[Window]:
    return windows(partitions_of(integration), context.partition_keys) if stream.partitioned else [Window()]
