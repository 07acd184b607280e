"""What is left of the rooms, held against a count that walks from night to night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.availability import Day, Horizon, Resource
from odoo_pipelines.systems.pms.availability import availability_message, count_nights, room_lines, room_types

TODAY = date(2026, 3, 1)
WEEK = Horizon(TODAY, 7)
SINGLE, DOUBLE = Resource("rt_1", (11,), 3), Resource("rt_2", (12, 13), 10)
CHECK_IN, CHECK_OUT = "order_id.x_check_in_date", "order_id.x_check_out_date"

days = st.integers(-12, 20).map(lambda number: (TODAY + timedelta(days=number)).isoformat())
quantities = st.integers(0, 40).map(float) | st.floats(-5, 40).map(lambda quantity: round(quantity, 2))


def line(check_in: Any, check_out: Any, quantity: float = 1, product: int = 11, order: int = 1) -> dict[str, Any]:
    """A line of an order, as it is read."""
    dates = {CHECK_IN: check_in, CHECK_OUT: check_out}
    return {"id": 1, "order_id": order, "product_id": product, "product_uom_qty": quantity, **dates}


def taken(lines: Sequence[dict[str, Any]], horizon: Horizon = WEEK) -> list[int]:
    """The rooms of one type that are sold, night by night."""
    return [day.taken for day in count_nights([SINGLE], lines, horizon).days]


def night_by_night(resource: Resource, lines: Sequence[dict[str, Any]], horizon: Horizon) -> list[int]:
    """The same, slowly."""
    nights = [horizon.first + timedelta(days=number) for number in range(horizon.days)]
    return [
        sum(_rooms_in(night, each) for each in lines if each["product_id"] in resource.odoo_ids) for night in nights
    ]


def _rooms_in(night: date, stay: dict[str, Any]) -> int:
    if not stay[CHECK_IN] or not stay[CHECK_OUT] or not stay[CHECK_IN] <= night.isoformat() < stay[CHECK_OUT]:
        return 0
    length = (date.fromisoformat(stay[CHECK_OUT]) - date.fromisoformat(stay[CHECK_IN])).days
    quantity: float = stay["product_uom_qty"]
    return max(ceil(quantity / length), 0)


@given(
    stays=st.lists(
        st.builds(line, days | st.just(False), days | st.just(False), quantities, st.sampled_from([11, 12, 13]))
    )
)
def test_the_sum_is_that_of_a_walk_from_night_to_night(stays: list[dict[str, Any]]) -> None:
    counted = count_nights([SINGLE, DOUBLE], iter(stays), WEEK)
    by_type = {
        each.external_id: [day for day in counted.days if day.resource == each.external_id] for each in (SINGLE, DOUBLE)
    }
    for resource in (SINGLE, DOUBLE):
        nights = by_type[resource.external_id]
        assert [night.taken for night in nights] == night_by_night(resource, stays, WEEK)
        assert [night.date for night in nights] == [TODAY + timedelta(days=number) for number in range(7)]
        assert all(night.available == max(resource.capacity - night.taken, 0) for night in nights)
    assert counted.lines == len(stays)


def test_the_night_of_departure_is_free_again() -> None:
    assert taken([line("2026-03-02", "2026-03-04", quantity=2)]) == [0, 1, 1, 0, 0, 0, 0]


def test_stays_that_reach_over_both_ends_of_the_horizon_take_what_lies_in_it() -> None:
    assert taken([line("2026-02-20", "2026-03-03", 11), line("2026-03-06", "2026-04-06", 31)]) == [1, 1, 0, 0, 0, 1, 1]


def test_several_rooms_of_one_line_are_its_quantity_by_its_nights() -> None:
    assert taken([line("2026-03-01", "2026-03-04", quantity=6)])[:4] == [2, 2, 2, 0]


@pytest.mark.parametrize(("quantity", "rooms"), [(2.5, 1), (3.01, 2), (0.01, 1), (0, 0), (-3, 0)])
def test_a_quantity_that_a_person_has_changed_takes_whole_rooms(quantity: float, rooms: int) -> None:
    assert taken([line("2026-03-01", "2026-03-04", quantity)])[0] == rooms


def test_day_use_takes_no_night() -> None:
    assert taken([line("2026-03-02", "2026-03-02")]) == [0] * 7


@pytest.mark.parametrize(
    "dates", [(False, "2026-03-04"), ("2026-03-01", False), (False, False), ("2026-03-04", "2026-03-02")]
)
def test_orders_that_do_not_say_when_are_counted_once_each_and_take_nothing(dates: tuple[Any, Any]) -> None:
    counted = count_nights([SINGLE], [line(*dates, order=7), line(*dates, order=7), line(*dates, order=8)], WEEK)
    assert (counted.undated, {day.taken for day in counted.days}) == (2, {0})


def test_more_rooms_than_there_are_leave_none_and_are_told_as_overbooked() -> None:
    counted = count_nights([SINGLE], [line("2026-03-01", "2026-03-02", quantity=4)], WEEK)
    assert [(day.available, day.overbooked) for day in counted.days[:2]] == [(0, True), (3, False)]


def test_products_of_one_room_type_share_its_rooms() -> None:
    stays = [line("2026-03-01", "2026-03-02", product=12), line("2026-03-01", "2026-03-02", product=13)]
    assert count_nights([DOUBLE], stays, WEEK).days[0].taken == 2


def test_only_lines_of_confirmed_orders_within_the_horizon_are_asked_for() -> None:
    domain = room_lines([11, 12], WEEK)
    assert domain[:2] == [("product_id", "in", [11, 12]), ("order_id.state", "in", ["sale", "done"])]
    assert (CHECK_IN, "<", "2026-03-08") in domain
    assert (CHECK_OUT, ">", "2026-03-01") in domain


class TestRoomTypes:
    """Which room types are told of."""

    def test_those_with_a_number_of_rooms(self) -> None:
        found = room_types([("b", product(2, 5)), ("a", product(1, 4))], ())
        assert found.told == (Resource("a", (1,), 4), Resource("b", (2,), 5))

    @pytest.mark.parametrize("count", [0, False, -2])
    def test_without_a_number_the_numbers_of_the_pms_stay(self, count: Any) -> None:
        found = room_types([("a", product(1, count))], ())
        assert (found.told, found.without_capacity) == ((), ("a",))

    @pytest.mark.parametrize("emptied", [{"count": 0}, {"count": 5, "active": False}])
    def test_what_was_told_of_rooms_that_are_not_sold_any_more_does_not_stay(self, emptied: dict[str, Any]) -> None:
        found = room_types([("a", product(1, **emptied))], {"a"})
        assert (found.told, found.emptied) == ((Resource("a", (1,), 0),), ("a",))

    def test_one_that_is_gone_is_named_and_not_told_of(self) -> None:
        found = room_types([], {"a"})
        assert (found.told, found.gone) == ((), ("a",))

    def test_one_that_the_pms_has_no_id_for_cannot_be_told_of(self) -> None:
        found = room_types([("name:Suite", product(1, 5))], ())
        assert (found.told, found.unnamed) == ((), ("name:Suite",))

    def test_two_products_of_one_have_the_larger_number_of_rooms(self) -> None:
        found = room_types([("a", product(1, 5)), ("a", product(2, 3))], ())
        assert found.told == (Resource("a", (1, 2), 5),)


def product(odoo_id: int, count: Any, *, active: bool = True) -> dict[str, Any]:
    """A product, as it is read."""
    return {"id": odoo_id, "x_room_count": count, "active": active}


class TestMessage:
    def test_a_number_is_put_at_its_room_type(self) -> None:
        message = availability_message(Day("rt_1", TODAY, capacity=3, taken=1))
        assert (message.key, message.collection, message.segments) == (
            "rt_1/2026-03-01",
            "/room-types",
            ("rt_1", "availability"),
        )
        assert message.body == {"date": "2026-03-01", "available": 2}

    @pytest.mark.parametrize("room_type", ["", ".", ".."])
    def test_an_id_that_no_url_can_carry_is_refused(self, room_type: str) -> None:
        with pytest.raises(RowRejectedError):
            availability_message(Day(room_type, TODAY, 3, 1))
