"""Conflicts are kept until they are over, and an answer is neither lost nor taken for one to another question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, get_args

import pytest

from odoo_pipelines.errors import ResolutionError
from odoo_pipelines.stores.conflicts import ConflictFilter, StoredConflict
from odoo_pipelines.stores.state import State
from odoo_pipelines.stores.tables import CONFLICT_STATES
from odoo_pipelines.systems.records import (
    BOTH_CHANGED,
    DELETED_IN_ODOO,
    ID_REUSED,
    POSSIBLE_MATCH,
    SEALED,
    WHOLE_RECORD,
    Choice,
    Conflict,
    Outcome,
    Resolution,
    RowOutcome,
)
from odoo_pipelines_tests.stores.builders import AGAIN, NOON, RUN, an_outcome, commit

ALL = ConflictFilter(states=CONFLICT_STATES)
PHONE = Conflict("phone", BOTH_CHANGED, "phone: changed in both", "1", "2", "3", NOON, "2026-03-01 11:00:00")
CITY = replace(PHONE, field="city", base="Wien", external="Graz", odoo="Linz")
FROZEN = Conflict("state", "frozen", "state: the record is locked")
DELETED = Conflict(WHOLE_RECORD, DELETED_IN_ODOO, external="h1")


@pytest.fixture
def state(state: State) -> State:
    """A state in which a run goes on."""
    state.start(RUN, "full")
    return state


def met(*conflicts: Conflict, external_id: str = "7", **changes: Any) -> RowOutcome:
    """A record that was compared, and these conflicts in it."""
    outcome = Outcome.CONFLICT if conflicts else Outcome.UNCHANGED
    return an_outcome(external_id, outcome, **{"compared": True, **changes}, conflicts=conflicts)


def run_again(state: State, *outcomes: RowOutcome) -> None:
    state.start(AGAIN, "delta")
    commit(state, AGAIN, *outcomes)


def answer(state: State, choice: Choice, value: Any = None) -> None:
    """Answers all open conflicts."""
    state.resolve([each.id for each in state.conflicts(ConflictFilter(states=["open"]))], choice, value)


def only(state: State) -> StoredConflict:
    [conflict] = state.conflicts(ALL)
    return conflict


class TestMet:
    def test_a_conflict_is_kept_as_it_was_met(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        kept = only(state)
        assert (kept.integration, kept.flow, kept.entity, kept.external_id) == ("hotel", "guests", "guest", "7")
        assert (kept.state, kept.stale, kept.choice, kept.run_id) == ("open", False, None, "run-1")
        names = ("field", "code", "reason", "base", "external", "odoo", "external_at", "odoo_at")
        assert {name: getattr(kept, name) for name in names} == {name: getattr(PHONE, name) for name in names}
        assert state.conflict(kept.id) == kept

    @pytest.mark.parametrize("value", [None, False, "", 1.5, [1, 2], {"price_unit": 80.0, "name": "Zoë"}])
    def test_values_come_back_with_their_types(self, state: State, value: Any) -> None:
        commit(state, RUN, met(replace(PHONE, base=value, external=value, odoo=value)))
        kept = only(state)
        assert [kept.base, kept.external, kept.odoo] == [value] * 3
        assert type(kept.external) is type(value)

    def test_one_that_is_met_again_is_the_same_with_the_newest_values(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        first = only(state)
        run_again(state, met(replace(PHONE, external="22", reason="still")))
        again = only(state)
        assert (again.id, again.first_at, again.stale) == (first.id, first.first_at, False)
        assert (again.external, again.reason, again.run_id) == ("22", "still", "run-2")
        assert again.last_at > first.last_at

    def test_every_field_record_flow_and_integration_has_its_own(self, state: State) -> None:
        for run in (RUN, replace(RUN, flow="orders"), replace(RUN, integration="other")):
            state.start(run, "full")
            commit(state, run, met(PHONE, CITY), met(PHONE, external_id="8"))
        assert len(state.conflicts(ALL)) == 9

    def test_a_chunk_may_hold_a_record_twice(self, state: State) -> None:
        commit(state, RUN, met(PHONE), met(replace(PHONE, odoo="4")))
        assert only(state).odoo == "4"

    def test_texts_that_no_database_takes_are_kept_with_escapes(self, state: State) -> None:
        commit(state, RUN, met(replace(PHONE, reason="\0\ud83d"), external_id="7\0"))
        assert (only(state).external_id, only(state).reason) == ("7\\u0000", "\\u0000\\ud83d")
        run_again(state, met(external_id="7\0"))
        assert only(state).state == "closed"


class TestOver:
    def test_what_a_comparison_does_not_find_any_more_is_closed(self, state: State) -> None:
        commit(state, RUN, met(PHONE, CITY), met(PHONE, external_id="8"))
        run_again(state, met(CITY))
        found = {(each.external_id, each.field): each.state for each in state.conflicts(ALL)}
        assert found == {("7", "phone"): "closed", ("7", "city"): "open", ("8", "phone"): "open"}

    def test_a_row_that_was_not_compared_ends_nothing(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        run_again(state, met(compared=False))
        assert only(state).state == "open"

    def test_a_comparison_in_another_flow_or_integration_ends_nothing(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        for run in (replace(AGAIN, flow="orders"), replace(AGAIN, integration="other")):
            state.start(run, "full")
            commit(state, run, met())
        assert only(state).state == "open"

    def test_an_answered_one_that_is_settled_is_applied(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "odoo")
        run_again(state, met())
        assert (only(state).state, only(state).choice) == ("applied", "odoo")
        assert state.resolutions("hotel", "guests") == {}

    def test_met_after_it_was_over_it_is_a_new_one(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "odoo")
        run_again(state, met())
        commit(state, AGAIN, met(PHONE))
        assert [(each.state, each.stale) for each in state.conflicts(ALL)] == [("applied", False), ("open", False)]


class TestAnswers:
    def test_an_answer_is_given_to_the_next_run_with_the_values_that_it_was_for(self, state: State) -> None:
        commit(state, RUN, met(PHONE, CITY), met(PHONE, external_id="8"))
        phone, city, _ = state.conflicts(ALL)
        state.resolve([phone.id], "external")
        state.resolve([city.id], "value", "Salzburg")
        assert state.resolutions("hotel", "guests") == {
            ("guest", "7"): [
                Resolution("phone", "external", None, "2", "3"),
                Resolution("city", "value", "Salzburg", "Graz", "Linz"),
            ]
        }
        assert state.resolutions("hotel", "orders") == state.resolutions("other", "guests") == {}

    @pytest.mark.parametrize("value", [None, False, 7.5, ["a"]])
    def test_a_value_may_be_of_any_type(self, state: State, value: Any) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "value", value)
        [[found]] = state.resolutions("hotel", "guests").values()
        assert (found.choice, found.value) == ("value", value)

    def test_it_can_be_changed_until_it_is_applied(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "value", "5")
        state.resolve([only(state).id], "odoo")
        assert (only(state).choice, only(state).value) == ("odoo", None)

    def test_one_that_did_not_settle_it_is_stale_and_asked_for_anew(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "value", "5")
        run_again(state, met(replace(PHONE, odoo="4")))
        asked = only(state)
        assert (asked.state, asked.stale, asked.odoo) == ("open", True, "4")
        assert (asked.choice, asked.value, asked.resolved_at) == (None, None, None)
        commit(state, AGAIN, met(replace(PHONE, odoo="4")))
        assert only(state).stale
        answer(state, "odoo")
        assert not only(state).stale

    def test_one_that_was_given_while_a_run_went_on_waits_for_the_next(self, state: State) -> None:
        """The run has read the answers before; what it meets again says nothing about this one."""
        commit(state, RUN, met(PHONE))
        answer(state, "odoo")
        commit(state, RUN, met(replace(PHONE, external="22")))
        kept = only(state)
        assert (kept.state, kept.choice, kept.external, kept.stale) == ("resolved", "odoo", "2", False)

    def test_one_that_was_given_while_its_question_went_away_was_not_applied(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        answer(state, "odoo")
        commit(state, RUN, met())
        assert only(state).state == "closed"

    @pytest.mark.parametrize(
        ("conflict", "allowed"),
        [
            (PHONE, {"external", "odoo", "value"}),
            (replace(PHONE, field="order_line[k]", external=None, odoo={"name": "x"}), {"external", "odoo"}),
            (replace(PHONE, code=SEALED), {"odoo", "retry"}),
            (FROZEN, {"retry"}),
            (DELETED, {"external", "odoo", "retry"}),
        ],
    )
    def test_what_a_question_does_not_allow_is_refused(
        self, state: State, conflict: Conflict, allowed: set[Choice]
    ) -> None:
        commit(state, RUN, met(conflict))
        assert set(only(state).choices) == allowed
        for choice in sorted(allowed):
            answer_of(state, choice)
        for choice in sorted(set(get_args(Choice)) - allowed):
            with pytest.raises(ResolutionError, match=f"cannot be answered with '{choice}', only with: "):
                answer_of(state, choice)
        assert only(state).choice in allowed

    def test_nobody_can_answer_what_is_over_or_never_was(self, state: State) -> None:
        commit(state, RUN, met(PHONE))
        conflict_id = only(state).id
        run_again(state, met())
        with pytest.raises(ResolutionError, match=f"conflict {conflict_id} is closed, so there is nothing to answer"):
            state.resolve([conflict_id], "odoo")
        with pytest.raises(ResolutionError, match=r"there is no conflict 4711; .*list --state all"):
            state.resolve([4711], "odoo")
        with pytest.raises(ResolutionError, match="there is no conflict 4711"):
            state.conflict(4711)

    def test_several_are_answered_together_or_not_at_all(self, state: State) -> None:
        commit(state, RUN, met(PHONE, CITY, FROZEN))
        phone, city, frozen = (each.id for each in state.conflicts(ALL))
        with pytest.raises(ResolutionError, match="frozen"):
            state.resolve([phone, city, frozen], "odoo")
        assert state.resolutions("hotel", "guests") == {}
        state.resolve([phone, city, phone], "odoo")
        assert [each.state for each in state.conflicts(ALL)] == ["resolved", "resolved", "open"]


def answer_of(state: State, choice: Choice) -> None:
    state.resolve([only(state).id], choice)


class TestFilters:
    @pytest.fixture
    def ids(self, state: State) -> dict[str, int]:
        """Ids by what is special about a conflict."""
        orders, other = replace(RUN, flow="orders"), replace(RUN, integration="other")
        for run in (orders, other):
            state.start(run, "full")
        commit(state, RUN, met(PHONE))
        price = replace(PHONE, field="order_line[hotel.room.[1]].price_unit")
        commit(state, orders, RowOutcome("booking", "7", Outcome.CONFLICT, conflicts=(price,)))
        commit(state, other, met(PHONE, external_id="8"))
        names = ("first", "price", "other")
        return {name: each.id for name, each in zip(names, state.conflicts(ALL), strict=True)}

    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            (ConflictFilter(), ["first", "price", "other"]),
            (ConflictFilter("hotel"), ["first", "price"]),
            (ConflictFilter(flow="guests"), ["first", "other"]),
            (ConflictFilter(entity="guest", external_id="7"), ["first"]),
            (ConflictFilter(external_id="7"), ["first", "price"]),
            (ConflictFilter(field="phone"), ["first", "other"]),
            (ConflictFilter(field="order_line.price_unit"), ["price"]),
            (ConflictFilter(field="order_line[hotel.room.[1]].price_unit"), ["price"]),
            (ConflictFilter(field="price_unit"), []),
            (ConflictFilter(states=["resolved"]), []),
        ],
    )
    def test_only_what_is_asked_for_longest_waiting_first(
        self, state: State, ids: dict[str, int], wanted: ConflictFilter, names: list[str]
    ) -> None:
        assert [each.id for each in state.conflicts(wanted)] == [ids[name] for name in names]

    def test_no_more_than_are_asked_for(self, state: State, ids: dict[str, int]) -> None:
        assert [each.id for each in state.conflicts(ALL, 1)] == [ids["first"]]


class TestPurge:
    def test_what_is_over_goes_when_it_is_old_and_what_waits_stays(self, state: State) -> None:
        commit(state, RUN, met(PHONE, CITY))
        run_again(state, met(CITY))
        tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
        state.purge(yesterday)
        assert [each.state for each in state.conflicts(ALL)] == ["closed", "open"]
        state.purge(tomorrow)
        assert only(state).field == "city"


class TestPossibleMatch:
    SHOWN: ClassVar = [{"id": 17, "name": "Ann", "why": "other_name"}]
    ASKED = Conflict(WHOLE_RECORD, POSSIBLE_MATCH, external={"name": "Ann"}, odoo=SHOWN)

    def test_it_is_answered_with_a_record_that_was_shown(self, state: State) -> None:
        commit(state, RUN, met(self.ASKED, compared=False))
        with pytest.raises(ResolutionError, match="it is one of: 17"):
            answer(state, "adopt", 18)
        answer(state, "adopt", 17)
        [[given]] = state.resolutions("hotel", "guests").values()
        assert (given.choice, given.value, given.odoo) == ("adopt", 17, self.SHOWN)

    def test_a_row_is_asked_about_until_a_human_says_that_it_is_new(self, state: State) -> None:
        commit(state, RUN, met(self.ASKED, compared=False), met(PHONE, external_id="8"))
        assert state.asked("hotel", "guests") == {("guest", "7")}
        assert state.asked("hotel", "orders") == set()
        answer_one = [each.id for each in state.conflicts(ConflictFilter()) if each.code == POSSIBLE_MATCH]
        state.resolve(answer_one, "new")
        assert state.asked("hotel", "guests") == set()


class TestReusedId:
    ASKED = Conflict(WHOLE_RECORD, ID_REUSED, external={"partner_id": 2}, odoo={"partner_id": 1})

    def test_it_is_the_same_record_or_something_was_mended(self, state: State) -> None:
        commit(state, RUN, met(self.ASKED, compared=False))
        for choice in ("odoo", "value", "adopt", "new"):
            with pytest.raises(ResolutionError, match="only with: external, retry"):
                answer(state, choice)
        answer(state, "external")
        [[given]] = state.resolutions("hotel", "guests").values()
        assert (given.choice, given.external, given.odoo) == ("external", {"partner_id": 2}, {"partner_id": 1})

    def test_a_record_is_in_doubt_for_all_flows_until_its_answer_was_applied(self, state: State) -> None:
        commit(state, RUN, met(self.ASKED, compared=False), met(PHONE, external_id="8"))
        assert state.in_doubt("hotel") == {("guest", "7")}
        assert state.in_doubt("another") == set()
        answer(state, "external")
        assert state.in_doubt("hotel") == {("guest", "7")}
        run_again(state, met())
        assert state.in_doubt("hotel") == set()
