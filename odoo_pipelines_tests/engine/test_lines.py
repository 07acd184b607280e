from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.engine.base import Agreement, Base, Kept
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.lines import LineChanges, LineMerger, MergedLines
from odoo_pipelines.engine.merge import Arbiter, FieldMerger, Times, server_names
from odoo_pipelines.engine.rows import ResolvedLine
from odoo_pipelines.systems.pms.targets import SALE_ORDER
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines_tests.engine.sales import INTEGRATION, SCHEMAS

assert SALE_ORDER.lines
LINES = SCHEMAS["sale.order.line"]
FIELDS = FieldMerger(LINES, server_names(LINES, SALE_ORDER.lines.fields, only_on_create=True))
MERGER = LineMerger(SALE_ORDER.lines, FIELDS, INTEGRATION)
NOON, EARLIER, LATER = "2026-05-01 12:00:00", datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 15, tzinfo=UTC)
RECORD_WRITTEN = "2026-05-01 11:00:00"
NAME = "order_line[hotel.booking_room.b.1]"


def external(number: int, **values: Any) -> ResolvedLine:
    key = f"{INTEGRATION}.booking_room.b.{number}"
    given = {"product_uom_qty": 2.0, "price_unit": 80.0, "technical_price_unit": -1.0, SYNC_KEY_FIELD: key} | values
    return ResolvedLine(key, given)


def in_odoo(number: int, **values: Any) -> dict[str, Any]:
    return external(number).values | {"id": number, "write_date": NOON, "technical_price_unit": 80.0} | values


def agreed(*lines: ResolvedLine) -> Base:
    return Base(Agreement(lines={line.key: line.values for line in lines}))


def arbiter(base: Base | None = None, policy: Policy = Policy.LATEST_WINS, at: datetime = LATER) -> Arbiter:
    return Arbiter(FlowPolicies(policy), base or agreed(external(1), external(2)), Times(at, RECORD_WRITTEN))


def merge(lines: list[ResolvedLine], odoo: list[dict[str, Any]], decides: Arbiter | None = None) -> MergedLines:
    return MERGER.merge(lines, odoo, decides or arbiter())


def changes(lines: list[ResolvedLine], odoo: list[dict[str, Any]], *, keep: bool) -> LineChanges:
    return MERGER.changes(merge(lines, odoo), keep=keep)


@pytest.mark.parametrize("keep", [True, False])
def test_equal_lines_need_nothing(*, keep: bool) -> None:
    assert not changes([external(1)], [in_odoo(1)], keep=keep)


def test_a_new_quantity_takes_the_discount_along_that_odoo_would_reset() -> None:
    line = external(1, product_uom_qty=3.0, discount=0.0)
    [(_, values)] = changes([line], [in_odoo(1, discount=0.0)], keep=True).updated
    assert values == {"product_uom_qty": 3.0, "price_unit": 80.0, "technical_price_unit": -1.0, "discount": 0.0}


def test_a_discount_that_a_person_gave_is_kept_and_goes_along_too() -> None:
    base = agreed(external(1, discount=0.0))
    line = external(1, product_uom_qty=3.0, discount=0.0)
    merged = merge([line], [in_odoo(1, discount=10.0)], arbiter(base))
    assert [(values["product_uom_qty"], values["discount"]) for _, values in merged.updated] == [(3.0, 10.0)]


def test_a_new_line_is_created() -> None:
    assert changes([external(3)], [], keep=True) == LineChanges(created=(external(3),))


def test_a_changed_quantity_takes_the_price_along() -> None:
    changed = changes([external(1, product_uom_qty=3.0)], [in_odoo(1)], keep=True)

    assert changed.updated == ((1, {"product_uom_qty": 3.0, "price_unit": 80.0, "technical_price_unit": -1.0}),)


