"""A dry run of the engine: it writes nothing, and says exactly what the run then does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, general_name
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.preview import Preview, previews
from odoo_pipelines.odoo.dry_run import LAST_ID, PlannedOdoo
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.payment_target import ACCOUNT_PAYMENT
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER
from odoo_pipelines.systems.records import FieldChange, Outcome, Record, RowOutcome
from odoo_pipelines.systems.targets import Target
from odoo_pipelines_tests.engine.accounts import AccountsWorld, failed, payment, refund
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.memory import MemoryState
from odoo_pipelines_tests.engine.sales import INTEGRATION, World, booking, guest, product, room

TARGETS = (PARTNER, PRODUCT, SALE_ORDER, ACCOUNT_PAYMENT)
Flow = tuple[Target, Sequence[MappedRow]]


@dataclass
class DryRun:
    """A dry run of flows over a world, on a copy of its state."""

    world: World
    shown: dict[str, list[Preview]] = field(default_factory=dict)
    outcomes: list[RowOutcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = deepcopy(self.world.state)
        self.planned_odoo = PlannedOdoo(self.world.odoo, TARGETS, "2030-01-01 00:00:00")

    def __call__(self, *flows: Flow, **options: Any) -> DryRun:
        odoo = self.world.odoo
        for target, rows in flows:
            told = Told(self.state, partial(self._tell, target))
            context = FlowContext(INTEGRATION, target, odoo.schema, told, PlanOptions(**options))
            data = ReferenceData(odoo, odoo.schema, odoo.company)
            calls = CallOptions(chunk_size=2, sleep=lambda _: None)
            model = OdooModel(context, self.planned_odoo, data, RowClaims(rows), calls=calls, dry_run=self.planned_odoo)
            loader = FlowLoader(context, model, still_writer=lambda: None, concurrency=Concurrency(ahead=0))
            loader.load(rows)
        return self

    def _tell(self, target: Target, records: Sequence[Record], outcomes: Sequence[RowOutcome]) -> None:
        found = previews(target, records, outcomes, self.planned_odoo.key_of_new)
        self.shown.setdefault(target.model, []).extend(found)
        self.outcomes.extend(outcomes)

    def changes(self, external_id: str) -> dict[str, tuple[Any, Any]]:
        """What would be written to a record, before and after, by field."""
        shown = [each for some in self.shown.values() for each in some if each.external_id == external_id]
        return {change.field: (change.before, change.after) for each in shown for change in each.changes}


@dataclass
class Told:
    """A state that tells what is committed."""

    state: MemoryState
    tell: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Any) -> None:
        self.state.commit(records, outcomes, counts)
        self.tell(records, outcomes)


def dry_run(world: World, *flows: Flow, **options: Any) -> DryRun:
    """Rehearses flows, and makes sure that nothing is written."""
    before, kept = world.odoo.content(), dict(world.state.kept)
    world.odoo.calls.clear()
    done = DryRun(world)(*flows, **options)
    assert world.odoo.writes() == []
    assert world.odoo.content() == before
    assert world.state.kept == kept
    return done


def run(world: World, *flows: Flow, **options: Any) -> list[RowOutcome]:
    """Does it; gives the outcomes of this run."""
    before = len(world.state.outcomes)
    for target, rows in flows:
        world.load(target, *rows, chunk_size=2, **options)
    return world.state.outcomes[before:]


def told(outcomes: Sequence[RowOutcome]) -> list[tuple[Any, ...]]:
    """What must be the same in both: references to records that were only planned have other ids."""
    facts = (
        (each.entity, each.external_id, each.outcome, each.weight, each.code, _known(each.changes), each.conflicts)
        for each in outcomes
    )
    return sorted(facts, key=repr)


def _known(changes: Sequence[FieldChange]) -> str:
    return repr([(each.field, _without_links(each.before), _without_links(each.after)) for each in changes])


def _without_links(value: Any) -> Any:
    return {name: each for name, each in value.items() if name != "product_id"} if isinstance(value, dict) else value


FIRST: tuple[Flow, ...] = (
    (PARTNER, [guest("g1"), guest("g2", city="Wien")]),
    (PRODUCT, [product("double"), product("single")]),
    (SALE_ORDER, [booking("b1", lines=[room("r1"), room("r2")]), booking("b2", state="locked", lines=[room("r1")])]),
)
SECOND: tuple[Flow, ...] = (
    (PARTNER, [guest("g1", 2, email="one@example.com"), guest("g2", 2, city="Graz"), guest("g3", 2)]),
    (PRODUCT, [product("double", 2, list_price=60.0)]),
    (
        SALE_ORDER,
        [
            booking("b1", 2, lines=[room("r1", 3.0), room("r3")]),
            booking("b2", 2, state="cancel", lines=[]),
            booking("b3", 2, state="draft", lines=[room("r1")]),
            booking("b4", 2, partner_id="nobody"),
        ],
    ),
)


def test_the_run_does_what_the_dry_run_said() -> None:
    world = World()
    for flows in (FIRST, SECOND):
        said = dry_run(world, *flows)
        assert told(run(world, *flows)) == told(said.outcomes)


def test_payments_find_the_orders_that_are_not_there_yet_and_are_posted() -> None:
    world = AccountsWorld()
    first: tuple[Flow, ...] = (
        (PARTNER, [guest("g1")]),
        (SALE_ORDER, [booking("b1"), booking("b2")]),
        (ACCOUNT_PAYMENT, [payment("tx-1"), refund("tx-1"), payment("tx-2", booking="unknown"), failed("tx-3")]),
    )
    second: tuple[Flow, ...] = (
        (ACCOUNT_PAYMENT, [payment("tx-1", 2, amount=90.0), failed("tx-1", 3), payment("tx-3", 2, booking="b2")]),
    )
    for flows in (first, second):
        said = dry_run(world, *flows)
        assert told(run(world, *flows)) == told(said.outcomes)

    said = dry_run(AccountsWorld(), *first)
    shown = said.changes("tx-1")
    assert shown["partner_id"] == (None, "new hotel.guest.g1")
    assert (shown["memo"], shown["state"]) == ((None, "new hotel.booking.b1 - tx-1"), (None, "posted"))


def test_on_unchanged_data_there_is_nothing_to_do() -> None:
    world = World()
    run(world, *FIRST)
    said = dry_run(world, *FIRST, verify=True)
    assert {each.outcome for each in said.outcomes} == {Outcome.UNCHANGED}
    assert not any(said.shown.values())


def test_new_records_are_shown_with_all_their_values_and_references_by_key() -> None:
    said = dry_run(World(), *FIRST)
    assert said.changes("g2")["city"] == (None, "Wien")
    order = said.changes("b2")
    assert order["partner_id"] == (None, "new hotel.guest.g1")
    assert order["state"] == (None, "locked")
    [line] = [after for name, (_, after) in order.items() if general_name(name) == "order_line"]
    assert line["product_id"] == "new hotel.room_type.double"


def test_changes_are_shown_with_what_odoo_has_now() -> None:
    world = World()
    run(world, *FIRST)
    said = dry_run(world, *SECOND)
    assert said.changes("g2") == {"city": ("Wien", "Graz")}
    assert said.changes("double") == {"list_price": (50.0, 60.0)}
    names = {general_name(name) for name in said.changes("b1")}
    assert names == {"order_line", "order_line.product_uom_qty"}


def test_a_second_version_in_the_same_run_is_compared_with_the_first_ones_plan() -> None:
    orders = [
        booking("b1", 1, state="draft", lines=[room("r1"), room("r2")]),
        booking("b1", 2, state="draft", lines=[room("r1", 5.0)]),
        booking("b1", 3, state="sale", lines=[room("r1", 5.0), room("r3")]),
        booking("b1", 4, state="sale", lines=[room("r1", 6.0), room("r3")]),
        booking("b1", 5, state="cancel", lines=[room("r1", 6.0), room("r3")]),
    ]
    flows = (*FIRST[:2], (SALE_ORDER, orders))
    world = World()
    said = dry_run(world, *flows)
    assert [each.outcome.value for each in said.outcomes[-5:]] == ["created", *["updated"] * 4]
    assert told(run(world, *flows)) == told(said.outcomes)


def test_versions_of_a_record_that_exists_are_compared_likewise() -> None:
    world = World()
    run(world, *FIRST)
    orders = [
        booking("b1", 2, lines=[room("r1", 3.0), room("r4")]),
        booking("b1", 3, lines=[room("r1", 3.0), room("r4", 9.0)], client_order_ref="x"),
        booking("b1", 4, state="draft", lines=[room("r1", 3.0)], client_order_ref="x"),
        booking("b1", 5, state="draft", lines=[room("r1", 3.0)], client_order_ref="y"),
    ]
    said = dry_run(world, (SALE_ORDER, orders))
    assert told(run(world, (SALE_ORDER, orders))) == told(said.outcomes)


def test_a_contact_that_would_be_adopted_is_nobody_elses_any_more() -> None:
    world = World()
    world.odoo.seed("res.partner", name="John", email="j@example.com", phone="123")
    world.odoo.seed("res.partner", name="Jane", phone="123")
    guests = [
        guest("a", name="John", email="j@example.com"),
        guest("b"),
        guest("c", name="Jane", phone="123"),
        guest("d", email="j@example.com", phone="456"),
    ]
    said = dry_run(world, (PARTNER, guests))
    assert [each.outcome.value for each in said.outcomes] == ["updated", "created", "updated", "created"]
    assert said.changes("a")[SYNC_KEY_FIELD] == (False, "hotel.guest.a")
    assert told(run(world, (PARTNER, guests))) == told(said.outcomes)


def test_an_adoption_at_second_hand_is_shown() -> None:
    world = World()
    world.odoo.seed("res.partner", name="John", email="j@example.com")
    said = dry_run(world, (PARTNER, [guest("a", name="John", email="j@example.com", only_create=True)]))
    assert said.changes("a") == {SYNC_KEY_FIELD: (False, "hotel.guest.a")}


def test_rows_that_cannot_be_written_are_shown_with_the_reason() -> None:
    world = World()
    for _ in range(2):
        world.odoo.seed("res.partner", name="John", **{SYNC_KEY_FIELD: "hotel.guest.a"})
    said = dry_run(world, (PARTNER, [guest("a")]), (SALE_ORDER, [booking("b")]))
    [conflict], [rejected] = said.shown["res.partner"], said.shown["sale.order"]
    assert (conflict.outcome, conflict.code) == (Outcome.CONFLICT, "ambiguous_match")
    assert (rejected.outcome, rejected.code, rejected.field) == (Outcome.REJECTED, "missing_reference", "partner_id")
    assert "guest 'g1' is not in Odoo" in rejected.reason


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("load", (["id"], [["x"]])),
        ("write", ([1], {"name": "x"})),
        ("web_save_multi", ([1], [{"name": "x"}])),
        ("unlink", ([1],)),
    ],
)
def test_no_writing_call_gets_through(method: str, arguments: tuple[Any, ...]) -> None:
    world = World()
    with pytest.raises(RuntimeError, match=f"a dry run writes nothing: res.partner.{method}"):
        getattr(PlannedOdoo(world.odoo, TARGETS, ""), method)("res.partner", *arguments)
    assert world.odoo.writes() == []


def test_no_unknown_method_gets_through() -> None:
    world = World()
    with pytest.raises(RuntimeError, match=r"a dry run writes nothing: res.partner.message_post"):
        PlannedOdoo(world.odoo, TARGETS, "").call("res.partner", "message_post", [1])
    assert world.odoo.calls == []


@pytest.mark.parametrize(
    ("model", "action", "after"),
    [
        ("res.partner", "action_archive", {"active": False}),
        ("res.partner", "action_unarchive", {"active": True}),
        ("sale.order", "action_confirm", {"state": "sale", "locked": False}),
        ("sale.order", "action_lock", {"state": "sale", "locked": True}),
        ("sale.order", "action_cancel", {"state": "cancel", "locked": False}),
    ],
)
def test_actions_take_effect_in_the_rehearsal_only(model: str, action: str, after: Mapping[str, Any]) -> None:
    world = World()
    record = world.odoo.seed(model, active=True)
    dry_run = PlannedOdoo(world.odoo, TARGETS, "2030-01-01 00:00:00")
    dry_run.call(model, action, [record])
    assert dry_run.read(model, [record], [*after]) == [{"id": record, **after}]
    assert world.odoo.writes() == []


def test_new_records_have_ids_that_no_real_one_comes_near() -> None:
    said = DryRun(World())(FIRST[0])
    assert {each.odoo_id for each in said.state.kept.values()} == {LAST_ID, LAST_ID - 1}


@pytest.mark.parametrize("state", ["draft", "sale", "locked", "cancel"])
def test_every_state_is_known_by_its_values(state: str) -> None:
    lifecycle = SALE_ORDER.lifecycle
    assert lifecycle is not None
    assert lifecycle.state_of(lifecycle.values_in[state]) == state
    assert set(lifecycle.values_in[state]) == set(lifecycle.read)
