"""How long a tick of the sensor takes, by how much waits."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice

import dagster as dg
import sqlalchemy as sa

from benchmarks.bench import ROOT, Bench
from benchmarks.report import Results
from benchmarks.timed import timed_each
from odoo_pipelines.clients import open_inbox
from odoo_pipelines.commands.instance import CONFIGURATION
from odoo_pipelines.defs.resources import CLAIM_TAG
from odoo_pipelines.defs.webhooks import evaluate
from odoo_pipelines.settings import DEFAULT_INTEGRATION, load_settings
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.inbox import Inbox, NewEvent

TICKS = 20
BOOKINGS = 2_000
_STORED_AT_ONCE = 5_000
_FILLER = "x" * 200


def measure_ticks(bench: Bench, backlogs: Sequence[int], results: Results) -> None:
    """Ticks, each of which finds that the run of the last one has succeeded, and claims what is next."""
    os.environ.update(bench.environment("http://127.0.0.1:1"))
    (bench.home / CONFIGURATION).symlink_to(ROOT / CONFIGURATION)
    settings, events = load_settings(), _events()
    integration = settings.integration(DEFAULT_INTEGRATION)
    with dg.DagsterInstance.from_config(str(bench.home)) as instance, open_inbox(settings) as inbox:
        for backlog in sorted(backlogs):
            times: list[float] = []
            while len(times) < TICKS:
                _fill(inbox, events, backlog)
                if not times:
                    _tidy_up(bench)
                started = time.perf_counter()
                answer = evaluate(integration, inbox, instance)
                times.append(time.perf_counter() - started)
                _have_succeeded(answer, instance)
            results.add(timed_each(f"tick with {backlog:,} waiting", "sensor", TICKS, times))


def _fill(inbox: Inbox, events: Iterator[NewEvent], backlog: int) -> None:
    while missing := max(0, backlog - inbox.waiting().count):
        inbox.store(list(islice(events, min(missing, _STORED_AT_ONCE))))


def _tidy_up(bench: Bench) -> None:
    """What PostgreSQL does by itself within a minute."""
    engine = connect(bench.database_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze odoo_pipelines.webhook_event"))
    engine.dispose()


def _have_succeeded(answer: dg.RunRequest | dg.SkipReason, instance: dg.DagsterInstance) -> None:
    """The run that a tick has asked for."""
    if isinstance(answer, dg.RunRequest):
        tags = {CLAIM_TAG: answer.tags[CLAIM_TAG]}
        instance.add_run(dg.DagsterRun(str(answer.job_name), status=dg.DagsterRunStatus.SUCCESS, tags=tags))


def _events() -> Iterator[NewEvent]:
    for number in count():
        body = f'{{"data": {{"id": "{number % BOOKINGS}", "special_requests": "{_FILLER}"}}}}'
        place = (DEFAULT_INTEGRATION, f"id:{number}", "booking.updated", body)
        yield NewEvent(*place, entity="booking", external_id=str(number % BOOKINGS))
