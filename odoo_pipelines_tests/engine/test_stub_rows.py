"""A booking names its guest and its products: such rows create what is missing, and change nothing that is known."""

from __future__ import annotations

from odoo_pipelines_tests.engine.sales import World, counts, guest


def test_a_second_hand_row_never_makes_the_records_own_row_look_old() -> None:
    world = World()
    world.guests(guest("g", 100, only_create=True))

    assert counts(world, guest("g", 1, city="Wien")) == {"updated": 1}
    assert counts(world, guest("g", 0, city="Graz")) == {"superseded": 1}
    assert counts(world, guest("g", 200, only_create=True, name="?")) == {"unchanged": 1}
    assert counts(world, guest("g", 2, city="Graz")) == {"updated": 1}


def test_a_second_hand_row_renames_nobody() -> None:
    world = World()
    world.odoo.seed("res.partner", name="John", email="j@example.com")
    row = guest("g", name="JOHN", email="j@example.com", only_create=True)

    assert counts(world, row) == {"updated": 1}
    assert counts(world, row, verify=True) == {"unchanged": 1}
    assert {each["name"] for each in world.odoo.rows("res.partner")} == {"Office", "John"}
    assert counts(world, guest("g", name="John Smith", email="j@example.com")) == {"updated": 1}


def test_verifying_creates_again_what_somebody_has_deleted_even_if_it_is_known_at_second_hand_only() -> None:
    world = World()
    rows = [guest("g"), guest("h", only_create=True)]
    world.guests(*rows)
    world.odoo.tables["res.partner"] = {1: world.odoo.tables["res.partner"][1]}

    assert counts(world, *rows) == {"unchanged": 2}
    assert counts(world, *rows, verify=True) == {"created": 2}
    assert counts(world, *rows, verify=True) == {"unchanged": 2}
