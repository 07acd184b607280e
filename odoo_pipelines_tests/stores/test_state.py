"""The state keeps what it was told, all of a transaction or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import AccountingError
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.stores.transactions import StateError
from odoo_pipelines.systems.records import Batch, Binding, Counts, Outcome, Record, RowOutcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = RunRef("run-1", "hotel", "guests")
AGAIN = RunRef("run-2", "hotel", "guests")


def a_batch(path: str = "a.parquet", **changes: Any) -> Batch:
    batch = Batch(0, "hotel", "external", "bookings", "2026-03-01", "run-1", path, rows=3, newest=NOON)
    return replace(batch, **changes)


def a_record(external_id: str = "7", odoo_id: int = 70, **changes: Any) -> Record:
    base = {"name": "Zoë", "active": True, "price": 1.5, "tags": [1, 2], "phone": False}
    record = Record("guest", external_id, "res.partner", odoo_id, "h1", base, "2026-03-01 12:00:00", NOON)
    return replace(record, **changes)


def an_outcome(external_id: str, outcome: Outcome, **changes: Any) -> RowOutcome:
    return RowOutcome("guest", external_id, outcome, **changes)


def counts_of(*outcomes: RowOutcome) -> Counts:
    counts = Counts()
    for each in outcomes:
        counts.add(each.outcome, each.weight)
    return counts


def commit(state: State, run: RunRef, *outcomes: RowOutcome, records: tuple[Record, ...] = ()) -> None:
    state.commit_chunk(run, records, outcomes, counts_of(*outcomes))


def rows_of(engine: sa.Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]


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
        commit(state, RUN, records=(a_record("7", 70),))
        with pytest.raises(AccountingError, match=r"\(integration, model, odoo_id\)=\(hotel, res.partner, 70\)"):
            commit(state, RUN, records=(a_record("8", 70),))
        assert state.record_count("hotel", "res.partner") == 1

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
        with pytest.raises(AccountingError, match="flow 'guests' of 'hotel' is not running in run run-1"):
            commit(state, RUN, an_outcome("7", Outcome.CREATED), records=(a_record(),))
        assert state.records("hotel", [("guest", "7")]) == {}

    def test_texts_that_no_database_takes_are_kept_with_escapes(self, state: State) -> None:
        state.start(RUN, "full")
        bad = an_outcome("7\0", Outcome.REJECTED, field="name", reason="name: '\0\ud83d'", payload='"\ud83d"')
        commit(state, RUN, bad)
        [letter] = state.dead_letters("hotel", "guests")
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


class TestAccounts:
    def test_they_balance(self, state: State) -> None:
        raw = state.register(a_batch())
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("1", Outcome.CREATED, weight=2), an_outcome("2", Outcome.UNCHANGED))
        commit(state, RUN, an_outcome("3", Outcome.REJECTED, code="bad"), an_outcome("4", Outcome.SUPERSEDED))
        counts = state.finish(RUN, 5, consumer="odoo/res_partner", batch_ids=[raw.id])
        assert counts.as_dict() == {
            "extracted": 5, "created": 2, "updated": 0, "unchanged": 1, "conflict": 0, "rejected": 1, "superseded": 1,
        }  # fmt: skip
        assert state.run_counts("run-1") == {"guests": counts}
        assert state.pending("hotel", "external", ["bookings"], "odoo/res_partner") == []

    def test_a_missing_row_fails_the_run_and_its_batches_stay_to_be_done(self, state: State, engine: sa.Engine) -> None:
        raw = state.register(a_batch())
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("1", Outcome.CREATED), an_outcome("2", Outcome.UNCHANGED))
        with pytest.raises(
            AccountingError, match=r"3 rows went in, but 2 came out \(1 created, 0 updated, 1 unchanged"
        ):
            state.finish(RUN, 3, consumer="odoo/res_partner", batch_ids=[raw.id])
        assert state.pending("hotel", "external", ["bookings"], "odoo/res_partner") == [raw]
        assert rows_of(engine, "select status, reason from odoo_pipelines.sync_run") == [
            {"status": "failed", "reason": "the numbers do not add up"}
        ]

    def test_a_flow_is_finished_once(self, state: State) -> None:
        state.start(RUN, "full")
        state.finish(RUN, 0, consumer="odoo/res_partner", batch_ids=[])
        with pytest.raises(AccountingError, match="is not running"):
            state.finish(RUN, 0, consumer="odoo/res_partner", batch_ids=[])

    def test_a_failed_flow_says_why_and_takes_no_more_chunks(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        state.fail(RUN, "OdooAccessError")
        with pytest.raises(AccountingError, match="is not running"):
            commit(state, RUN, an_outcome("1", Outcome.CREATED))
        assert rows_of(engine, "select status, reason, finished_at is null as open from odoo_pipelines.sync_run") == [
            {"status": "failed", "reason": "OdooAccessError", "open": False}
        ]

    def test_failing_does_not_touch_a_flow_that_has_ended(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        state.finish(RUN, 0, consumer="odoo/res_partner", batch_ids=[])
        state.fail(RUN, "too late")
        assert rows_of(engine, "select status from odoo_pipelines.sync_run") == [{"status": "succeeded"}]

    def test_a_repeated_attempt_starts_its_numbers_anew(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("1", Outcome.CREATED), an_outcome("2", Outcome.REJECTED, code="first"))
        state.fail(RUN, "killed")
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("1", Outcome.UNCHANGED), an_outcome("2", Outcome.REJECTED, code="second"))
        assert state.finish(RUN, 2, consumer="odoo/res_partner", batch_ids=[]).balanced
        assert [row.code for row in state.rejections(RUN, 10)] == ["second"]
        assert len(rows_of(engine, "select * from odoo_pipelines.outcome")) == 3

    def test_the_first_rejections_can_be_shown(self, state: State) -> None:
        state.start(RUN, "full")
        bad = [an_outcome(str(number), Outcome.REJECTED, field="name", code="empty") for number in range(3)]
        commit(state, RUN, an_outcome("9", Outcome.CREATED), *bad)
        assert state.rejections(RUN, 2) == bad[:2]

    def test_numbers_of_a_run_are_told_by_flow(self, state: State) -> None:
        for flow in ("products", "guests"):
            state.start(replace(RUN, flow=flow), "full")
            commit(state, replace(RUN, flow=flow), an_outcome("1", Outcome.CREATED))
        state.start(AGAIN, "full")
        assert list(state.run_counts("run-1")) == ["products", "guests"]
        assert state.run_counts("unknown") == {}

    def test_old_outcomes_are_purged_and_nothing_else(self, state: State) -> None:
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("7", Outcome.CREATED), an_outcome("8", Outcome.REJECTED), records=(a_record(),))
        now = datetime.now(UTC)
        assert state.purge(now - timedelta(hours=1)) == 0
        assert state.purge(now + timedelta(hours=1)) == 2
        assert state.records("hotel", [("guest", "7")])
        assert state.dead_letters("hotel", "guests")
        assert state.run_counts("run-1")["guests"].by_outcome[Outcome.CREATED] == 1


class TestDeadLetters:
    def test_a_rejected_row_is_kept_until_it_goes_through(self, state: State) -> None:
        state.start(RUN, "full")
        bad = an_outcome("7", Outcome.REJECTED, field="name", code="empty", reason="name: ''", payload='{"id": 7}')
        commit(state, RUN, bad, an_outcome("8", Outcome.CREATED))
        [letter] = state.dead_letters("hotel", "guests")
        assert (letter.entity, letter.external_id, letter.payload, letter.field, letter.code, letter.reason) == (
            "guest", "7", '{"id": 7}', "name", "empty", "name: ''",
        )  # fmt: skip
        commit(state, RUN, an_outcome("7", Outcome.UPDATED))
        assert state.dead_letters("hotel", "guests") == []

    def test_a_row_rejected_again_has_the_newest_reason_and_more_attempts(self, state: State) -> None:
        for run, code in ((RUN, "first"), (AGAIN, "second")):
            state.start(run, "delta")
            commit(state, run, an_outcome("7", Outcome.REJECTED, code=code, payload=code, transient=True))
        [letter] = state.dead_letters("hotel", "guests")
        assert (letter.code, letter.payload, letter.attempts, letter.run_id, letter.transient) == (
            "second", "second", 2, "run-2", True,
        )  # fmt: skip
        assert letter.first_at < letter.last_at

    @pytest.mark.parametrize("outcome", [Outcome.CONFLICT, Outcome.SUPERSEDED])
    def test_a_row_that_was_passed_over_has_not_gone_through(self, state: State, outcome: Outcome) -> None:
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("7", Outcome.REJECTED))
        commit(state, RUN, an_outcome("7", outcome))
        assert len(state.dead_letters("hotel", "guests")) == 1

    def test_the_last_outcome_of_a_chunk_counts(self, state: State) -> None:
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("7", Outcome.REJECTED), an_outcome("7", Outcome.CREATED))
        assert state.dead_letters("hotel", "guests") == []
        commit(state, RUN, an_outcome("7", Outcome.UPDATED), an_outcome("7", Outcome.REJECTED))
        assert len(state.dead_letters("hotel", "guests")) == 1

    def test_rows_without_an_id_are_told_apart_by_their_payload(self, state: State) -> None:
        state.start(RUN, "full")
        for payload in ("{}", "[]", "{}"):
            commit(state, RUN, an_outcome("", Outcome.REJECTED, payload=payload))
        assert [(letter.payload, letter.attempts) for letter in state.dead_letters("hotel", "guests")] == [
            ("{}", 2),
            ("[]", 1),
        ]

    def test_letters_of_other_flows_and_integrations_are_left_alone(self, state: State) -> None:
        runs = [RUN, replace(RUN, flow="orders"), replace(RUN, integration="other")]
        for run in runs:
            state.start(run, "full")
            commit(state, run, an_outcome("7", Outcome.REJECTED))
        commit(state, RUN, an_outcome("7", Outcome.UNCHANGED))
        assert [len(state.dead_letters(run.integration, run.flow)) for run in runs] == [0, 1, 1]


def test_a_database_that_cannot_be_reached_is_a_clear_error() -> None:
    engine = sa.create_engine("postgresql+psycopg2://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(StateError, match="cannot be reached") as caught:
        State(engine).watermark("hotel", "bookings")
    assert "secret" not in str(caught.value)
