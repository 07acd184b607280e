"""Who wins a field: the table of the policies, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.engine.base import UNKNOWN, Kept
from odoo_pipelines.engine.merge import Sides, Times, Winner, winner
from odoo_pipelines.systems.policies import FlowPolicies, Policy

E, O, N = Winner.EXTERNAL, Winner.ODOO, Winner.NOBODY  # noqa: E741 - as in the table
NOON = "2026-05-01 12:00:00"
EARLIER, LATER = datetime(2026, 5, 1, 11, 59, 59, tzinfo=UTC), datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)


def decide(
    policy: Policy,
    sides: tuple[Any, Any, Any],
    kept: Kept | None = None,
    external: datetime | None = LATER,
    odoo: str = NOON,
) -> Winner:
    return winner(policy, Sides(*sides), kept, Times(external, odoo))


ONLY_EXTERNAL, ONLY_ODOO, ONLY_ODOO_EMPTIED = ("b", "e", "b"), ("b", "b", "o"), ("b", "b", False)
BOTH, BOTH_AND_ODOO_EMPTIED = ("b", "e", "o"), ("b", "e", False)


@pytest.mark.parametrize(
    ("policy", "sides", "expected"),
    [
        (Policy.EXTERNAL_WINS, ONLY_EXTERNAL, E),
        (Policy.EXTERNAL_WINS, ONLY_ODOO, E),
        (Policy.EXTERNAL_WINS, BOTH, E),
        (Policy.ODOO_WINS, ONLY_EXTERNAL, E),
        (Policy.ODOO_WINS, ONLY_ODOO, O),
        (Policy.ODOO_WINS, ONLY_ODOO_EMPTIED, E),
        (Policy.ODOO_WINS, BOTH, O),
        (Policy.ODOO_WINS, BOTH_AND_ODOO_EMPTIED, E),
        (Policy.LATEST_WINS, ONLY_EXTERNAL, E),
        (Policy.LATEST_WINS, ONLY_ODOO, O),
        (Policy.LATEST_WINS, ONLY_ODOO_EMPTIED, O),
        (Policy.MANUAL, ONLY_EXTERNAL, E),
        (Policy.MANUAL, ONLY_ODOO, O),
        (Policy.MANUAL, BOTH, N),
        (Policy.MANUAL, BOTH_AND_ODOO_EMPTIED, N),
    ],
)
def test_the_table_of_policies(policy: Policy, sides: tuple[Any, Any, Any], expected: Winner) -> None:
    assert decide(policy, sides) is expected


@pytest.mark.parametrize(
    ("external", "odoo", "expected"),
    [
        (LATER, NOON, E),
        (EARLIER, NOON, O),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), NOON, E),
        (None, NOON, E),
        (EARLIER, "", E),
    ],
)
def test_of_two_changes_the_later_one_counts(external: datetime | None, odoo: str, expected: Winner) -> None:
    assert decide(Policy.LATEST_WINS, BOTH, external=external, odoo=odoo) is expected


@pytest.mark.parametrize("policy", [Policy.ODOO_WINS, Policy.LATEST_WINS, Policy.MANUAL])
def test_a_decision_for_odoo_holds_while_neither_side_moves(policy: Policy) -> None:
    assert decide(policy, BOTH, Kept("e", "o", NOON), LATER) is O


def test_an_external_change_after_a_decision_is_held_against_the_time_of_odoos_change_then() -> None:
    kept = Kept("e", "o", NOON)

    assert decide(Policy.LATEST_WINS, ("b", "e2", "o"), kept, LATER, "2026-05-01 18:00:00") is E
    assert decide(Policy.LATEST_WINS, ("b", "e2", "o"), kept, EARLIER, "2026-05-01 18:00:00") is O


def test_a_change_in_odoo_after_a_decision_is_not_undone_by_the_external_value_of_before() -> None:
    assert decide(Policy.LATEST_WINS, ("b", "e", "o2"), Kept("e", "o", NOON), LATER) is O


def test_a_side_that_went_back_to_the_base_after_a_decision_has_moved_all_the_same() -> None:
    kept = Kept("e", "o", NOON)

    assert decide(Policy.LATEST_WINS, ("b", "b", "o"), kept, LATER) is E
    assert decide(Policy.LATEST_WINS, ("b", "e", "b"), kept, LATER) is O


def test_a_human_is_asked_again_when_the_external_side_has_moved_and_not_when_only_odoo_has() -> None:
    assert decide(Policy.MANUAL, ("b", "e2", "o"), Kept("e", "o")) is N
    assert decide(Policy.MANUAL, ("b", "e", "o2"), Kept("e", "o")) is O


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("empty", [False, 0, 0.0, "", []])
def test_where_nothing_was_agreed_on_an_empty_value_of_odoo_is_filled(policy: Policy, empty: Any) -> None:
    assert decide(policy, (UNKNOWN, "e", empty), external=EARLIER) is E


@pytest.mark.parametrize("policy", [Policy.ODOO_WINS, Policy.LATEST_WINS, Policy.MANUAL])
def test_where_nothing_was_agreed_on_an_empty_external_value_empties_nothing(policy: Policy) -> None:
    assert decide(policy, (UNKNOWN, False, "o")) is O


def test_a_field_of_a_line_follows_its_own_policy_then_its_lines_then_the_flows() -> None:
    policies = FlowPolicies(
        Policy.ODOO_WINS, {"order_line": Policy.MANUAL, "order_line.name": Policy.EXTERNAL_WINS, "note": Policy.MANUAL}
    )

    assert policies.of("order_line.name") is Policy.EXTERNAL_WINS
    assert policies.of("order_line.price_unit") is policies.of("order_line") is policies.of("note") is Policy.MANUAL
    assert policies.of("name") is Policy.ODOO_WINS
