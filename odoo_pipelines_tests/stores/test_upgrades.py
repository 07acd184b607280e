"""What the migrations make of a database of the previous version that has been at work for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from odoo_pipelines.stores.database import migrations
from odoo_pipelines_tests.stores.builders import NOON

PREVIOUS = "0006"
YEARS = timedelta(days=1800)


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """To a database of the previous version, in one transaction."""
    with engine.begin() as connection:
        command.downgrade(migrations(connection), PREVIOUS)
        yield connection


def upgrade(connection: sa.Connection) -> None:
    command.upgrade(migrations(connection), "head")


def test_of_older_events_nobody_knows_whether_they_were_signed_and_none_happened_after_it_came(
    connection: sa.Connection,
) -> None:
    connection.execute(
        sa.text("""
            insert into odoo_pipelines.webhook_event (
                integration, event_key, event_type, flow, entity, external_id, occurred_at, body, state, reason,
                deliveries, received_at, last_received_at, due_at, claim_id, run_id)
            select 'pms', at::text, 'booking.updated', '', 'booking', '7', at, '{}', 'pending', '',
                1, :noon, :noon, :noon, '', ''
            from unnest(cast(:times as timestamptz[])) as at"""),
        {"noon": NOON, "times": [NOON - timedelta(days=1), NOON + YEARS]},
    )
    upgrade(connection)
    events = connection.execute(sa.text("select occurred_at, signed from odoo_pipelines.webhook_event order by id"))
    assert [tuple(event) for event in events] == [(NOON - timedelta(days=1), False), (NOON, False)]


def test_conflicts_stay_and_may_be_answered_with_a_record_and_nothing_is_noted_yet(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("""
            insert into odoo_pipelines.conflict (
                integration, flow, entity, external_id, field, code, reason, odoo_at, state, choice, stale, run_id)
            values (
                'pms', 'partners', 'guest', '7', '*', 'ambiguous_match', 'two', '', 'resolved', 'retry', false, '')
        """)
    )
    upgrade(connection)
    read = sa.text("select state, choice from odoo_pipelines.conflict")
    assert [tuple(row) for row in connection.execute(read)] == [("resolved", "retry")]
    for choice in ("adopt", "new"):
        connection.execute(sa.text("update odoo_pipelines.conflict set choice = :choice"), {"choice": choice})
    assert connection.scalar(sa.text("select count(*) from odoo_pipelines.possible_duplicate")) == 0
    command.downgrade(migrations(connection), PREVIOUS)
    assert [tuple(row) for row in connection.execute(read)] == [("open", None)]
    upgrade(connection)


def test_change_times_from_the_future_become_the_day_on_which_they_came(connection: sa.Connection) -> None:
    early, late = NOON - timedelta(days=1), NOON + YEARS
    connection.execute(
        sa.text("""
            insert into odoo_pipelines.record (
                integration, entity, external_id, model, odoo_id, hash, base, updated_at, run_id, synced_at)
            select 'pms', 'booking', n::text, 'sale.order', n, 'h', '{}', at, 'run', :noon
            from unnest(cast(:times as timestamptz[])) with ordinality as time (at, n)"""),
        {"noon": NOON, "times": [early, late]},
    )
    connection.execute(
        sa.text("""
            insert into odoo_pipelines.batch (
                integration, layer, name, partition, run_id, path, rows, newest, complete, created_at)
            select 'pms', layer, 'x', '', 'run', layer, 1, :late, true, :noon
            from unnest(array['external', 'mapped', 'odoo']) as layer"""),
        {"noon": NOON, "late": late},
    )
    upgrade(connection)
    records = "select updated_at, seen_at, inside from odoo_pipelines.record order by odoo_id"
    assert [tuple(row) for row in connection.execute(sa.text(records))] == [(early, None, True), (NOON, None, True)]
    newest = "select newest from odoo_pipelines.batch order by id"
    assert list(connection.scalars(sa.text(newest))) == [NOON, NOON, late]
