"""The job `retention`: removes what nobody asks for any more, or the database and the disk would grow for ever."""

import datetime as dt

import dagster as dg

from odoo_pipelines.clients import open_inbox, open_state
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.batches import BatchStore

FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
RUNS_AT_A_TIME = 500


@dg.op
def remove_what_is_old(context: dg.OpExecutionContext) -> None:
    """Removes outcomes, ended conflicts and events, superseded batches and finished runs after the days of retention.

    Records that vanished as long ago lose their values. What both sides agreed on of others, open conflicts, dead
    letters, the numbers of every run and the newest batches stay.
    """
    settings = load_settings()
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=settings.retention_days)
    with open_state(settings) as state:
        outcomes, batches = state.purge(before), state.superseded_batches(before)
        store = BatchStore(settings.data)
        for batch in batches:  # files first: a batch without its file is forgotten next time, a file without it never
            store.remove(batch.path)
        state.forget_batches([batch.id for batch in batches])
    with open_inbox(settings) as inbox:
        events = inbox.purge(before)
    runs = _delete_runs(context.instance, before)
    context.log.info(
        f"removed {outcomes} outcomes, {len(batches)} batches, {events} events and {runs} runs "
        f"from before {before:%Y-%m-%d}"
    )


@dg.job(description="Removes outcomes, batches, events and runs that are older than ODOO_PIPELINES_RETENTION_DAYS.")
def retention() -> None:
    """Removes what is old."""
    remove_what_is_old()


retention_schedule = dg.ScheduleDefinition(
    job=retention, cron_schedule="30 4 * * *", default_status=dg.DefaultScheduleStatus.RUNNING
)


def _delete_runs(instance: dg.DagsterInstance, before: dt.datetime) -> int:
    old, deleted = dg.RunsFilter(statuses=list(FINISHED), created_before=before), 0
    while records := instance.get_run_records(old, limit=RUNS_AT_A_TIME):
        for record in records:
            instance.delete_run(record.dagster_run.run_id)
        deleted += len(records)
    return deleted
