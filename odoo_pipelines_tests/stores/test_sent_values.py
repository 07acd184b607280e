"""What was told is known again, by integration and flow; and how days are kept in a batch."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.day_rows import day_schema, from_columns, to_columns
from odoo_pipelines.stores.sent_values import SentValues
from odoo_pipelines.systems.availability import Day


@pytest.fixture
def sent(engine: sa.Engine) -> SentValues:
    return SentValues(engine, "pms", "availability_out")


def test_nothing_was_told_at_first(sent: SentValues) -> None:
    sent.remember({})
    assert sent.all() == {}


def test_the_last_value_of_a_key_counts(sent: SentValues) -> None:
    sent.remember({"a/2026-03-01": "1", "a/2026-03-02": "2"})
    sent.remember({"a/2026-03-02": "3", "b/2026-03-02": "4"})
    assert sent.all() == {"a/2026-03-01": "1", "a/2026-03-02": "3", "b/2026-03-02": "4"}


def test_it_is_known_when_a_value_was_told(sent: SentValues, engine: sa.Engine) -> None:
    sent.remember({"a": "1"})
    with engine.begin() as connection:
        connection.execute(sa.text("update odoo_pipelines.sent_value set sent_at = '2026-01-01'"))
    sent.remember({"a": "1"})
    with engine.begin() as connection:
        times = connection.scalars(sa.text("select sent_at > '2026-01-02' from odoo_pipelines.sent_value")).all()
    assert times == [True]


def test_what_is_forgotten_is_not_known_any_more(sent: SentValues) -> None:
    sent.remember({"a": "1", "b": "2", "c": "3"})
    sent.forget(["a", "c", "unknown"])
    assert sent.all() == {"b": "2"}


def test_other_integrations_and_flows_have_values_of_their_own(sent: SentValues, engine: sa.Engine) -> None:
    others = [SentValues(engine, "other", "availability_out"), SentValues(engine, "pms", "prices_out")]
    sent.remember({"a": "1"})
    for number, other in enumerate(others):
        other.remember({"a": f"other {number}"})
    sent.forget(["a"])
    assert [each.all() for each in others] == [{"a": "other 0"}, {"a": "other 1"}]


def test_days_come_out_of_a_batch_as_they_went_in(tmp_path: Path) -> None:
    store, days = BatchStore(tmp_path), [Day("rt", date(2026, 3, 1), 3, 5), Day("rt", date(2026, 3, 2), 3, 1)]
    path = store.path_for("pms", "odoo", "availability_out", "", "a-run")
    with store.writer(path, day_schema()) as writer:
        writer.write([to_columns(day) for day in days])
    [rows] = store.rows(path, 10)
    assert ([from_columns(row) for row in rows], [row["available"] for row in rows]) == (days, [0, 2])
