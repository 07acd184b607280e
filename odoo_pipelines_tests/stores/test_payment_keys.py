"""From a database of revision 0006, where payments were known by their transaction alone, to one where they are not."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from alembic import command

from odoo_pipelines.stores.database import migrate, migrations
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import Counts, Outcome, Record, RowOutcome
from odoo_pipelines_tests.stores.builders import rows_of

IN = "insert into odoo_pipelines."
RECORD = f"""{IN}record (integration, entity, external_id, model, odoo_id, hash, base, run_id) values
    ('hotel', 'payment', 'tx-1', 'account.payment', 7, 'h', '{{}}', 'old'),
    ('hotel', 'refund', 'tx-1', 'account.payment', 8, 'h', '{{}}', 'old'),
    ('hotel', 'booking', 'tx-1', 'sale.order', 9, 'h', '{{}}', 'old')"""
OUTCOME = f"""{IN}outcome (run_id, integration, flow, attempt, entity, external_id, outcome, weight, field, code,
    reason, warnings, changes) values
    ('old', 'hotel', 'payments', 1, 'payment', 'tx-1', 'created', 1, '', '', '', '[]', '[]'),
    ('old', 'hotel', 'payments', 1, 'payment', '', 'rejected', 1, '', '', '', '[]', '[]'),
    ('old', 'hotel', 'payments_out', 1, 'payment', 'PBNK1', 'created', 1, '', '', '', '[]', '[]')"""
CONFLICT = f"""{IN}conflict (integration, flow, entity, external_id, field, code, reason, odoo_at, state, stale, run_id)
    values ('hotel', 'payments', 'payment', 'tx-1', 'amount', 'sealed', '', '', 'open', false, 'old')"""
LETTER = f"""{IN}dead_letter (integration, flow, entity, key, external_id, payload, code, field, reason, transient,
    attempts, run_id) values
    ('hotel', 'payments', 'payment', 'tx-2', 'tx-2', '{{}}', 'c', 'f', 'r', true, 1, 'old'),
    ('hotel', 'payments', 'payment', 'abcdef', '', '{{}}', 'c', 'f', 'r', false, 1, 'old'),
    ('hotel', 'payments_out', 'payment', 'PBNK2', 'PBNK2', '{{}}', 'c', 'f', 'r', true, 1, 'old')"""
BATCH = f"""{IN}batch (integration, layer, name, partition, run_id, path, rows, complete) values
    ('hotel', 'external', 'payments', '2026', 'old', 'a', 1, true),
    ('hotel', 'external', 'bookings', '2026', 'old', 'b', 1, true),
    ('hotel', 'mapped', 'payments', '2026', 'old', 'c', 1, true),
    ('hotel', 'mapped', 'payments', '2026', 'old', 'd', 1, false)"""
USE = f"""{IN}batch_use (batch_id, consumer, started_at, done_at)
    select id, consumer, now(), case when path = 'd' then null else now() end from odoo_pipelines.batch, lateral (values
        ('a', 'mapped/payments'), ('b', 'mapped/orders'), ('c', 'odoo/account_payment'), ('d', 'odoo/account_payment')
    ) as uses (of_path, consumer) where path = of_path"""  # noqa: S608
EVENTS = {
    "1": ("pending", {"data": {"id": 31, "transaction_id": "tx-1", "booking_id": 5}}),
    "2": ("failed", {"transaction_id": "tx-1", "booking_id": "a/b"}),
    "3": ("dead", {"data": {"transaction_id": "tx-1"}}),
    "4": ("done", {"data": {"id": 32, "transaction_id": "tx-1"}}),
}


@pytest.fixture
def aged(engine: sa.Engine) -> sa.Engine:
    """The database as the previous version has left it."""
    with engine.begin() as connection:
        command.downgrade(migrations(connection), "0006")
        for statement in (RECORD, OUTCOME, CONFLICT, LETTER, BATCH, USE):
            connection.execute(sa.text(statement))
        for key, (state, body) in EVENTS.items():
            event = sa.text(
                f"{IN}webhook_event (integration, event_key, event_type, flow, entity, external_id, body, state, "
                "reason, attempts, deliveries, received_at, last_received_at, due_at, claim_id, run_id) values "
                "('hotel', :key, 'payment.received', '', 'payment', 'tx-1', :body, :state, '', 0, 1, now(), now(), "
                "now(), '', '')"
            )
            connection.execute(event, {"key": key, "body": json.dumps(body), "state": state})
    return engine


def ids(engine: sa.Engine, table: str, column: str = "external_id") -> list[str]:
    found = rows_of(engine, f"select {column} as name from odoo_pipelines.{table}")  # noqa: S608
    return sorted(str(row["name"]) for row in found)


def test_what_is_known_under_a_transaction_says_so_and_the_rest_is_left_alone(aged: sa.Engine) -> None:
    migrate(aged)
    assert ids(aged, "record", "entity || ' ' || external_id") == [
        "booking tx-1",
        "payment transaction:tx-1",
        "refund transaction:tx-1",
    ]
    assert ids(aged, "outcome") == ["", "PBNK1", "transaction:tx-1"]
    assert ids(aged, "conflict") == ["transaction:tx-1"]
    assert ids(aged, "dead_letter", "key") == ["PBNK2", "abcdef", "transaction:tx-2"]


def test_payments_are_mapped_again_and_what_was_mapped_before_is_not_loaded_any_more(aged: sa.Engine) -> None:
    migrate(aged)
    state = State(aged)

    def pending(layer: str, name: str, consumer: str) -> list[str]:
        return [batch.path for batch in state.pending("hotel", layer, [name], consumer)]  # type: ignore[arg-type]

    assert pending("external", "payments", "mapped/payments") == ["a"]
    assert pending("external", "bookings", "mapped/orders") == []
    assert pending("mapped", "payments", "odoo/account_payment") == []


def test_events_that_wait_name_the_payment_as_it_is_known_now(aged: sa.Engine) -> None:
    migrate(aged)
    found = rows_of(aged, "select event_key, external_id from odoo_pipelines.webhook_event order by event_key")
    assert [row["external_id"] for row in found] == ["31", "booking:a%2Fb/tx-1", "transaction:tx-1", "tx-1"]


def test_it_can_be_taken_back(aged: sa.Engine) -> None:
    migrate(aged)
    with aged.begin() as connection:
        command.downgrade(migrations(connection), "0006")
    assert ids(aged, "record") == ["tx-1", "tx-1", "tx-1"]
    assert ids(aged, "dead_letter", "key") == ["PBNK2", "abcdef", "tx-2"]
    migrate(aged)


def test_all_that_is_kept_of_a_record_goes_along_when_it_is_known_by_another_key(aged: sa.Engine) -> None:
    migrate(aged)
    state, run = State(aged), RunRef("new", "hotel", "payments")
    state.start(run, "full")
    record = Record("payment", "p1", "account.payment", 7, "h2", {}, None)
    former = ("booking:5/tx-1", "transaction:tx-1")
    known = RowOutcome("payment", "p1", Outcome.UPDATED, compared=True, former=former, renamed="transaction:tx-1")
    late = RowOutcome("payment", "p2", Outcome.CREATED, former=("transaction:tx-2",))
    counts = Counts()
    counts.add(Outcome.UPDATED)
    counts.add(Outcome.CREATED)
    state.commit_chunk(run, [record], [known, late], counts)
    assert ids(aged, "record", "entity || ' ' || external_id") == [
        "booking tx-1",
        "payment p1",
        "refund transaction:tx-1",
    ]
    assert ids(aged, "outcome") == ["", "PBNK1", "p1", "p1", "p2"]
    [conflict] = rows_of(aged, "select external_id, state from odoo_pipelines.conflict")
    assert conflict == {"external_id": "p1", "state": "closed"}
    assert ids(aged, "dead_letter", "key") == ["PBNK2", "abcdef"]
    [kept] = rows_of(aged, "select odoo_id, hash from odoo_pipelines.record where external_id = 'p1'")
    assert kept == {"odoo_id": 7, "hash": "h2"}
