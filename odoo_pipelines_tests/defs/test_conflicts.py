"""Conflicts from the run that meets them to their end: answered and applied, stale and asked anew, or gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from odoo_pipelines.stores.conflicts import ConflictFilter, StoredConflict
from odoo_pipelines.stores.tables import CONFLICT_STATES
from odoo_pipelines_tests.defs.stage import Stage

FIELD = "client_order_ref"
CASES = ("external", "odoo", "value", "stale", "gone")


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """Everything is in Odoo, and whatever both sides change is asked about."""
    with Path(os.environ["ODOO_PIPELINES_CONFIG"]).open("a", encoding="utf-8") as config:
        config.write("    policy: manual\n")
    assert stage.sync("full").success
    return stage


@pytest.mark.parametrize("pms", [{"bookings": 30}], indirect=True)
def test_conflicts_are_met_answered_applied_and_do_not_come_back(stage: Stage) -> None:
    confirmed = [row for row in stage.served() if row["status"] == "confirmed"]
    bookings = dict(zip(CASES, confirmed, strict=False))
    for booking in bookings.values():
        change_in_odoo(stage, booking, "Odoo")
        stage.edit(booking["id"], booking_reference="PMS")

    delta = stage.sync("delta")
    assert stage.counts(delta)["conflict"] == len(CASES)
    met = conflicts(stage)
    assert [met[str(each["id"])].field for each in bookings.values()] == [FIELD] * len(CASES)
    for booking in bookings.values():
        found = met[str(booking["id"])]
        assert (found.base, found.external, found.odoo) == (booking["booking_reference"], "PMS", "Odoo")
        assert order_of(stage, booking)[FIELD] == "Odoo"
        assert order_of(stage, booking)["x_external_reference"] == "PMS"  # the other fields went through

    ids = {case: met[str(booking["id"])].id for case, booking in bookings.items()}
    stage.state.resolve([ids["external"], ids["stale"]], "external")
    stage.state.resolve([ids["odoo"]], "odoo")
    stage.state.resolve([ids["value"]], "value", "Both")
    change_in_odoo(stage, bookings["stale"], "Odoo again")
    change_in_odoo(stage, bookings["gone"], "PMS")
    assert stage.sync("delta").success
    expected = {"external": "PMS", "odoo": "Odoo", "value": "Both", "stale": "Odoo again", "gone": "PMS"}
    assert {case: order_of(stage, booking)[FIELD] for case, booking in bookings.items()} == expected
    ends = {"external": "applied", "odoo": "applied", "value": "applied", "stale": "open", "gone": "open"}
    assert states(stage, bookings) == ends
    stale = conflicts(stage)[str(bookings["stale"]["id"])]
    assert (stale.id, stale.stale, stale.odoo, stale.choice) == (ids["stale"], True, "Odoo again", None)

    full = stage.sync("full")
    assert {word: stage.counts(full).get(word, 0) for word in ("updated", "conflict")} == {"updated": 0, "conflict": 1}
    assert {case: order_of(stage, booking)[FIELD] for case, booking in bookings.items()} == expected
    assert states(stage, bookings) == {**ends, "gone": "closed"}


def change_in_odoo(stage: Stage, booking: dict[str, Any], reference: str) -> None:
    """What somebody does in Odoo."""
    stage.odoo("sale.order", "write", ids=[order_of(stage, booking)["id"]], vals={FIELD: reference})


def order_of(stage: Stage, booking: dict[str, Any]) -> dict[str, Any]:
    domain, fields = [["x_external_id", "=", str(booking["id"])]], [FIELD, "x_external_reference"]
    [order] = stage.odoo("sale.order", "search_read", domain=domain, fields=fields)
    found: dict[str, Any] = order
    return found


def conflicts(stage: Stage) -> dict[str, StoredConflict]:
    """All that there ever were, by external id."""
    found = stage.state.conflicts(ConflictFilter(states=CONFLICT_STATES))
    by_record = {each.external_id: each for each in found}
    assert len(by_record) == len(found)
    return by_record


def states(stage: Stage, bookings: dict[str, dict[str, Any]]) -> dict[str, str]:
    found = conflicts(stage)
    return {case: found[str(booking["id"])].state for case, booking in bookings.items()}
