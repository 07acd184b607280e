"""A rejected row is kept until it gets through: tried again by itself if that may help, else when a person asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.dead_letters import PATIENCE, PAUSES, DeadLetter, LetterFilter, next_try
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.stores.builders import AGAIN, NOON, RUN, a_batch, an_outcome, commit

HOUR = timedelta(hours=1)
GUESTS = LetterFilter("hotel", "guests")


def rejected(state: State, external_id: str = "7", run: object = RUN, **changes: object) -> None:
    row = an_outcome(external_id, Outcome.REJECTED, **{"code": "bad", **changes})
    commit(state, run, row)  # type: ignore[arg-type]


def the_letter(state: State) -> DeadLetter:
    [letter] = state.letters(LetterFilter("hotel", "guests"))
    return letter


@pytest.fixture(autouse=True)
def _started(state: State) -> None:
    for run in (RUN, AGAIN):
        state.start(run, "delta")


class TestLetters:
    def test_a_rejected_row_is_kept_until_it_goes_through(self, state: State) -> None:
        rejected(state, field="name", code="empty", reason="name: ''", payload='{"id": 7}')
        letter = the_letter(state)
        assert (letter.entity, letter.external_id, letter.key, letter.payload) == ("guest", "7", "7", '{"id": 7}')
        assert (letter.field, letter.code, letter.reason) == ("name", "empty", "name: ''")
        commit(state, RUN, an_outcome("7", Outcome.UPDATED))
        assert state.letters(LetterFilter("hotel", "guests")) == []

    def test_a_row_rejected_again_has_the_newest_reason_and_more_attempts(self, state: State) -> None:
        for run, code in ((RUN, "first"), (AGAIN, "second")):
            rejected(state, run=run, code=code, payload=code)
        letter = the_letter(state)
        assert (letter.code, letter.payload, letter.attempts, letter.run_id) == ("second", "second", 2, "run-2")
        assert letter.first_at < letter.last_at

    @pytest.mark.parametrize("outcome", [Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED])
    def test_it_is_over_when_the_record_is_as_it_should_be(self, state: State, outcome: Outcome) -> None:
        rejected(state)
        commit(state, RUN, an_outcome("7", outcome))
        assert state.letters(LetterFilter("hotel", "guests")) == []

    def test_a_row_that_has_become_a_conflict_waits_among_the_conflicts(self, state: State) -> None:
        rejected(state)
        commit(state, RUN, an_outcome("7", Outcome.CONFLICT))
        assert state.letters(LetterFilter("hotel", "guests")) == []

    def test_a_superseded_row_tells_nothing_of_the_letter_of_a_newer_one(self, state: State) -> None:
        rejected(state)
        commit(state, RUN, an_outcome("7", Outcome.SUPERSEDED))
        assert the_letter(state).external_id == "7"

    def test_the_last_outcome_of_a_chunk_counts(self, state: State) -> None:
        commit(state, RUN, an_outcome("7", Outcome.REJECTED), an_outcome("7", Outcome.CREATED))
        assert state.letters(LetterFilter("hotel", "guests")) == []
        commit(state, RUN, an_outcome("7", Outcome.UPDATED), an_outcome("7", Outcome.REJECTED))
        assert the_letter(state).attempts == 1

    def test_rows_without_an_id_are_told_apart_by_their_payload(self, state: State) -> None:
        for payload in ("{}", "[]", "{}"):
            rejected(state, "", payload=payload)
        assert [
            (each.key, each.external_id, each.attempts) for each in state.letters(LetterFilter("hotel", "guests"))
        ] == [
            (sha256(b"{}").hexdigest(), "", 2),
            (sha256(b"[]").hexdigest(), "", 1),
        ]

    def test_letters_of_other_flows_and_integrations_are_left_alone(self, state: State) -> None:
        runs = [RUN, replace(RUN, flow="orders"), replace(RUN, integration="other")]
        for run in runs:
            state.start(run, "full")
            rejected(state, run=run)
        commit(state, RUN, an_outcome("7", Outcome.UNCHANGED))
        assert [len(state.letters(LetterFilter(run.integration, run.flow))) for run in runs] == [0, 1, 1]

    def test_a_letter_ends_with_the_batch_that_holds_its_row_as_rows_of_other_records(self, state: State) -> None:
        rejected(state)
        rejected(state, "8")
        state.register(a_batch(layer="mapped", name="guests"), mapped=[("guest", "7")])
        assert the_letter(state).external_id == "8"


class TestNextTry:
    def test_a_row_that_may_get_through_is_tried_three_times_with_growing_pauses(self) -> None:
        now, tries = NOON, []
        for attempt in (1, 2, 3):
            at = next_try(NOON, attempt, now)
            assert at
            tries.append(at - now)
            now = at
        assert tries == sorted(tries) == list(PAUSES)
        assert next_try(NOON, 4, now) is None
        assert now - NOON <= PATIENCE == 24 * HOUR

    def test_nothing_is_tried_when_a_day_is_over(self) -> None:
        assert next_try(NOON, 2, NOON + 22 * HOUR) == NOON + 24 * HOUR
        assert next_try(NOON, 2, NOON + 22 * HOUR + timedelta(seconds=1)) is None

    def test_the_state_keeps_it(self, state: State) -> None:
        for run in (RUN, AGAIN):
            rejected(state, run=run, transient=True)
        letter = the_letter(state)
        assert letter.next_try == letter.last_at + PAUSES[1]

    def test_a_row_that_needs_a_person_is_not_tried(self, state: State) -> None:
        rejected(state, transient=False)
        assert the_letter(state).next_try is None

    def test_a_transient_row_that_turns_out_to_need_a_person_is_tried_no_more(self, state: State) -> None:
        for transient in (True, False):
            rejected(state, transient=transient)
        assert the_letter(state).next_try is None

    def test_a_day_after_its_first_rejection_a_row_waits_for_a_person(self, state: State, engine: sa.Engine) -> None:
        rejected(state, transient=True)
        with engine.begin() as connection:
            connection.execute(sa.update(tables.dead_letter).values(first_at=sa.func.now() - PATIENCE))
        rejected(state, transient=True)
        letter = the_letter(state)
        assert (letter.attempts, letter.next_try) == (2, None)
        assert letter.last_at - letter.first_at >= PATIENCE


class TestFilter:
    @pytest.fixture(autouse=True)
    def _letters(self, state: State) -> None:
        other = replace(RUN, integration="other", flow="orders")
        state.start(other, "delta")
        rejected(state, "1")
        rejected(state, "2", code="worse")
        rejected(state, "1", run=other)
        rejected(state, "", payload="{}")

    @pytest.mark.parametrize(
        ("wanted", "keys"),
        [
            (LetterFilter(), ["1", "2", "1", ""]),
            (LetterFilter("hotel"), ["1", "2", ""]),
            (LetterFilter(flow="orders"), ["1"]),
            (LetterFilter("hotel", code="worse"), ["2"]),
            (LetterFilter(key="1"), ["1", "1"]),
            (LetterFilter(key=sha256(b"{}").hexdigest()), [""]),
            (LetterFilter(entity="booking"), []),
            (LetterFilter("hotel", limit=2), ["1", "2"]),
            (LetterFilter("hotel", due=True), []),
        ],
    )
    def test_letters_are_chosen(self, state: State, wanted: LetterFilter, keys: list[str]) -> None:
        assert [each.external_id for each in state.letters(wanted)] == keys

    def test_they_are_counted_by_class(self, state: State) -> None:
        assert state.count_letters(GUESTS) == {"bad": 2, "worse": 1}
        assert state.count_letters(LetterFilter("hotel", "orders")) == {}

    def test_a_replay_makes_those_chosen_due_and_no_others(self, state: State) -> None:
        assert state.request_replay(LetterFilter("hotel", code="worse")) == 1
        [due] = state.letters(LetterFilter(due=True))
        assert (due.external_id, due.code) == ("2", "worse")

    def test_what_a_replay_can_do_nothing_for_ends_or_waits_for_a_person(self, state: State) -> None:
        state.request_replay(GUESTS)
        state.end_letters("hotel", "guests", over=[("guest", "1")], lost=[("guest", "2")])
        assert [(each.external_id, each.next_try is None) for each in state.letters(GUESTS)] == [
            ("2", True),
            ("", False),
        ]


def test_outcomes_of_records_in_a_run_are_found(state: State) -> None:
    commit(state, RUN, an_outcome("1", Outcome.REJECTED), an_outcome("2", Outcome.CREATED))
    commit(state, RUN, an_outcome("1", Outcome.CREATED), an_outcome("3", Outcome.UNCHANGED))
    commit(state, AGAIN, an_outcome("2", Outcome.UPDATED))
    assert state.outcomes(RUN, [("guest", "1"), ("guest", "2"), ("guest", "3"), ("room", "1")]) == {
        ("guest", "1"): Outcome.CREATED,
        ("guest", "2"): Outcome.CREATED,
    }
