"""Which known records a run did not carry, and which of them are marked as vanished."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores.state import State
from odoo_pipelines.stores.vanished import MissingRecords
from odoo_pipelines_tests.stores.builders import RUN, a_record, commit, rows_of


@pytest.fixture(autouse=True)
def _four_guests(state: State) -> None:
    """And others that are none of this integration's guests."""
    state.start(RUN, "full")
    guests = [a_record(str(number), number) for number in (1, 2, 3, 4)]
    room = replace(a_record("9", 90), entity="room")
    commit(state, RUN, records=(*guests, room))
    other = replace(RUN, integration="other")
    state.start(other, "full")
    commit(state, other, records=(a_record("8", 80),))


def missing_records(state: State, *seen: str) -> MissingRecords:
    return state.missing_records("hotel", "guest", [seen[:1], seen[1:]])


class TestCensus:
    def test_known_records_that_were_not_carried_are_missing(self, state: State) -> None:
        assert missing_records(state, "1", "3", "3", "new") == MissingRecords(known=4, missing=("2", "4"))

    def test_a_run_that_carried_nothing_misses_all(self, state: State) -> None:
        assert state.missing_records("hotel", "guest", []) == MissingRecords(known=4, missing=("1", "2", "3", "4"))

    def test_those_that_are_marked_are_told_apart(self, state: State) -> None:
        state.mark_vanished("hotel", "guest", ["1", "2"])
        assert missing_records(state, "1", "3") == MissingRecords(
            known=2, missing=("4",), still_missing=("2",), back=("1",)
        )

    def test_it_changes_nothing_and_can_be_taken_again(self, state: State) -> None:
        assert missing_records(state, "1") == missing_records(state, "1")
        assert state.vanished("hotel", "guest", 3).count == 0

    def test_a_hundred_thousand_ids_are_no_trouble(self, state: State) -> None:
        seen = ([f"{start + number}" for number in range(1_000)] for start in range(0, 100_000, 1_000))
        assert state.missing_records("hotel", "guest", seen) == MissingRecords(known=4)


class TestMarks:
    def test_a_marked_record_keeps_its_time_until_the_mark_is_taken(self, state: State, engine: sa.Engine) -> None:
        state.mark_vanished("hotel", "guest", ["1", "2"])
        first = state.vanished("hotel", "guest", 5)
        state.mark_vanished("hotel", "guest", ["2", "3"])
        state.unmark_vanished("hotel", "guest", ["1"])
        marked = state.vanished("hotel", "guest", 5)
        assert (first.count, first.sample) == (2, ("1", "2"))
        assert (marked.count, marked.sample, marked.since) == (2, ("3", "2"), first.since)
        untouched = "select external_id from odoo_pipelines.record where vanished_at is null order by 1"
        assert [row["external_id"] for row in rows_of(engine, untouched)] == ["1", "4", "8", "9"]

    def test_of_many_a_sample_is_told(self, state: State) -> None:
        state.mark_vanished("hotel", "guest", ["1", "2", "3", "4"])
        assert state.vanished("hotel", "guest", 2).sample == ("1", "2")

    def test_where_none_is_marked_there_is_no_time(self, state: State) -> None:
        marked = state.vanished("hotel", "guest", 2)
        assert (marked.count, marked.since, marked.sample) == (0, None, ())

    def test_a_record_that_is_written_again_stays_marked_until_it_is_counted(self, state: State) -> None:
        state.mark_vanished("hotel", "guest", ["1"])
        commit(state, RUN, records=(a_record("1", 1, hash="h2"),))
        assert state.vanished("hotel", "guest", 1).count == 1
