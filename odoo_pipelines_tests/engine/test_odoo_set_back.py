"""An Odoo that was restored from a backup: what it holds is older than what was written, and nobody has edited it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from odoo_pipelines.engine.base import earliest_after
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.policies import DeletedPolicy, FlowPolicies, Policy
from odoo_pipelines.systems.records import SET_BACK, Key, Outcome, Resolution
from odoo_pipelines_tests.engine.sales import DAY, World, booking, counts, guest, room

Backup = tuple[dict[str, Any], dict[str, Any]]
EDITABLE = [*Policy][1:]
"""The policies under which an edit in Odoo counts."""


def backup(world: World) -> Backup:
    return copy.deepcopy((world.odoo.tables, world.odoo.xmlids))


def restore(world: World, taken: Backup) -> None:
    """Ids are given out again from there; the clock goes on."""
    world.odoo.tables, world.odoo.xmlids = copy.deepcopy(taken)


def edit(world: World, external_id: str, **values: Any) -> None:
    [found] = [row for row in world.odoo.rows("res.partner") if str(row[SYNC_KEY_FIELD]).endswith(f".{external_id}")]
    world.odoo.write("res.partner", [found["id"]], values)


def city(world: World, external_id: str = "g") -> Any:
    [found] = [row for row in world.odoo.rows("res.partner") if str(row[SYNC_KEY_FIELD]).endswith(f".{external_id}")]
    return found["city"]


@pytest.mark.parametrize("policy", list(Policy))
def test_an_update_that_a_backup_lost_is_written_again(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien"))
    taken = backup(world)
    counts(world, guest("g", 2, city="Linz"))
    restore(world, taken)
    assert counts(world, guest("g", 2, city="Linz"), verify=True) == {"updated": 1}
    assert city(world) == "Linz"
    [change] = world.state.outcomes[-1].changes
    assert (change.field, change.before, change.after, change.policy) == ("city", "Wien", "Linz", SET_BACK)
    assert counts(world, guest("g", 2, city="Linz"), verify=True) == {"unchanged": 1}


@pytest.mark.parametrize("policy", list(Policy))
def test_so_is_one_of_which_the_external_side_has_a_newer_version(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien"))
    taken = backup(world)
    counts(world, guest("g", 2, city="Linz"))
    restore(world, taken)
    assert counts(world, guest("g", 0.5, city="Graz", zip="8010"), verify=True) in ({"superseded": 1}, {"updated": 1})
    assert counts(world, guest("g", 3, city="Graz", zip="8010")) in ({"updated": 1}, {"unchanged": 1})
    assert city(world) == "Graz"


@pytest.mark.parametrize("policy", EDITABLE)
def test_an_edit_that_is_in_the_backup_stays(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien", zip="1010"))
    edit(world, "g", city="Graz")
    taken = backup(world)
    counts(world, guest("g", 1, city="Wien", zip="1010"), verify=True)
    counts(world, guest("g", 2, city="Wien", zip="1020"))
    restore(world, taken)
    assert counts(world, guest("g", 2, city="Wien", zip="1020"), verify=True) == {"updated": 1}
    assert city(world) == "Graz"


@pytest.mark.parametrize("policy", EDITABLE)
def test_an_edit_after_the_restore_counts_as_ever(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien"))
    taken = backup(world)
    counts(world, guest("g", 2, city="Linz"))
    restore(world, taken)
    edit(world, "g", city="Graz")
    counts(world, guest("g", 2, city="Linz"), verify=True)
    assert city(world) == "Graz"


@pytest.mark.parametrize("policy", [Policy.ODOO_WINS, Policy.MANUAL])
def test_an_edit_within_the_second_of_a_write_of_ours_counts(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien", zip="1010"))
    world.odoo.all_at_once = True
    edit(world, "g", city="Graz")
    assert counts(world, guest("g", 2, city="Wien", zip="1020")) == {"updated": 1}
    edit(world, "g", city="Graz am Abend")
    counts(world, guest("g", 3, city="Wien", zip="1030"))
    assert city(world) == "Graz am Abend"


@pytest.mark.parametrize(
    ("write_date", "at", "earliest"),
    [
        ("2026-01-01 10:00:00", "2026-01-01 10:00:00", "2026-01-01 10:00:00"),
        ("2026-01-01 10:00:00", "2026-01-01 10:00:01", "2026-01-01 10:00:00"),  # the database's clock may be behind
        ("2026-01-01 10:00:00", "2026-01-01 10:00:02", "2026-01-01 10:00:01"),
        ("2026-01-01 10:00:00", "2025-12-31 10:00:00", "2026-01-01 10:00:00"),  # or far ahead
        ("2026-01-01 10:00:00", None, "2026-01-01 10:00:00"),
        ("", "2026-01-01 10:00:00", ""),
    ],
)
def test_a_later_write_shows_a_later_time_once_two_seconds_have_passed(
    write_date: str, at: str | None, earliest: str
) -> None:
    assert earliest_after(write_date, datetime.fromisoformat(f"{at}Z") if at else None) == earliest


@pytest.mark.parametrize("policy", EDITABLE)
def test_an_edit_that_was_decided_for_and_then_lost_is_written_again(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien"))
    taken = backup(world)
    edit(world, "g", city="Graz")
    counts(world, guest("g", 1, city="Wien"), verify=True)
    restore(world, taken)
    edit(world, "g", zip="8010")
    restore(world, taken)
    counts(world, guest("g", 1, city="Wien"), verify=True)
    assert city(world) == "Wien"  # both sides agree, so nothing tells that there was an edit


def test_a_humans_choice_that_was_lost_is_written_again() -> None:
    world = World(policies=FlowPolicies(Policy.MANUAL))
    counts(world, guest("g", 1, city="Wien"))
    edit(world, "g", city="Graz")
    taken = backup(world)
    assert counts(world, guest("g", 2, city="Linz")) == {"conflict": 1}
    world.state.answers["guest", "g"] = [Resolution("city", "value", "Bregenz", "Linz", "Graz")]
    counts(world, guest("g", 2, city="Linz"))
    world.state.answers.clear()
    assert city(world) == "Bregenz"
    restore(world, taken)
    counts(world, guest("g", 2, city="Linz"), verify=True)
    assert city(world) == "Bregenz"


def test_a_question_stays_a_question() -> None:
    world = World(policies=FlowPolicies(Policy.MANUAL))
    counts(world, guest("g", 1, city="Wien", zip="1010"))
    edit(world, "g", city="Graz")
    taken = backup(world)
    assert counts(world, guest("g", 2, city="Linz", zip="4020")) == {"conflict": 1}
    restore(world, taken)
    assert counts(world, guest("g", 2, city="Linz", zip="4020"), verify=True) == {"conflict": 1}
    [changed] = world.state.outcomes[-1].changes
    assert (changed.field, changed.after) == ("zip", "4020")
    assert counts(world, guest("g", 2, city="Linz", zip="4020"), verify=True) == {"conflict": 1}
    assert city(world) == "Graz"


@pytest.mark.parametrize("policy", EDITABLE)
def test_what_was_found_equal_and_changed_back_before_is_no_edit(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien"))
    edit(world, "g", city="Graz")
    taken = backup(world)
    edit(world, "g", city="Wien")
    counts(world, guest("g", 1, city="Wien"), verify=True)
    restore(world, taken)
    counts(world, guest("g", 1, city="Wien"), verify=True)
    assert city(world) == "Wien"


@pytest.mark.parametrize("policy", EDITABLE)
def test_a_field_that_the_last_rows_did_not_carry_keeps_its_edit(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy))
    counts(world, guest("g", 1, city="Wien", zip="1010"))
    counts(world, guest("g", 1, city="Wien", zip="1010"), verify=True)
    edit(world, "g", zip="1090")
    taken = backup(world)
    counts(world, guest("g", 2, city="Linz"))
    restore(world, taken)
    counts(world, guest("g", 3, city="Linz", zip="1010"), verify=True)
    assert city(world) == "Linz"
    assert [row["zip"] for row in world.odoo.rows("res.partner") if row["city"]] == ["1090"]


@pytest.mark.parametrize("policy", list(Policy))
def test_lines_and_the_state_of_an_order_come_back(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy)).with_guest_and_room()
    world.orders(booking("b", 1, state="draft", lines=[room("1", 2.0), room("2", 3.0), room("4", 1.0)]))
    taken = backup(world)
    last = booking("b", 2, state="sale", lines=[room("1", 5.0), room("3", 1.0), room("4", 1.0)])
    world.orders(last)
    before = world.odoo.content()
    restore(world, taken)
    world.orders(last, verify=True)
    assert world.odoo.content() == before
    assert world.orders(last, verify=True).counts.by_outcome[Outcome.UNCHANGED] == 1


@pytest.mark.parametrize("policy", list(Policy))
def test_a_line_that_was_emptied_is_emptied_again(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy)).with_guest_and_room()
    world.orders(booking("b", 1, lines=[room("1"), room("2")]))
    taken = backup(world)
    last = booking("b", 2, lines=[room("1")])
    world.orders(last)
    before = world.odoo.content()
    restore(world, taken)
    world.orders(last, verify=True)
    assert world.odoo.content() == before


@pytest.mark.parametrize("policy", [Policy.LATEST_WINS, Policy.MANUAL])
def test_a_line_that_somebody_deleted_stays_deleted(policy: Policy) -> None:
    world = World(policies=FlowPolicies(policy)).with_guest_and_room()
    rows = booking("b", 1, state="draft", lines=[room("1"), room("2", price=0.0)])
    world.orders(rows)
    world.orders(rows, verify=True)
    [gone] = [line["id"] for key, line in world.lines().items() if key.startswith("hotel.booking_room.b.2")]
    world.odoo.unlink("sale.order.line", [gone])  # free of charge: the order is not written
    world.orders(rows, verify=True)
    assert len(world.lines()) == 1


def test_the_second_life_of_a_record_is_no_excuse_for_its_first() -> None:
    world = World()
    counts(world, guest("g", 1, city="Wien"))
    counts(world, guest("g", 1, city="Wien"), verify=True)
    taken = backup(world)
    [found] = [row["id"] for row in world.odoo.rows("res.partner") if row["city"]]
    world.odoo.unlink("res.partner", [found])
    counts(world, guest("g", 2, city="Linz"), verify=True)
    restore(world, taken)
    counts(world, guest("g", 2, city="Linz"), verify=True)
    assert city(world) == "Linz"


# At random: what a disaster cannot be told from.


@dataclass
class Twin:
    """A world, and the source's rows as they are now."""

    policy: Policy
    world: World = field(init=False)
    rows: dict[Key, MappedRow] = field(default_factory=dict)
    day: int = 1

    def __post_init__(self) -> None:
        self.world = World(policies=FlowPolicies(self.policy, deleted=DeletedPolicy.RECREATE)).with_guest_and_room()

    def does(self, step: Step) -> None:
        self.day += 1
        self.world.odoo.clock = (DAY + timedelta(days=self.day)).replace(tzinfo=None)
        self.world.odoo._ticks = 0
        kind, number, value = step
        if kind == "guest":
            self.rows["guest", number] = guest(number, self.day, city=value[0], zip=value[1])
        elif kind == "booking":
            lines = [room(name, float(each)) for name, each in zip("123", value[1:], strict=True) if each]
            self.rows["booking", number] = booking(number, self.day, state=value[0], lines=lines)
        elif kind == "person":
            if any(
                str(row[SYNC_KEY_FIELD]).endswith(f".guest.{number}") for row in self.world.odoo.rows("res.partner")
            ):
                edit(self.world, number, **value)
        else:
            self.run(full=value)

    def run(self, *, full: bool) -> None:
        self.world.guests(*self._of("guest"), verify=full)
        self.world.orders(*self._of("booking"), verify=full)

    def content(self, without: set[str]) -> Any:
        found = self.world.odoo.content()
        keys = {f"hotel.guest.{each}" for each in without}
        return {
            model: [row for row in rows if row[SYNC_KEY_FIELD] not in keys and row.get("product_uom_qty") != 0.0]
            for model, rows in found.items()
        }

    def _of(self, entity: str) -> list[MappedRow]:
        return [row for key, row in self.rows.items() if key[0] == entity]


