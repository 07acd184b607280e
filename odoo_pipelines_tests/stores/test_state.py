"""The state keeps what it was told, all of a transaction or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import RowCountError, StateError
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.records import Binding, Counts, Outcome
from odoo_pipelines_tests.stores.builders import (
    AGAIN,
    NOON,
    RUN,
    a_batch,
    a_record,
    an_outcome,
    commit,
    rows_of,
)


class TestBatches:
    def test_a_registered_batch_has_an_id_and_is_otherwise_as_it_was(self, state: State) -> None:
        registered = state.register(a_batch())
        assert registered == a_batch(id=registered.id)
        assert registered.id > 0
        assert state.batches("hotel", "external", ["bookings"]) == [registered]

    def test_registering_a_path_again_changes_nothing(self, state: State) -> None:
        assert state.register(a_batch()) == state.register(a_batch())
        assert len(state.batches("hotel", "external", ["bookings"])) == 1

    def test_a_batch_is_pending_for_each_consumer_until_it_has_done_it(self, state: State) -> None:
        raw = state.register(a_batch())
        mapped = a_batch("m.parquet", layer="mapped", name="orders")
        state.register(mapped, consumer="mapped/orders", consumed=[raw.id])
        assert state.pending("hotel", "external", ["bookings"], "mapped/orders") == []
        assert state.pending("hotel", "external", ["bookings"], "mapped/products") == [raw]
        assert state.batches("hotel", "external", ["bookings"]) == [raw]

    def test_batches_come_oldest_first_and_only_those_asked_for(self, state: State) -> None:
        first = state.register(a_batch("1"))
        other_partition = state.register(a_batch("2", partition="2026-04-01"))
        guests = state.register(a_batch("3", name="guests", newest=None))
        state.register(a_batch("4", integration="other"))
        state.register(a_batch("5", layer="mapped"))
        names = ["bookings", "guests"]
        assert state.pending("hotel", "external", names, "x") == [first, other_partition, guests]
        assert state.pending("hotel", "external", names, "x", ["2026-04-01"]) == [other_partition]
        assert state.batches("hotel", "external", ["guests"], ["2026-03-01"]) == [guests]
        assert state.batches("hotel", "external", names, []) == []

    def test_batches_with_a_later_complete_one_are_superseded_once_they_are_old(self, state: State) -> None:
        first = state.register(a_batch("1", complete=True))
        between = state.register(a_batch("2"))
        state.register(a_batch("newest", complete=True))
        state.register(a_batch("later"))
        state.register(a_batch("another partition", partition="2026-04-01"))
        state.register(a_batch("another stream", name="guests"))
        state.register(a_batch("another integration", integration="other"))
        tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
        assert state.superseded_batches(tomorrow) == [first, between]
        assert state.superseded_batches(yesterday) == []

    def test_a_forgotten_batch_is_forgotten_with_its_uses_and_can_be_forgotten_again(self, state: State) -> None:
        raw, other = state.register(a_batch("1")), state.register(a_batch("2"))
        state.register(a_batch("m", layer="mapped"), consumer="x", consumed=[raw.id])
        for _ in range(2):
            state.forget_batches([raw.id])
        state.forget_batches([])
        assert state.batches("hotel", "external", ["bookings"]) == [other]

    def test_a_batch_that_was_begun_stays_pending_and_is_known_as_begun_by_that_consumer_alone(
        self, state: State
    ) -> None:
        first, second = state.register(a_batch("1")), state.register(a_batch("2"))
        state.begin("mapped/orders", [first.id])
        state.begin("mapped/orders", [])
        begun = replace(first, begun=True)
        assert state.pending("hotel", "external", ["bookings"], "mapped/orders") == [begun, second]
        assert state.pending("hotel", "external", ["bookings"], "mapped/products") == [first, second]
        state.register(a_batch("m", layer="mapped"), consumer="mapped/orders", consumed=[first.id, second.id])
        assert state.pending("hotel", "external", ["bookings"], "mapped/orders") == []

    def test_a_batch_that_is_begun_again_has_to_be_done_again(self, state: State) -> None:
        raw = state.register(a_batch())
        state.register(a_batch("m", layer="mapped"), consumer="mapped/orders", consumed=[raw.id])
        state.begin("mapped/orders", [raw.id])
        assert state.pending("hotel", "external", ["bookings"], "mapped/orders") == [replace(raw, begun=True)]

    def test_when_it_was_begun_and_done_can_be_read(self, state: State, engine: sa.Engine) -> None:
        raw = state.register(a_batch())
        state.begin("mapped/orders", [raw.id])
        for name in ("m1", "m2"):
            state.register(a_batch(name, layer="mapped"), consumer="mapped/orders", consumed=[raw.id])
        [use] = rows_of(engine, "select started_at, done_at from odoo_pipelines.batch_use")
        assert use["started_at"] < use["done_at"]

    def test_a_begun_batch_is_not_superseded_before_it_is_done(self, state: State) -> None:
        first = state.register(a_batch("1"))
        state.begin("mapped/orders", [first.id])
        state.register(a_batch("2", complete=True))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert state.superseded_batches(tomorrow) == []
        state.register(a_batch("m", layer="mapped"), consumer="mapped/orders", consumed=[first.id])
        assert state.superseded_batches(tomorrow) == [first]

    def test_what_was_known_before_a_complete_batch_says_nothing_more(self) -> None:
        batches = [
            a_batch(id=1),
            a_batch(id=2, partition="2026-04-01"),
            a_batch(id=3, complete=True),
            a_batch(id=4, name="guests"),
            a_batch(id=5),
        ]
        assert [batch.id for batch in since_complete(batches)] == [2, 3, 4, 5]

    def test_unless_it_was_begun(self) -> None:
        batches = [a_batch(id=1, begun=True), a_batch(id=2), a_batch(id=3, complete=True)]
        assert [batch.id for batch in since_complete(batches)] == [1, 3]


class TestWatermark:
    def test_there_is_none_before_the_first_batch(self, state: State) -> None:
        assert state.watermark("hotel", "bookings") is None

    def test_it_moves_with_the_batch(self, state: State) -> None:
        state.register(a_batch(), watermark=("bookings", NOON))
        assert state.watermark("hotel", "bookings") == NOON
        assert state.watermark("hotel", "guests") is None
        assert state.watermark("other", "bookings") is None

    def test_it_never_goes_back(self, state: State) -> None:
        state.register(a_batch("a"), watermark=("bookings", NOON))
        state.register(a_batch("b"), watermark=("bookings", NOON - timedelta(microseconds=1)))
        assert state.watermark("hotel", "bookings") == NOON

    def test_it_does_not_move_when_the_batch_cannot_be_registered(self, state: State) -> None:
        with pytest.raises(StateError):
            state.register(a_batch(layer="unknown"), watermark=("bookings", NOON))
        assert state.watermark("hotel", "bookings") is None


class TestRecords:
    def test_they_come_back_as_they_were(self, state: State) -> None:
        state.start(RUN, "full")
        known, timeless = a_record(), a_record("8", 80, updated_at=None, base={})
        commit(state, RUN, records=(known, timeless))
        keys = [known.key, timeless.key, ("guest", "unknown"), ("room", "7")]
        assert state.records("hotel", keys) == {known.key: known, timeless.key: timeless}
        assert state.bindings("hotel", "guest", ["7", "8", "9"]) == {
            "7": Binding(70, "h1", NOON),
            "8": Binding(80, "h1", None),
        }

    def test_integrations_do_not_see_one_another(self, state: State) -> None:
        for number, integration in enumerate(("hotel", "other")):
            run = replace(RUN, integration=integration)
            state.start(run, "full")
            commit(state, run, records=(a_record(odoo_id=number),))
        assert state.bindings("hotel", "guest", ["7"])["7"].odoo_id == 0
        assert state.bindings("other", "guest", ["7"])["7"].odoo_id == 1

    def test_the_last_version_counts(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        commit(state, RUN, records=(a_record(hash="h1"), a_record(hash="h2")))
        state.start(AGAIN, "delta")
        newest = a_record(hash="h3", odoo_id=71, base={"name": None})
        commit(state, AGAIN, records=(newest,))
        assert state.records("hotel", [newest.key]) == {newest.key: newest}
        assert rows_of(engine, "select run_id from odoo_pipelines.record") == [{"run_id": "run-2"}]

    def test_two_records_cannot_be_bound_to_one_odoo_record(self, state: State) -> None:
        state.start(RUN, "full")
        with pytest.raises(RowCountError, match=r"bound to one Odoo record: res\.partner 70"):
            commit(state, RUN, records=(a_record("7", 70), a_record("8", 70)))
        assert state.record_count("hotel", "res.partner") == 0

    def test_a_binding_ends_when_its_odoo_record_proves_to_be_anothers(self, state: State) -> None:
        """Odoo was replaced, and gives old ids to other records: in one chunk, ids may even go round."""
        state.start(RUN, "full")
        commit(state, RUN, records=(a_record("7", 70), a_record("8", 80), a_record("9", 90)))
        commit(state, RUN, records=(a_record("7", 80), a_record("8", 90)))
        assert {each: found.odoo_id for each, found in state.bindings("hotel", "guest", ["7", "8", "9"]).items()} == {
            "7": 80,
            "8": 90,
        }
        assert state.owners("hotel", "res.partner", [70, 80, 90]) == {80: ("guest", "7"), 90: ("guest", "8")}

    def test_nothing_is_known_of_no_ids(self, state: State) -> None:
        assert state.bindings("hotel", "guest", []) == {}
        assert state.records("hotel", []) == {}


class TestChunks:
    def test_unchanged_rows_are_only_counted_unless_they_have_warnings(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        warned = an_outcome("2", Outcome.UNCHANGED, warnings=("email was dropped",))
        commit(state, RUN, an_outcome("1", Outcome.UNCHANGED), warned, an_outcome("3", Outcome.CREATED, weight=2))
        assert rows_of(engine, "select external_id, outcome, weight, warnings from odoo_pipelines.outcome") == [
            {"external_id": "2", "outcome": "unchanged", "weight": 1, "warnings": ["email was dropped"]},
            {"external_id": "3", "outcome": "created", "weight": 2, "warnings": []},
        ]

    def test_a_chunk_is_kept_whole_or_not_at_all(self, state: State, engine: sa.Engine) -> None:
        """The connection dies after the last statement but one: nothing of the chunk may be there."""
        state.start(RUN, "full")

        @sa.event.listens_for(engine, "before_cursor_execute")
        def die(connection: sa.Connection, _cursor: object, statement: str, *_rest: object) -> None:
            if "dead_letter" in statement:
                connection.connection.cursor().execute("select pg_terminate_backend(pg_backend_pid())")

        with pytest.raises(StateError, match="connection to it was lost"):
            commit(state, RUN, an_outcome("7", Outcome.CREATED), records=(a_record(),))
        sa.event.remove(engine, "before_cursor_execute", die)
        assert state.records("hotel", [("guest", "7")]) == {}
        assert rows_of(engine, "select * from odoo_pipelines.outcome") == []
        assert state.run_counts("run-1") == {"guests": Counts()}

    def test_a_chunk_of_a_flow_that_was_not_started_is_refused(self, state: State) -> None:
        with pytest.raises(RowCountError, match="flow 'guests' of 'hotel' is not running in run run-1"):
            commit(state, RUN, an_outcome("7", Outcome.CREATED), records=(a_record(),))
        assert state.records("hotel", [("guest", "7")]) == {}

    def test_texts_that_no_database_takes_are_kept_with_escapes(self, state: State) -> None:
        state.start(RUN, "full")
        bad = an_outcome("7\0", Outcome.REJECTED, field="name", reason="name: '\0\ud83d'", payload='"\ud83d"')
        commit(state, RUN, bad)
        [letter] = state.letters(LetterFilter("hotel", "guests"))
        assert (letter.external_id, letter.reason, letter.payload) == (
            "7\\u0000", "name: '\\u0000\\ud83d'", '"\\ud83d"',
        )  # fmt: skip

    def test_an_error_of_the_database_does_not_show_rows(self, state: State) -> None:
        state.start(RUN, "full")
        with pytest.raises(StateError) as caught:
            commit(state, RUN, records=(a_record(base={"name": "Ada \0 Lovelace"}),))
        assert str(caught.value) == (
            "the database of the state refused a statement: UntranslatableCharacter (SQLSTATE 22P05)"
        )
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_a_database_that_cannot_be_reached_is_a_clear_error() -> None:
    engine = sa.create_engine("postgresql+psycopg2://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(StateError, match="cannot be reached") as caught:
        State(engine).watermark("hotel", "bookings")
    assert "secret" not in str(caught.value)
