"""Every row in has one outcome out, and what was rejected waits until it gets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import RowCountError
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.stores.builders import (
    AGAIN,
    RUN,
    a_batch,
    a_record,
    an_outcome,
    commit,
    rows_of,
)


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
        with pytest.raises(RowCountError, match=r"3 rows went in, but 2 came out \(1 created, 0 updated, 1 unchanged"):
            state.finish(RUN, 3, consumer="odoo/res_partner", batch_ids=[raw.id])
        assert state.pending("hotel", "external", ["bookings"], "odoo/res_partner") == [raw]
        assert rows_of(engine, "select status, reason from odoo_pipelines.sync_run") == [
            {"status": "failed", "reason": "the numbers do not add up"}
        ]

    def test_a_flow_is_finished_once(self, state: State) -> None:
        state.start(RUN, "full")
        state.finish(RUN, 0, consumer="odoo/res_partner", batch_ids=[])
        with pytest.raises(RowCountError, match="is not running"):
            state.finish(RUN, 0, consumer="odoo/res_partner", batch_ids=[])

    def test_a_failed_flow_says_why_and_takes_no_more_chunks(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "full")
        state.fail(RUN, "OdooAccessError")
        with pytest.raises(RowCountError, match="is not running"):
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
        assert state.run_counts("run-1")["guests"].extracted == 2
        assert rows_of(engine, "select attempt, outcome, code from odoo_pipelines.outcome order by id") == [
            {"attempt": 1, "outcome": "created", "code": ""},
            {"attempt": 1, "outcome": "rejected", "code": "first"},
            {"attempt": 2, "outcome": "rejected", "code": "second"},
        ]

    def test_a_run_that_died_is_closed_by_the_next_one(self, state: State, engine: sa.Engine) -> None:
        state.start(RUN, "delta")
        state.start(replace(RUN, flow="another"), "delta")
        state.start(replace(RUN, integration="elsewhere"), "delta")
        state.close_dead_runs(RUN.integration, "next")
        with engine.connect() as connection:
            query = sa.text("select integration, flow, status, reason from odoo_pipelines.sync_run order by 1, 2")
            rows = {(row.integration, row.flow): (row.status, row.reason) for row in connection.execute(query)}
        assert rows == {
            (RUN.integration, RUN.flow): ("failed", "the run died"),
            (RUN.integration, "another"): ("failed", "the run died"),
            ("elsewhere", RUN.flow): ("running", ""),
        }

    def test_numbers_of_a_run_are_told_by_flow(self, state: State) -> None:
        for flow in ("products", "guests"):
            state.start(replace(RUN, flow=flow), "full")
            commit(state, replace(RUN, flow=flow), an_outcome("1", Outcome.CREATED))
        state.start(AGAIN, "full")
        assert list(state.run_counts("run-1")) == ["products", "guests"]
        assert state.run_counts("unknown") == {}

    def test_an_unchanged_row_is_listed_when_its_warnings_are_new_and_not_with_every_run(
        self, state: State, engine: sa.Engine
    ) -> None:
        said = [("lang: none",), ("lang: none",), ("lang: none", "phone: bad"), (), ("lang: none", "phone: bad")]
        for number, warnings in enumerate(said):
            run = replace(RUN, run_id=f"run-{number}")
            state.start(run, "full")
            commit(
                state,
                run,
                an_outcome("7", Outcome.UNCHANGED, warnings=warnings),
                an_outcome("8", Outcome.UPDATED, warnings=("lang: none",)),
                an_outcome(f"new-{number}", Outcome.UNCHANGED, warnings=("lang: none",)),
            )
            assert state.run_counts(run.run_id)["guests"].by_outcome[Outcome.UNCHANGED] == 2
        listed = rows_of(engine, "select run_id, external_id from odoo_pipelines.outcome order by id")
        of_one = [row["run_id"] for row in listed if row["external_id"] == "7"]
        assert of_one == ["run-0", "run-2"]
        assert sum(row["external_id"] == "8" for row in listed) == len(said)
        assert sum(row["external_id"].startswith("new-") for row in listed) == len(said)

    def test_old_outcomes_are_purged_and_nothing_else(self, state: State) -> None:
        state.start(RUN, "full")
        commit(state, RUN, an_outcome("7", Outcome.CREATED), an_outcome("8", Outcome.REJECTED), records=(a_record(),))
        now = datetime.now(UTC)
        assert state.purge(now - timedelta(hours=1)) == 0
        assert state.purge(now + timedelta(hours=1)) == 2
        assert state.records("hotel", [("guest", "7")])
        assert state.letters(LetterFilter("hotel", "guests"))
        assert state.run_counts("run-1")["guests"].by_outcome[Outcome.CREATED] == 1