Step = tuple[str, str, Any]


def steps(dice: Random, length: int) -> Sequence[Step]:
    def step() -> Step:
        kind = dice.choice(["guest", "guest", "booking", "booking", "person", "run", "run"])
        number = dice.choice("45")
        if kind == "guest":
            return kind, number, (dice.choice("abc"), dice.choice("abc"))
        if kind == "booking":
            return kind, number, (dice.choice(["draft", "sale", "cancel"]), *(dice.choice([0, 1, 2]) for _ in range(3)))
        if kind == "person":
            return kind, number, {dice.choice(["city", "zip"]): dice.choice(["a", "b", "c", "d"])}
        return kind, "", dice.random() < 0.4

    return [step() for _ in range(length)]


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("seed", range(12))
def test_after_a_restore_and_a_full_run_odoo_is_as_if_it_had_never_been(policy: Policy, seed: int) -> None:
    dice = Random(seed)  # noqa: S311
    before, after = steps(dice, 14), steps(dice, 14)
    spared, struck = Twin(policy), Twin(policy)
    for twin in (spared, struck):
        for step in before:
            twin.does(step)
    taken = backup(struck.world)
    for twin in (spared, struck):
        for step in after:
            twin.does(step)
    restore(struck.world, taken)
    for twin in (spared, struck):
        twin.does(("run", "", True))
    lost = {number for kind, number, _ in after if kind == "person"}
    assert struck.content(lost) == spared.content(lost)
