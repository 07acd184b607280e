"""The sensor that makes runs of what came in over HTTP, one at a time, and settles what became of it.

A claim is settled by how its run ended, as Dagster knows it: an event is done when all of its run has succeeded, and
comes back when it has failed, or was never there. So wherever a process dies, the next tick finds out.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from odoo_pipelines.clients import open_inbox
from odoo_pipelines.defs.jobs import Mode, covering_range, job_name, range_tags, run_tags
from odoo_pipelines.defs.resources import BY_HAND, CLAIM_TAG, MODE_TAG
from odoo_pipelines.errors import NewerSchemaError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.session import WEBHOOK
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.inbox import Claim, Inbox
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import System
from odoo_pipelines.webhooks.manual import SyncRequest

INTERVAL_SECONDS = 4
"""Dagster looks every five seconds, and would find a sensor not due yet that ticked not quite five seconds ago."""
RUN_FAILED, RUN_CANCELED, RUN_DIED = "run_failed", "run_canceled", "run_died"
ASKED_BY_TAG, BY_WEBHOOKS, BY_MANUAL_SYNC = "odoo_pipelines/asked_by", "webhooks", "manual_sync"
NOTHING_DUE = "nothing waits, or none of it is due yet"
_MAX_RETRIES, _FAILURE_REASON = "dagster/max_retries", "dagster/failure_reason"
_FAILED_BY_ITSELF = {"STEP_FAILURE", "RUN_EXCEPTION", "JOB_INITIALIZATION_FAILURE"}
"""Dagster's words for runs that came to an end; others were found dead."""
_WAITING = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING)


def sensor_of(integration: Integration, jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor of an integration, running unless `auto_sync` is off.

    Args:
        integration: whose inbox it looks into.
        jobs: of the integration.
    """

    @dg.sensor(
        name=f"{integration.identifier}_webhook_sensor",
        jobs=jobs,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING if integration.auto_sync else dg.DefaultSensorStatus.STOPPED,
        description="Requests a run for the webhooks and manual syncs that wait, unless one of them waits itself.",
    )
    def webhook_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            with open_inbox(load_settings()) as inbox:
                found = evaluate(integration, inbox, context.instance, context.cursor)
        except NewerSchemaError as error:  # until this is upgraded; a stack every five seconds helps nobody
            return dg.SkipReason(str(error))
        if isinstance(found, dg.RunRequest):
            context.update_cursor(found.tags[ASKED_BY_TAG])
        return found

    return webhook_sensor


def evaluate(
    integration: Integration, inbox: Inbox, instance: dg.DagsterInstance, last: str | None = None
) -> dg.RunRequest | dg.SkipReason:
    """What one tick of the sensor comes to.

    Args:
        integration: whose inbox it is.
        inbox: of all integrations.
        instance: where the runs are.
        last: who asked for the run before, BY_WEBHOOKS or BY_MANUAL_SYNC: then it is the other one's turn.
    """
    settled = [_settle(claim_id, inbox, instance) for claim_id in inbox.open_claims(integration.name)]
    for answer in settled:
        if answer is not None:
            return answer
    manual_first = last != BY_MANUAL_SYNC
    claim = inbox.claim(integration.name, manual=manual_first) or inbox.claim(integration.name, manual=not manual_first)
    return _run_request(integration, claim) if claim else dg.SkipReason(NOTHING_DUE)


def _run_request(integration: Integration, claim: Claim) -> dg.RunRequest:
    """The run that does what was claimed."""
    mode, tags = _as_asked(integration, claim)
    # Dagster's own retry of crashed runs would be a second one, which gives up where it meets no code server.
    asked_by = BY_MANUAL_SYNC if claim.events[0].flow else BY_WEBHOOKS
    tags = {**tags, CLAIM_TAG: claim.id, ASKED_BY_TAG: asked_by, _MAX_RETRIES: "0"}
    return dg.RunRequest(run_key=claim.id, job_name=job_name(integration, mode), tags=tags)


def _settle(claim_id: str, inbox: Inbox, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason | None:
    """Ends a claim whose run has ended, keeps any other, and gives what the tick comes to if that run still waits."""
    found = instance.get_runs(dg.RunsFilter(tags={CLAIM_TAG: claim_id}), limit=1)
    if not found:  # the daemon died before it had one made
        inbox.release(claim_id)
        return None
    [run] = found
    if run.status is dg.DagsterRunStatus.SUCCESS:
        inbox.acknowledge(claim_id)
    elif run.status is dg.DagsterRunStatus.CANCELED:
        inbox.fail(claim_id, RUN_CANCELED)
    elif run.status is dg.DagsterRunStatus.FAILURE:
        by_itself = run.tags.get(_FAILURE_REASON) in _FAILED_BY_ITSELF
        inbox.fail(claim_id, RUN_FAILED if by_itself else RUN_DIED, after_pause=by_itself)
    else:
        inbox.renew(claim_id)
        return _still_waiting(claim_id, run)
    return None


def _still_waiting(claim_id: str, run: dg.DagsterRun) -> dg.RunRequest | dg.SkipReason | None:
    if run.status is dg.DagsterRunStatus.NOT_STARTED:  # the daemon died before it could launch it, and does so now
        return dg.RunRequest(run_key=claim_id, job_name=run.job_name, tags=run.tags)
    if run.status in _WAITING:
        return dg.SkipReason(f"run {run.run_id} has not started yet; what comes in meanwhile goes into the next")
    return None


def _as_asked(integration: Integration, claim: Claim) -> tuple[Mode, dict[str, str]]:
    """The job for a claim, and the tags of its run; what cannot be done for single records is done for all."""
    [first, *_] = claim.events
    if not first.flow:
        return WEBHOOK, run_tags(integration, WEBHOOK)
    asked, system = SyncRequest.model_validate_json(first.body), get_system(integration.system)
    everything = asked.mode != "delta"
    if first.flow in {flow.name for flow in system.outbound}:
        return ("outbound_full" if everything else "outbound"), {}
    if asked.window:
        window = covering_range(integration, asked.window.since, asked.window.until)
        return "full", {**range_tags(*window), MODE_TAG: BY_HAND}
    if asked.ids and _is_fetched_by_id(system, first.flow):
        return WEBHOOK, run_tags(integration, WEBHOOK)
    mode: Mode = "full" if everything else "delta"
    return mode, run_tags(integration, mode)


def _is_fetched_by_id(system: System, flow: str) -> bool:
    entities = {each.entity for each in system.flows if each.name == flow}
    return any(stream.by_id and system.entity_of(stream.name) in entities for stream in system.streams.values())
