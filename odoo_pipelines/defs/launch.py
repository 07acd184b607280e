"""Runs a sync from a shell: the same job as in the UI, in this process, recorded in the same instance."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from odoo_pipelines.clients import open_state
from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.jobs import OUTBOUND_MODES, Mode, job_name, run_tags
from odoo_pipelines.defs.resources import DISASTER_TAG, Progress
from odoo_pipelines.errors import OdooPipelinesError
from odoo_pipelines.integration import Integration
from odoo_pipelines.settings import Settings
from odoo_pipelines.storage import PROCESS_TAG, this_process
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import Counts

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The log is in the instance; a shell shows the progress and the failure."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync came to.

    Attributes:
        run_id: of Dagster.
        succeeded: whether the run did; failed checks that do not block leave it a success.
        flows: numbers of each flow, zeros for one that was not reached.
        failure: first sentence of what went wrong; "" if nothing did.
    """

    run_id: str
    succeeded: bool
    flows: dict[str, Counts]
    failure: str


def run_sync(
    settings: Settings,
    integration: Integration,
    mode: Mode,
    partition: str | None,
    progress: Progress,
    *,
    disaster: Disaster | None = None,
) -> SyncResult:
    """Runs a sync and waits for its end.

    Args:
        settings: with the connections of the integration complete.
        integration: what is synced.
        mode: what the run looks at.
        partition: the only one to sync; None for all that the mode needs.
        progress: told the flow's name, rows done and rows in all, after every chunk.
        disaster: that the run is to recover from.

    Raises:
        ConfigurationError: there is no such partition.
    """
    tags = run_tags(integration, mode, partition)
    if disaster:
        tags = {**tags, DISASTER_TAG: disaster.value}
    definitions = build_definitions([integration], progress)
    job = definitions.resolve_job_def(job_name(integration, mode))
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            tags={**tags, PROCESS_TAG: this_process()},
            run_config=_QUIET,
            raise_on_error=False,
        )
    with open_state(settings) as state:
        counted = state.run_counts(result.run_id)
    system = get_system(integration.system)
    taken = system.outbound if mode in OUTBOUND_MODES else system.flows
    flows = {flow.name: counted.get(flow.name, Counts()) for flow in taken}
    return SyncResult(result.run_id, result.success, flows, _failure(result))


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """What the first failed step says, with what can be done; not what lies below, such as the disk's own error."""
    for event in result.all_events:
        if event.is_step_failure:
            return _message(event.step_failure_data.error)
    return "" if result.success else "the run failed before its first step"


def _message(error: SerializableErrorInfo | None) -> str:
    """The outermost error that is this project's; else the outermost that is not Dagster's about a step."""
    chain = []
    while error is not None:
        chain.append(error)
        error = error.cause
    ours = {each.__name__ for each in _subclasses(OdooPipelinesError)}
    found = next((each for each in chain if each.cls_name in ours), None)
    found = found or next((each for each in chain if not str(each.cls_name).startswith("Dagster")), None)
    return found.message.strip() if found else "a step failed"


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)
