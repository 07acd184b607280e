"""Several chunks at a time: threads meet at barriers, so nothing depends on who is faster."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from odoo_pipelines.errors import OdooAccessError
from odoo_pipelines_tests.engine.fakes import Call
from odoo_pipelines_tests.engine.sales import World, guest

WAIT = 30.0


def test_as_many_chunks_go_out_together_as_allowed() -> None:
    world, together = World(), threading.Barrier(3, timeout=WAIT)

    def meet(call: Call) -> None:
        if call.method == "load":
            together.wait()

    world.odoo.before.append(meet)
    world.guests(*(guest(str(number)) for number in range(6)), chunk_size=1, in_flight=3)

    assert len(world.state.kept) == 6


class Overlaps:
    """Notes which loads are in flight together."""

    def __init__(self) -> None:
        self.most = 0
        self.shared: list[str] = []
        self._in_flight: Counter[str] = Counter()
        self._calls = 0
        self._lock = threading.Lock()

    def enter(self, call: Call) -> None:
        with self._lock:
            self._calls += call.writes
            self._in_flight.update(_records(call))
            self.most = max(self.most, self._calls)
            self.shared += [key for key, count in self._in_flight.items() if count > 1]

    def leave(self, call: Call) -> None:
        with self._lock:
            self._calls -= call.writes
            self._in_flight.subtract(_records(call))


def _records(call: Call) -> list[str]:
    if call.method == "load":
        return [cells["id"] for cells in call.sent]
    return [f"{call.model},{row_id}" for row_id in call.ids if call.writes]


@pytest.mark.parametrize("in_flight", [1, 2, 4])
def test_no_two_chunks_in_flight_share_a_record_and_no_more_are_in_flight_than_allowed(in_flight: int) -> None:
    world, overlaps = World(), Overlaps()
    world.odoo.before.append(overlaps.enter)
    world.odoo.after.append(overlaps.leave)
    rows = [guest(f"g{number % 5}", at, city=f"c{at}") for at in range(12) for number in range(7)]

    world.guests(*rows, chunk_size=3, in_flight=in_flight)

    assert overlaps.shared == []
    assert overlaps.most <= in_flight
    assert {row["city"] for row in world.odoo.rows("res.partner")} == {False, "c11"}


def test_a_chunk_waits_for_the_one_that_holds_an_earlier_version() -> None:
    world, order = World(), list[str]()
    other_chunk_is_done = threading.Event()

    def hold(call: Call) -> None:
        if call.method != "load":
            return
        keys = [cells["x_sync_key"] for cells in call.sent]
        if keys == ["hotel.guest.slow"]:
            assert other_chunk_is_done.wait(WAIT)

    def note(call: Call) -> None:
        if call.writes:
            order.append(call.sent[0]["x_sync_key"] if call.method == "load" else str(call.sent["city"]))
        if order == ["hotel.guest.fast"]:
            other_chunk_is_done.set()

    world.odoo.before.append(hold)
    world.odoo.after.append(note)
    rows = [guest("slow", 1), guest("fast", 1), guest("slow", 2, city="Wien")]
    world.guests(*rows, chunk_size=1, in_flight=2)

    assert order == ["hotel.guest.fast", "hotel.guest.slow", "Wien"]


def test_two_chunks_whose_rows_could_adopt_one_record_both_leave_it_alone() -> None:
    world, together = World(), threading.Barrier(2, timeout=WAIT)
    known = world.odoo.seed("res.partner", name="Ann Lee", email="g@example.com")

    def meet(call: Call) -> None:
        if call.method == "search_read" and ("x_sync_key", "=", False) in call.sent:
            together.wait()

    world.odoo.after.append(meet)
    world.guests(*(guest(each, name="Ann Lee", email="g@example.com") for each in "ab"), chunk_size=1, in_flight=2)

    assert known not in {record.odoo_id for record in world.state.kept.values()}
    assert len(world.odoo.rows("res.partner")) == 4
    assert [[each.code for each in row.duplicates] for row in world.state.outcomes] == [["claimed"], ["claimed"]]


def test_when_one_chunk_fails_the_commits_of_the_others_in_flight_stand() -> None:
    world, together = World(), threading.Barrier(2, timeout=WAIT)

    def meet(call: Call) -> None:
        if call.method == "load":
            together.wait()
            if call.sent[0]["x_sync_key"] == "hotel.guest.a":
                raise OdooAccessError("no right")

    world.odoo.before.append(meet)
    with pytest.raises(OdooAccessError):
        world.guests(*(guest(name) for name in "ab"), chunk_size=1, in_flight=2)

    assert set(world.state.kept) == {("guest", "b")}
