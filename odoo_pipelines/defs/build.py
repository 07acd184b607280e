"""Puts the definitions of integrations together."""

from collections.abc import Iterable
from itertools import chain

import dagster as dg

from odoo_pipelines.defs.assets import assets_of
from odoo_pipelines.defs.dry_run import dry_run_job
from odoo_pipelines.defs.jobs import jobs_of, loads, schedules_of
from odoo_pipelines.defs.outbound import outbound_assets_of
from odoo_pipelines.defs.resources import Progress, sessions_resource
from odoo_pipelines.defs.retention import retention, retention_schedule
from odoo_pipelines.defs.webhooks import sensor_of
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.settings_check import check_settings


def build_definitions(integrations: Iterable[Integration], progress: Progress) -> dg.Definitions:
    """Definitions for the active ones among the integrations.

    Args:
        integrations: as configured.
        progress: told the flow's name, rows done and rows in all, after every chunk of a load.

    Raises:
        ConfigurationError: an integration names a system, a flow or a field that does not exist.
    """
    active = [integration for integration in integrations if integration.active]
    check_settings(active)
    jobs = {integration.name: jobs_of(integration) for integration in active}
    return dg.Definitions(
        assets=[asset for each in active for asset in (*assets_of(each), *outbound_assets_of(each))],
        jobs=[retention, *chain.from_iterable(jobs.values()), *map(dry_run_job, filter(loads, active))],
        schedules=[retention_schedule, *(schedule for integration in active for schedule in schedules_of(integration))],
        sensors=[sensor_of(integration, jobs[integration.name]) for integration in active],
        resources={"sessions": sessions_resource(progress)},
        # Work is split into runs, not into processes: a step process costs 1.8 s, a step in the run's own 0.04 s.
        executor=dg.in_process_executor,
    )
