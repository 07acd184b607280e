"""An Odoo that was replaced or restored: the state's ids are other people's records there."""

from __future__ import annotations

import pytest

from odoo_pipelines_tests.engine.sales import SalesOdoo, World, counts, guest


@pytest.fixture
def world() -> World:
    """Six guests were synced; the new Odoo has contacts of its own under the same ids."""
    world = World()
    counts(world, *(guest(f"g{number}") for number in range(6)))
    old_ids = [record.odoo_id for record in world.state.kept.values()]
    world.odoo = SalesOdoo()
    while max((row["id"] for row in world.odoo.rows("res.partner")), default=0) < max(old_ids):
        world.odoo.seed("res.partner", name="Foreign")
    return world


def foreign_contacts(world: World) -> list[dict[str, object]]:
    return [row for row in world.odoo.rows("res.partner") if row["name"] == "Foreign"]


@pytest.mark.parametrize("chunk_size", [100, 2])
def test_a_full_sync_makes_all_records_again_and_touches_nobody_elses(world: World, chunk_size: int) -> None:
    before = foreign_contacts(world)
    guests = [guest(f"g{number}") for number in range(6)]
    assert counts(world, *guests, verify=True, chunk_size=chunk_size) == {"created": 6}
    assert foreign_contacts(world) == before
    assert counts(world, *guests, verify=True) == {"unchanged": 6}


def test_a_delta_finds_it_out_for_the_rows_that_it_writes(world: World) -> None:
    before = foreign_contacts(world)
    assert counts(world, guest("g1", name="Ann Other")) == {"created": 1}
    assert foreign_contacts(world) == before
