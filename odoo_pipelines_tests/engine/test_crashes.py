"""A run that is killed at any instruction and started again leaves Odoo as if it had run once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import OdooConflictError, OdooTransientError
from odoo_pipelines.odoo.retries import ATTEMPTS
from odoo_pipelines_tests.engine.fakes import Call, KilledError, Row
from odoo_pipelines_tests.engine.sales import World, booking, guest, product, room

Moment = Literal["before", "after"]
WALK_IN = "walk-in@example.com"


def history() -> World:
    """What earlier runs have left: contacts, and an order in every state."""
    world = World()
    world.guests(guest("g1"), guest("g2"), guest("g3"), guest("g4", city="Graz"))
    world.products(product("double"), product("single"))
    states = {"draft": "draft", "sale": "sale", "locked": "locked", "cancel": "cancel"}
    world.orders(
        *(booking(name, state=state, lines=[room("1"), room("2"), room("3")]) for name, state in states.items())
    )
    world.odoo.seed("res.partner", name="g6, Guest", email=WALK_IN)
    return world


def news(world: World, *, verify: bool = False, resumed: bool = False) -> None:
    """A run that creates, adopts, changes, empties, deletes and moves; resumed after another did not get to its end."""
    options = {"verify": verify, "resumed": resumed}
    world.guests(
        guest("g1", 2, city="Wien"),
        guest("g2", 2, city="Wien"),
        guest("g3", 2, city="Linz"),
        guest("g4", 2, city="Graz", zip="8010"),
        guest("g5", 2),
        guest("g6", 2, email=WALK_IN),
        guest("g6", 3, email=WALK_IN, city="Bregenz"),
        **options,
    )
    world.products(product("double", 2, list_price=70.0), product("suite", 2, only_create=True), **options)
    fewer = [room("1", quantity=5), room("2"), room("4", room_type="suite")]
    world.orders(
        *(booking(name, 2, state=name, lines=fewer, client_order_ref="R") for name in ("draft", "sale", "locked")),
        booking("cancel", 2, state="sale", lines=fewer, partner_id="g5"),
        booking("new", 2, state="locked", lines=[room("1"), room("2", room_type="single")], partner_id="g6"),
        booking("new2", 2, state="cancel", lines=[room("1")]),
        booking("sale", 3, state="locked", lines=fewer[1:], client_order_ref="R"),
        booking("draft", 3, state="sale", lines=fewer[:1], client_order_ref="R"),
        **options,
    )


@dataclass
class Countdown:
    """Kills the process at one of the effects that it counts."""

    left: int
    error: BaseException

    def __call__(self, _: object = None) -> None:
        self.left -= 1
        if self.left < 0:
            self.left = 10**9
            raise self.error


def undisturbed() -> tuple[dict[str, list[Row]], list[Call], int]:
    """Odoo's content after the news, and the calls and the number of commits that they took."""
    world, calls = history(), list[Call]()
    commits = len(world.state.counts)
    world.odoo.before.append(calls.append)
    news(world)
    return world.odoo.content(), calls, len(world.state.counts) - commits


CONTENT, CALLS, COMMITS = undisturbed()
WRITES = [call for call in CALLS if call.writes]


def assert_as_if_nothing_had_happened(world: World) -> None:
    assert world.odoo.content() == CONTENT
    for model in ("res.partner", "product.product", "sale.order", "sale.order.line"):
        keys = Counter(row[SYNC_KEY_FIELD] for row in world.odoo.rows(model))
        assert set(keys.values()) == {1}, f"{model}: {keys.most_common(3)}"
    bound = {(each.model, each.odoo_id) for each in world.state.kept.values()}
    assert len(bound) == len(world.state.kept)


def assert_a_further_full_sync_writes_nothing(world: World) -> None:
    calls: list[Call] = []
    world.odoo.before.append(calls.append)
    news(world, verify=True)
    assert [call for call in calls if call.writes] == []
    assert {call.model for call in calls} >= {"res.partner", "sale.order", "sale.order.line"}


def test_the_matrix_reaches_every_kind_of_call() -> None:
    seen = {(call.model, call.method) for call in CALLS}

    assert {
        ("res.partner", "load"),
        ("res.partner", "write"),
        ("res.partner", "web_save_multi"),
        ("sale.order", "load"),
        ("sale.order", "write"),
        ("sale.order", "action_confirm"),
        ("sale.order", "action_cancel"),
        ("sale.order", "action_draft"),
        ("sale.order", "action_lock"),
        ("sale.order", "action_unlock"),
        ("sale.order.line", "load"),
        ("sale.order.line", "write"),
        ("sale.order.line", "unlink"),
    } <= seen


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", range(len(CALLS)))
def test_a_run_killed_at_any_call_and_started_again_ends_as_if_it_had_run_once(call: int, when: Moment) -> None:
    world = history()
    hooks: list[Callable[[Call], None]] = getattr(world.odoo, when)
    hooks.append(Countdown(call, KilledError()))
    with pytest.raises(KilledError):
        news(world)

    news(world, resumed=True)

    assert_as_if_nothing_had_happened(world)
    assert_a_further_full_sync_writes_nothing(world)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", range(COMMITS))
def test_a_run_killed_around_any_commit_of_the_state_loses_nothing(commit: int, when: Moment) -> None:
    world = history()
    hooks: list[Callable[[], None]] = getattr(world.state, when)
    hooks.append(Countdown(commit, KilledError()))
    with pytest.raises(KilledError):
        news(world)

    news(world, resumed=True)

    assert_as_if_nothing_had_happened(world)


@pytest.mark.parametrize("call", range(len(WRITES)))
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_lost_at_any_writing_call_changes_nothing_about_the_end(call: int, when: Moment) -> None:
    world = history()
    lost = Countdown(call, OdooTransientError("no answer"))
    getattr(world.odoo, when).append(lambda each: lost() if each.writes else None)

    news(world)

    assert_as_if_nothing_had_happened(world)
    assert_a_further_full_sync_writes_nothing(world)


@pytest.mark.parametrize("call", range(len(WRITES)))
def test_a_concurrent_update_met_at_any_writing_call_changes_nothing_about_the_end(call: int) -> None:
    world = history()
    conflict = Countdown(call, OdooConflictError("rolled back"))
    world.odoo.before.append(lambda each: conflict() if each.writes else None)

    news(world)

    assert_as_if_nothing_had_happened(world)


@pytest.mark.parametrize("call", range(0, len(WRITES), 2))
def test_an_outage_stops_the_run_and_the_next_one_finishes_it(call: int) -> None:
    world, writes = history(), itertools.count()

    def outage(each: Call) -> None:
        if each.writes and call <= next(writes) < call + ATTEMPTS:
            raise OdooTransientError("no answer")

    world.odoo.before.append(outage)
    with pytest.raises(OdooTransientError):
        news(world)

    news(world, resumed=True)

    assert_as_if_nothing_had_happened(world)
