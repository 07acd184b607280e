"""Edits on both sides, faults and runs at random, held against a model of what must be."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from odoo_pipelines.systems.policies import Policy
from odoo_pipelines.systems.records import Choice, Conflict, Key, Outcome, Resolution
from odoo_pipelines_tests.engine.stage import BOOKINGS, GUESTS, LINES, PARTS, Clock, Run, Stage, part_of

texts = st.sampled_from([False, "a", "b", "c"])
quantities = st.sampled_from([2.0, 3.0, 5.0])
refusals = st.sampled_from(["booking", "lines"])
states = st.sampled_from(["draft", "sale", "locked", "cancel"])
clocks: st.SearchStrategy[Clock] = st.sampled_from(["right", "right", "right", "ahead", "behind", "silent", "stopped"])
sides = st.sampled_from(["source", "odoo", "source and odoo", "odoo and source"])
Edit: TypeAlias = tuple[str, Key, str, Any, Any]
edits = st.one_of(
    st.tuples(sides, st.sampled_from(GUESTS), st.sampled_from(PARTS["guest"]), texts, texts),
    st.tuples(sides, st.sampled_from(BOOKINGS), st.just("client_order_ref"), texts, texts),
    st.tuples(sides, st.sampled_from(BOOKINGS), st.sampled_from(LINES), quantities | st.none(), quantities),
)

faults = st.tuples(
    st.sampled_from(["killed call", "killed commit", "lost", "concurrent", "outage"]), st.integers(0, 9), st.booleans()
)
runs = st.tuples(st.booleans(), st.integers(1, 3), st.none() | faults)


class Sync(RuleBasedStateMachine):
    """What may happen, in any order."""

    policy: ClassVar[Policy]

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.policy)

    @rule(changes=st.lists(edits, min_size=1, max_size=4), clock=clocks, run=runs | st.none())
    def both_sides_edit(self, changes: list[Edit], clock: Clock, run: Run | None) -> None:
        for side, key, part, value, other in changes:
            for each in side.split(" and "):
                if each == "source":
                    self.stage.source_has(key, {part: value}, clock=clock)
                else:
                    self.stage.somebody_edits(key, part, other)
        if run:
            self.stage.run(*run)

    @rule(key=st.sampled_from(BOOKINGS), state=states, clock=clocks, run=runs | st.none())
    def the_source_moves_a_booking(self, key: Key, state: str, clock: Clock, run: Run | None) -> None:
        self.stage.source_has(key, {}, state, clock)
        if run:
            self.stage.run(*run)

    @rule(age=st.integers(0, 9))
    def the_source_is_restored_from_a_backup(self, age: int) -> None:
        self.stage.source_is_restored(age)

    @rule(key=st.just(("guest", "g2")))
    def somebody_deletes_a_contact(self, key: Key) -> None:
        if record := self.stage.record(key):
            self.stage.tomorrow()
            self.stage.world.odoo.unlink("res.partner", [record["id"]])
            self.stage.edited(key, *PARTS[key[0]])

    @rule(key=st.sampled_from(BOOKINGS), what=refusals, state=states, quantity=quantities | st.none(), run=runs)
    def odoo_refuses_a_booking(self, key: Key, what: str, state: str, quantity: float | None, run: Run) -> None:
        self.stage.source_has(key, {"2": quantity}, state)
        self.stage.refused.add((what, key[1]))
        self.stage.run(*run)

    @rule(key=st.just(("guest", "g2")), run=runs)
    def odoo_refuses_a_contact(self, key: Key, run: Run) -> None:
        self.stage.refused.add(key)
        self.stage.run(*run)

    @precondition(lambda self: self.stage.refused)
    @rule()
    def odoo_refuses_nothing_any_more(self) -> None:
        self.stage.refused.clear()

    @precondition(lambda self: self.stage.open)
    @rule(data=st.data())
    def somebody_answers(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.stage.open)))
        answers = [self._answer(conflict, data) for conflict in self.stage.open.pop(key)]
        self.stage.world.state.answers[key] = answers
        self.stage.changed[key[0]].add(key)  # a resolved conflict is replayed

    # Runs.

    @rule(run=runs)
    def a_run(self, run: Run) -> None:
        self.stage.run(*run)

    @rule()
    def two_full_runs(self) -> None:
        self.stage.run(True, 3, None)
        before = self.stage.world.odoo.content()
        outcomes = self.stage.run(True, 3, None)
        assert self.stage.refused or not self.stage.world.odoo.writes()
        refused = {external_id for _, external_id in self.stage.refused}
        settled = {each.outcome for each in outcomes if each.external_id not in refused}
        assert settled <= {Outcome.UNCHANGED, Outcome.CONFLICT}, outcomes
        assert self.stage.world.odoo.content() == before
        if self.stage.policy is Policy.EXTERNAL_WINS:
            for key, record in self.stage.source.items():
                assert key[1] in refused or self.stage.seen(key) == record.version.values, key

    def teardown(self) -> None:
        if all(tracked.possible for tracked in self.stage.source.values()):  # it is called after a failure, too
            self.stage.refused.clear()
            self.two_full_runs()

    def _answer(self, conflict: Conflict, data: st.DataObject) -> Resolution:
        part = part_of(conflict.field)
        whole_line = conflict.field.endswith("]")
        choices: list[Choice] = ["external", "odoo"] if whole_line else ["external", "odoo", "value"]
        choice = data.draw(st.sampled_from(choices))
        value = data.draw(quantities if part in LINES else texts.filter(bool)) if choice == "value" else None
        return Resolution(conflict.field, choice, value, conflict.external, conflict.odoo)


EXAMPLES = 48
"""Of each policy, the same in every run: what thousands of others have found is kept in `test_found_at_random`.

Take `derandomize` away to look for more. Of one in some thousand it is known that the model is stricter than the engine
can be: a killed run has created a line, somebody edits it, and the source drops it before anything was remembered.
"""


@pytest.mark.parametrize("policy", list(Policy))
def test_whatever_happens_both_sides_end_as_the_policy_says(policy: Policy) -> None:
    run_state_machine_as_test(
        type(f"Sync_{policy.value}", (Sync,), {"policy": policy}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # shrinking a failure takes minutes: add Phase.shrink to look for the cause
            suppress_health_check=list(HealthCheck),
        ),
    )
