from __future__ import annotations

from itertools import product

import pytest

from odoo_pipelines.engine.lifecycle import TransitionPath, leaves_read_only_state, plan_path
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.pms.targets import SALE_ORDER
from odoo_pipelines.systems.targets import Action, Lifecycle, Transition

assert SALE_ORDER.lifecycle
ORDERS = SALE_ORDER.lifecycle
STATES = ("draft", "sale", "locked", "cancel")
PAIRS = list(product(STATES, STATES))


def stops(path: TransitionPath, source: str) -> list[str]:
    return [source, *(step.target for step in (*path.before, *path.after))]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("draft", "locked", ["draft", "sale", "locked"]),
        ("cancel", "locked", ["cancel", "draft", "sale", "locked"]),
        ("locked", "draft", ["locked", "sale", "cancel", "draft"]),
        ("sale", "draft", ["sale", "cancel", "draft"]),
        ("sale", "sale", ["sale"]),
    ],
)
def test_without_anything_to_write_the_way_is_the_shortest(source: str, target: str, expected: list[str]) -> None:
    path = plan_path(ORDERS, source, target, writes=False)

    assert stops(path, source) == expected
    assert (path.before, path.written_in) == ((), source)
    assert path.is_empty == (source == target)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("writes", [True, False])
def test_every_way_is_connected_and_ends_in_the_wanted_state(source: str, target: str, *, writes: bool) -> None:
    path = plan_path(ORDERS, source, target, writes=writes)
    steps = (*path.before, *path.after)

    assert all(step in ORDERS.transitions for step in steps)
    assert [source, *(step.target for step in steps)] == [*(step.source for step in steps), target]
    assert path.written_in == (path.before[-1].target if path.before else source)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_values_are_never_written_in_a_frozen_state_and_in_an_open_one_where_the_way_passes_it(
    source: str, target: str
) -> None:
    path = plan_path(ORDERS, source, target, writes=True)

    assert path.written_in not in ORDERS.read_only
    if "draft" in stops(plan_path(ORDERS, source, target, writes=False), source):
        assert path.written_in == "draft"


def test_a_frozen_record_that_stays_frozen_is_opened_for_the_writing_only() -> None:
    path = plan_path(ORDERS, "locked", "locked", writes=True)

    assert [step.actions for step in path.before] == [(Action("action_unlock"),)]
    assert [step.actions for step in path.after] == [(Action("action_lock"),)]
    assert leaves_read_only_state(ORDERS, path)


def test_freezing_a_record_does_not_count_as_leaving_the_frozen_state() -> None:
    assert not leaves_read_only_state(ORDERS, plan_path(ORDERS, "draft", "locked", writes=True))
    assert leaves_read_only_state(ORDERS, plan_path(ORDERS, "locked", "cancel", writes=False))


ONE_WAY = Lifecycle(
    ("state",), lambda _: "", {}, (Transition("open", "done", (Action("finish"),)),), read_only=("done",)
)


def test_a_state_that_cannot_be_reached_rejects_the_row() -> None:
    with pytest.raises(RowRejectedError) as caught:
        plan_path(ONE_WAY, "done", "open", writes=False)

    assert (caught.value.field, caught.value.code) == ("state", "no_transition")


def test_a_frozen_state_without_a_way_out_rejects_what_there_is_to_write() -> None:
    assert plan_path(ONE_WAY, "done", "done", writes=False).is_empty
    with pytest.raises(RowRejectedError) as caught:
        plan_path(ONE_WAY, "done", "done", writes=True)

    assert caught.value.code == "frozen"
