"""Records that have vanished from the external system: archived or cancelled once, brought back when they return."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import ConfigurationError, OdooTransientError
from odoo_pipelines.odoo.vanished import Vanishing, require_possible
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER
from odoo_pipelines.systems.policies import UnlockPolicy, VanishedPolicy
from odoo_pipelines.systems.records import FieldChange, Outcome, RowOutcome
from odoo_pipelines.systems.targets import Target
from odoo_pipelines_tests.engine.fakes import Fault, KilledError
from odoo_pipelines_tests.engine.sales import INTEGRATION, World, booking, guest, room

REPORT, ARCHIVE, CANCEL = VanishedPolicy.REPORT, VanishedPolicy.ARCHIVE, VanishedPolicy.CANCEL


def vanishing(
    world: World, target: Target, policy: VanishedPolicy, *, unlock: UnlockPolicy = UnlockPolicy.NEVER
) -> Vanishing:
    world.odoo.calls.clear()
    world.state.outcomes.clear()
    return Vanishing(
        integration=INTEGRATION,
        target=target,
        policy=policy,
        odoo=world.odoo,
        state=world.state,
        schemas=world.odoo.schema,
        unlock=unlock,
        still_writer=world.still_writer,
        sleep=world.slept.append,
    )


def archive(world: World, *ids: str) -> int:
    return vanishing(world, PARTNER, ARCHIVE).gone("guest", ids, news=set(ids))


def cancel(world: World, *ids: str, unlock: UnlockPolicy = UnlockPolicy.NEVER, news: set[str] | None = None) -> int:
    return vanishing(world, SALE_ORDER, CANCEL, unlock=unlock).gone(
        "booking", ids, news=set(ids) if news is None else news
    )


def with_guests(*ids: str) -> World:
    world = World()
    world.guests(*(guest(each) for each in ids))
    return world


def with_order(state: str, **values: Any) -> World:
    world = World().with_guest_and_room()
    world.orders(booking("b1", state=state, lines=[room("l1")], **values))
    return world


def active(world: World) -> dict[str, bool]:
    return {
        row[SYNC_KEY_FIELD]: row["active"] for row in world.odoo.rows("res.partner") if row[SYNC_KEY_FIELD] != "office"
    }


def told(world: World) -> list[tuple[str, Outcome, str, int]]:
    return [(each.external_id, each.outcome, each.code, each.weight) for each in world.state.outcomes]


class TestReport:
    def test_nothing_is_asked_of_odoo(self) -> None:
        world = with_guests("g1")
        vanished = vanishing(world, PARTNER, REPORT)
        assert (vanished.gone("guest", ["g1"], news={"g1"}), vanished.back("guest", ["g1"])) == (0, 0)
        assert (world.odoo.calls, world.state.outcomes) == ([], [])


class TestArchive:
    def test_the_records_are_archived_in_one_call_and_no_others(self) -> None:
        world = with_guests("g1", "g2", "g3")
        assert archive(world, "g1", "g2") == 0
        assert active(world) == {"hotel.guest.g1": False, "hotel.guest.g2": False, "hotel.guest.g3": True}
        assert [call.method for call in world.odoo.writes()] == ["action_archive"]

    def test_the_history_tells_it_with_no_weight_and_ends_conflicts_of_the_record(self) -> None:
        world = with_guests("g1")
        archive(world, "g1")
        assert world.state.outcomes == [
            RowOutcome(
                "guest",
                "g1",
                Outcome.UPDATED,
                weight=0,
                code="vanished_archived",
                compared=True,
                changes=(FieldChange("active", before=True, after=False, policy="archive"),),
            )
        ]
        assert world.state.counts[-1].extracted == sum(world.state.counts[-1].by_outcome.values()) == 0

    def test_a_second_time_does_nothing(self) -> None:
        world = with_guests("g1")
        archive(world, "g1")
        assert archive(world, "g1") == 0
        assert (world.odoo.writes(), world.state.outcomes) == ([], [])

    def test_a_record_that_is_no_more_in_odoo_or_anothers_there_is_left_alone(self) -> None:
        world = with_guests("g1", "g2")
        first, second = (world.state.kept["guest", each].odoo_id for each in ("g1", "g2"))
        del world.odoo.tables["res.partner"][first]
        world.odoo.write("res.partner", [second], {SYNC_KEY_FIELD: "hotel.guest.other"})
        assert archive(world, "g1", "g2", "unknown") == 0
        assert world.odoo.writes() == []

    def test_what_odoo_refuses_is_a_conflict_and_the_others_go_on(self) -> None:
        world = with_guests("g1", "g2")
        world.odoo.refuse = lambda _, row: "a user has it" if row["name"] == "Guest g1" and not row["active"] else ""
        assert archive(world, "g1", "g2") == 1
        assert told(world) == [
            ("g1", Outcome.CONFLICT, "refused_by_odoo", 0),
            ("g2", Outcome.UPDATED, "vanished_archived", 0),
        ]
        [conflict] = world.state.outcomes[0].conflicts
        assert (conflict.field, conflict.code, "a user has it" in conflict.reason) == ("*", "refused_by_odoo", True)

    def test_a_lost_answer_is_looked_up(self) -> None:
        world = with_guests("g1")
        vanished = vanishing(world, PARTNER, ARCHIVE)
        world.odoo.after.append(Fault("action_archive", OdooTransientError("lost")))
        assert vanished.gone("guest", ["g1"], news={"g1"}) == 0
        assert len(world.odoo.writes()) == 1
        assert told(world) == [("g1", Outcome.UPDATED, "vanished_archived", 0)]

    def test_a_run_that_dies_after_archiving_is_repeated_without_harm(self) -> None:
        world = with_guests("g1", "g2")
        world.odoo.after.append(Fault("action_archive", KilledError()))
        with pytest.raises(KilledError):
            archive(world, "g1", "g2")
        assert archive(world, "g1", "g2") == 0
        assert set(active(world).values()) == {False}
        assert world.odoo.writes() == []

    def test_who_may_not_write_any_more_does_not(self) -> None:
        world = with_guests("g1")

        def lost() -> None:
            raise KilledError

        world.still_writer = lost
        with pytest.raises(KilledError):
            archive(world, "g1")
        assert active(world) == {"hotel.guest.g1": True}


class TestBack:
    def test_what_was_archived_is_active_again(self) -> None:
        world = with_guests("g1", "g2")
        archive(world, "g1")
        assert vanishing(world, PARTNER, ARCHIVE).back("guest", ["g1", "g2"]) == 0
        assert active(world) == {"hotel.guest.g1": True, "hotel.guest.g2": True}
        assert told(world) == [("g1", Outcome.UPDATED, "reappeared_unarchived", 0)]

    def test_a_cancelled_order_gets_its_state_from_its_row(self) -> None:
        world = with_order("sale")
        cancel(world, "b1")
        assert vanishing(world, SALE_ORDER, CANCEL).back("booking", ["b1"]) == 0
        assert world.odoo.writes() == []
        world.orders(booking("b1", state="sale", lines=[room("l1")]))
        assert world.order()["state"] == "sale"


class TestCancel:
    @pytest.mark.parametrize("state", ["draft", "sale"])
    def test_an_order_is_cancelled_by_odoos_action(self, state: str) -> None:
        world = with_order(state)
        assert cancel(world, "b1") == 0
        assert (world.order()["state"], [call.method for call in world.odoo.writes()]) == ("cancel", ["action_cancel"])
        assert world.state.outcomes[0].changes == (FieldChange("state", state, "cancel", "cancel"),)
        assert told(world) == [("b1", Outcome.UPDATED, "vanished_cancelled", 0)]

    def test_one_that_is_cancelled_already_is_left_alone(self) -> None:
        world = with_order("cancel")
        assert cancel(world, "b1") == 0
        assert (world.odoo.writes(), world.state.outcomes) == ([], [])

    def test_a_locked_order_is_a_conflict_and_is_not_touched(self) -> None:
        world = with_order("locked")
        assert cancel(world, "b1") == 1
        assert (world.odoo.writes(), told(world)) == ([], [("b1", Outcome.CONFLICT, "frozen", 0)])
        assert "unlock_orders is 'never'" in world.state.outcomes[0].conflicts[0].reason

    def test_unless_the_integration_unlocks_orders(self) -> None:
        world = with_order("locked")
        assert cancel(world, "b1", unlock=UnlockPolicy.ALWAYS) == 0
        assert (world.order()["state"], world.order()["locked"]) == ("cancel", False)

    @pytest.mark.parametrize("state", ["sale", "locked"])
    def test_an_invoiced_order_is_a_conflict_and_is_never_touched(self, state: str) -> None:
        world = with_order(state)
        [line] = world.odoo.rows("sale.order.line")
        world.odoo.tables["sale.order.line"][line["id"]]["qty_invoiced"] = 1.0
        assert cancel(world, "b1", unlock=UnlockPolicy.ALWAYS) == 1
        assert (world.odoo.writes(), told(world)) == ([], [("b1", Outcome.CONFLICT, "invoiced", 0)])

    def test_a_conflict_is_told_once_and_not_with_every_run(self) -> None:
        world = with_order("locked")
        assert cancel(world, "b1", news=set()) == 1
        assert world.state.outcomes == []

    def test_unless_somebody_has_asked_to_try_again(self) -> None:
        world = with_order("locked")
        world.state.answers = {("booking", "b1"): []}
        assert cancel(world, "b1", news=set()) == 1
        assert told(world) == [("b1", Outcome.CONFLICT, "frozen", 0)]

    def test_an_order_that_was_unlocked_meanwhile_is_cancelled(self) -> None:
        world = with_order("locked")
        cancel(world, "b1")
        world.odoo.call("sale.order", "action_unlock", [world.order()["id"]])
        assert cancel(world, "b1", news=set()) == 0
        assert world.order()["state"] == "cancel"


class TestPossible:
    @pytest.mark.parametrize(
        ("policy", "target"), [(REPORT, SALE_ORDER), (ARCHIVE, PARTNER), (ARCHIVE, PRODUCT), (CANCEL, SALE_ORDER)]
    )
    def test_what_the_model_allows_is_allowed(self, policy: VanishedPolicy, target: Target) -> None:
        require_possible(policy, "a-flow", target, World().odoo.schema)

    @pytest.mark.parametrize(("policy", "target"), [(ARCHIVE, SALE_ORDER), (CANCEL, PARTNER)])
    def test_what_it_does_not_is_said_with_the_setting_to_change(self, policy: VanishedPolicy, target: Target) -> None:
        with pytest.raises(ConfigurationError, match=r"set `flows\.a-flow\.vanished` to another policy"):
            require_possible(policy, "a-flow", target, World().odoo.schema)
