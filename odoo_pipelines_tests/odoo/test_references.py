"""References lead to records that are there: after a merge in Odoo, to the one that was kept."""

from __future__ import annotations

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, xmlid
from odoo_pipelines.odoo.references import References
from odoo_pipelines_tests.engine.sales import INTEGRATION, World, guest

MODEL = "res.partner"


@pytest.fixture
def world() -> World:
    world = World()
    world.guests(guest("1"), guest("2"))
    return world


@pytest.fixture
def references(world: World) -> References:
    return References(INTEGRATION, world.odoo, world.state)


def bound(world: World, external_id: str) -> int:
    return world.state.kept["guest", external_id].odoo_id


def test_the_state_knows_the_ids_and_odoo_is_asked_once_whether_they_are_there(
    world: World, references: References
) -> None:
    world.odoo.calls.clear()
    for _ in range(2):
        found = references.ids(MODEL, "guest", ["1", "2", "unknown"])
        assert found == {"1": bound(world, "1"), "2": bound(world, "2")}
    assert [(call.model, call.method) for call in world.odoo.calls] == [(MODEL, "search_read")]


def test_an_archived_record_is_there(world: World, references: References) -> None:
    world.odoo.write(MODEL, [bound(world, "1")], {"active": False})
    assert references.ids(MODEL, "guest", ["1"]) == {"1": bound(world, "1")}


@pytest.mark.parametrize("active", [True, False])
def test_one_that_was_merged_away_leads_to_the_one_that_was_kept(
    world: World, references: References, *, active: bool
) -> None:
    world.odoo.write(MODEL, [bound(world, "1")], {"active": active})
    del world.odoo.tables[MODEL][bound(world, "2")]
    world.odoo.xmlids[xmlid(f"{INTEGRATION}.guest.2")] = (MODEL, bound(world, "1"))
    assert references.ids(MODEL, "guest", ["1", "2"]) == dict.fromkeys(("1", "2"), bound(world, "1"))


def test_their_values_are_those_that_odoo_holds_now(world: World, references: References) -> None:
    world.odoo.write(MODEL, [bound(world, "1")], {"city": "Wien"})
    world.odoo.unlink(MODEL, [bound(world, "2")])
    found = references.values(MODEL, "guest", ["1", "2", "unknown"], ["name", "city"])
    assert found == {"1": {"id": bound(world, "1"), "name": "Guest 1", "city": "Wien"}}


def test_of_nothing_no_values_are_read(world: World, references: References) -> None:
    world.odoo.calls.clear()
    assert references.values(MODEL, "guest", ["unknown"], ["name"]) == {}
    assert world.odoo.calls == []


def test_one_that_was_deleted_is_missing(world: World, references: References) -> None:
    world.odoo.unlink(MODEL, [bound(world, "2")])
    assert references.ids(MODEL, "guest", ["1", "2"]) == {"1": bound(world, "1")}


def test_an_id_that_is_somebody_elses_record_is_no_reference(world: World, references: References) -> None:
    """After Odoo was replaced, an order must not go to the contact that has its guest's old id."""
    [row] = [row for row in world.odoo.rows(MODEL) if row["id"] == bound(world, "1")]
    world.odoo.xmlids.clear()
    world.odoo.write(MODEL, [row["id"]], {SYNC_KEY_FIELD: False, "name": "Foreign"})
    assert references.ids(MODEL, "guest", ["1", "2"]) == {"2": bound(world, "2")}