def test_a_price_that_somebody_has_changed_in_odoo_goes_along_with_a_new_quantity() -> None:
    decides = arbiter()
    merged = merge([external(1, product_uom_qty=3.0)], [in_odoo(1, price_unit=95.0)], decides)

    assert merged.updated == [(1, {"product_uom_qty": 3.0, "price_unit": 95.0, "technical_price_unit": -1.0})]
    assert decides.kept == {f"{NAME}.price_unit": Kept(80.0, 95.0, NOON)}
    assert merged.agreed[external(1).key]["product_uom_qty"] == 3.0
    assert merged.agreed[external(1).key]["price_unit"] == 80.0


def test_a_changed_description_goes_alone() -> None:
    assert changes([external(1, name="b")], [in_odoo(1, name=False)], keep=True).updated == ((1, {"name": "b"}),)


def test_a_vanished_line_is_deleted_where_it_may_be() -> None:
    assert changes([], [in_odoo(1)], keep=False) == LineChanges(deleted=(1,))


def test_a_vanished_line_that_must_stay_is_emptied_once_and_keeps_its_price() -> None:
    emptied = {"product_uom_qty": 0.0, "price_unit": 80.0, "technical_price_unit": 80.0}

    assert changes([], [in_odoo(1)], keep=True) == LineChanges(updated=((1, emptied),))
    assert not changes([], [in_odoo(1, product_uom_qty=0.0)], keep=True)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("key", [False, "", "hotel2.booking_room.b.1", "hote.booking_room.b.1"])
def test_lines_of_people_and_of_other_integrations_are_left_alone(key: str | bool, *, keep: bool) -> None:
    assert not changes([], [in_odoo(1, **{SYNC_KEY_FIELD: key})], keep=keep)


@pytest.mark.parametrize(("written", "name"), [("2026-05-01 14:59:59", "ours"), ("2026-05-01 15:00:01", "theirs")])
def test_of_two_edits_of_a_line_the_later_one_counts_by_the_lines_own_time(written: str, name: str) -> None:
    decides = arbiter(agreed(external(1, name="before")))
    merged = merge([external(1, name="ours")], [in_odoo(1, name="theirs", write_date=written)], decides)

    assert merged.updated == ([(1, {"name": "ours"})] if name == "ours" else [])


def test_a_line_that_somebody_has_deleted_in_odoo_stays_deleted_while_the_source_does_not_change_it() -> None:
    decides = arbiter()
    merged = merge([external(1)], [], decides)

    assert not merged
    assert decides.kept == {NAME: Kept(external(1).values, None, RECORD_WRITTEN)}
    assert merged.agreed == {external(1).key: external(1).values}


@pytest.mark.parametrize(("at", "created"), [(LATER, True), (EARLIER, False)])
def test_a_line_deleted_in_odoo_and_changed_in_the_source_goes_by_time(at: datetime, *, created: bool) -> None:
    changed = external(1, product_uom_qty=3.0)

    assert merge([changed], [], arbiter(at=at)).created == ([changed] if created else [])


def test_a_line_deleted_in_odoo_comes_back_where_the_external_side_wins() -> None:
    assert merge([external(1)], [], arbiter(policy=Policy.EXTERNAL_WINS)).created == [external(1)]


@pytest.mark.parametrize(("at", "vanishes"), [(LATER, True), (EARLIER, False)])
def test_a_vanished_line_that_somebody_has_changed_in_odoo_goes_by_time(at: datetime, *, vanishes: bool) -> None:
    edited = in_odoo(1, price_unit=95.0)
    merged = merge([], [edited], arbiter(at=at))

    assert merged.vanished == ([edited] if vanishes else [])
    assert (external(1).key in merged.agreed) is not vanishes


def test_lines_in_conflict_wait_for_a_human() -> None:
    decides = arbiter(policy=Policy.MANUAL)
    merged = merge([external(2, product_uom_qty=3.0)], [in_odoo(1, price_unit=95.0)], decides)

    assert not merged
    assert {each.field: (each.external is None, each.odoo is None) for each in decides.conflicts} == {
        NAME: (True, False),
        NAME.replace("b.1", "b.2"): (False, True),
    }
    assert merged.agreed == {external(1).key: external(1).values, external(2).key: external(2).values}
