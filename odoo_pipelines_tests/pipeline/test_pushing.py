"""Only what has changed is told, each number until it is told, and nothing is lost when a run dies in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.errors import ExternalAuthenticationError, ExternalRequestError, ExternalUnavailableError
from odoo_pipelines.pipeline.pushing import CHUNK_ROWS, IN_DOUBT, Push
from odoo_pipelines.systems.availability import Day
from odoo_pipelines.systems.outbound import Message
from odoo_pipelines.systems.pms.availability import AVAILABILITY_OUT
from odoo_pipelines.systems.records import Counts, Outcome, RowOutcome
from odoo_pipelines_tests.engine.fakes import KilledError

TODAY = date(2026, 3, 1)


@dataclass
class Pms:
    """Keeps what it is told, unless something is wrong with it.

    Attributes:
        numbers: by key.
        asked: keys, in order.
        before: what happens to a request for a key instead of being carried out.
        after: what happens to it afterwards, once.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: dict[str, BaseException] = field(default_factory=dict)
    after: dict[str, BaseException] = field(default_factory=dict)

    def put(self, message: Message) -> None:
        self.asked.append(message.key)
        if message.key in self.before:
            raise self.before[message.key]
        self.numbers[message.key] = message.body["available"]
        if message.key in self.after:
            raise self.after.pop(message.key)


@dataclass
class Memory:
    """What was told, as the state keeps it."""

    told: dict[str, str] = field(default_factory=dict)
    dies: bool = False

    def all(self) -> Mapping[str, str]:
        return dict(self.told)

    def remember(self, values: Mapping[str, str]) -> None:
        if self.dies and any(values.values()):
            raise KilledError
        self.told.update(values)

    def forget(self, keys: Collection[str]) -> None:
        for key in keys:
            del self.told[key]


@dataclass
class Hotel:
    """A PMS, and what is remembered of it."""

    pms: Pms = field(default_factory=Pms)
    memory: Memory = field(default_factory=Memory)
    outcomes: list[RowOutcome] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)

    def push(self, *days: Day, today: date = TODAY, again: bool = False) -> FlowReport:
        """One run."""
        run = Push(
            AVAILABILITY_OUT,
            self.pms.put,
            self.memory,
            self._commit,
            still_writer=lambda: None,
            today=today,
            again=again,
        )
        self.pms.asked.clear()
        self.outcomes.clear()
        return run.push(days)

    def _commit(self, outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        self.outcomes.extend(outcomes)
        self.counts.append(counts)

    def became(self) -> dict[str, Outcome]:
        """What became of each row of the last run."""
        return {each.external_id: each.outcome for each in self.outcomes}


def nights(*free: int, resource: str = "rt", first: date = TODAY) -> list[Day]:
    """Days from the first on, each with so many left."""
    return [Day(resource, first + timedelta(days=number), each, 0) for number, each in enumerate(free)]


def refused(status: int) -> ExternalRequestError:
    return ExternalRequestError("PUT http://pms was refused", status=status, reason="closed for the season")


def test_every_number_is_told_once_and_then_only_when_it_changes() -> None:
    hotel = Hotel()
    hotel.push(*nights(3, 4))
    assert hotel.became() == {"rt/2026-03-01": Outcome.CREATED, "rt/2026-03-02": Outcome.CREATED}
    hotel.push(*nights(3, 5))
    assert hotel.pms.asked == ["rt/2026-03-02"]
    assert hotel.became() == {"rt/2026-03-01": Outcome.UNCHANGED, "rt/2026-03-02": Outcome.UPDATED}
    hotel.push(*nights(3, 5))
    assert hotel.pms.asked == []
    assert hotel.pms.numbers == {"rt/2026-03-01": 3, "rt/2026-03-02": 5}


def test_asked_for_by_hand_everything_is_told_again() -> None:
    hotel = Hotel()
    hotel.push(*nights(3))
    hotel.push(*nights(3), again=True)
    assert hotel.pms.asked == ["rt/2026-03-01"]


def test_days_that_are_over_are_neither_told_nor_remembered() -> None:
    hotel = Hotel()
    hotel.push(*nights(3, 4))
    report = hotel.push(*nights(2, 5), today=TODAY + timedelta(days=1))
    assert hotel.became() == {"rt/2026-03-01": Outcome.SUPERSEDED, "rt/2026-03-02": Outcome.UPDATED}
    assert hotel.memory.told == {"rt/2026-03-02": "5"}
    assert report.counts.balanced


def test_a_number_that_is_refused_waits_with_the_reason_and_the_others_go_through() -> None:
    hotel = Hotel()
    hotel.pms.before["rt/2026-03-01"] = refused(422)
    report = hotel.push(*nights(3, 4))
    [rejected] = [each for each in hotel.outcomes if each.outcome is Outcome.REJECTED]
    assert (rejected.code, rejected.reason) == ("refused_with_422", "closed for the season")
    assert rejected.payload == '{"capacity":3,"taken":0,"available":3}'
    assert (report.counts.balanced, hotel.memory.told) == (True, {"rt/2026-03-02": "4"})
    hotel.pms.before.clear()
    hotel.push(*nights(3, 4))
    assert hotel.became()["rt/2026-03-01"] is Outcome.CREATED


def test_a_room_type_that_the_pms_has_no_more_is_asked_for_once_in_a_run() -> None:
    hotel = Hotel()
    hotel.pms.before = {day.key: refused(404) for day in nights(3, 4, 5)}
    hotel.push(*nights(3, 4, 5), *nights(7, resource="other"))
    assert hotel.pms.asked == ["rt/2026-03-01", "other/2026-03-01"]
    assert [each.code for each in hotel.outcomes] == ["refused_with_404"] * 3 + [""]


def test_an_id_that_no_url_can_carry_is_rejected_without_a_request() -> None:
    hotel = Hotel()
    hotel.push(*nights(3, resource=".."))
    assert (hotel.pms.asked, [each.code for each in hotel.outcomes]) == ([], ["invalid_id"])


@pytest.mark.parametrize(
    "error",
    [ExternalUnavailableError("down"), ExternalAuthenticationError("no", status=401), ExternalRequestError("no URL")],
)
def test_a_pms_that_is_down_or_refuses_everything_stops_the_run_and_the_next_one_tells_the_rest(
    error: Exception,
) -> None:
    hotel = Hotel()
    hotel.pms.before["rt/2026-03-02"] = error
    with pytest.raises(type(error)):
        hotel.push(*nights(3, 4, 5))
    hotel.pms.before.clear()
    hotel.push(*nights(3, 4, 5))
    assert hotel.pms.asked == ["rt/2026-03-02", "rt/2026-03-03"]
    assert hotel.became()["rt/2026-03-01"] is Outcome.UNCHANGED


def test_killed_between_the_put_and_the_remembering_a_number_is_put_once_more() -> None:
    hotel = Hotel()
    hotel.memory.dies = True
    with pytest.raises(KilledError):
        hotel.push(*nights(3))
    hotel.memory.dies = False
    hotel.push(*nights(3))
    assert (hotel.pms.asked, hotel.pms.numbers) == (["rt/2026-03-01"], {"rt/2026-03-01": 3})


def test_a_lost_answer_is_a_number_that_is_put_once_more() -> None:
    hotel = Hotel()
    hotel.pms.after["rt/2026-03-01"] = ExternalUnavailableError("the answer was lost")
    with pytest.raises(ExternalUnavailableError):
        hotel.push(*nights(3))
    hotel.push(*nights(3))
    assert hotel.pms.asked == ["rt/2026-03-01"]


@pytest.mark.parametrize("fault", ["killed", "lost"])
def test_a_number_that_is_the_old_one_again_after_one_whose_fate_is_unknown_is_put(fault: str) -> None:
    hotel = Hotel()
    hotel.push(*nights(3))
    hotel.memory.dies = fault == "killed"
    hotel.pms.after = {"rt/2026-03-01": ExternalUnavailableError("the answer was lost")} if fault == "lost" else {}
    with pytest.raises((KilledError, ExternalUnavailableError)):
        hotel.push(*nights(2))
    hotel.memory.dies = False
    hotel.push(*nights(3))
    assert hotel.pms.numbers == {"rt/2026-03-01": 3}


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({"rt/2026-03-01": "3"}, {"rt/2026-03-01": "3"})])
def test_what_is_refused_leaves_what_was_known(before: dict[str, str], after: dict[str, str]) -> None:
    hotel = Hotel(memory=Memory(dict(before)))
    hotel.pms.before["rt/2026-03-01"] = refused(422)
    hotel.push(*nights(2))
    assert hotel.memory.told == after


def test_chunks_are_committed_as_they_are_told() -> None:
    hotel = Hotel()
    hotel.push(*nights(*[1] * (2 * CHUNK_ROWS + 1)))
    assert [each.extracted for each in hotel.counts] == [CHUNK_ROWS, CHUNK_ROWS, 1]


def test_who_has_lost_the_right_to_write_tells_nothing_more() -> None:
    hotel = Hotel()

    def lost() -> None:
        raise KilledError

    run = Push(AVAILABILITY_OUT, hotel.pms.put, hotel.memory, hotel._commit, still_writer=lost, today=TODAY)
    with pytest.raises(KilledError):
        run.push(nights(3))
    assert hotel.pms.asked == []


@pytest.mark.parametrize("checks", range(1, 5))
def test_who_loses_it_on_the_way_neither_puts_nor_remembers_anything_after_that(checks: int) -> None:
    hotel, held = Hotel(), iter(range(checks))

    def still_writer() -> None:
        if next(held, None) is None:
            raise KilledError

    run = Push(AVAILABILITY_OUT, hotel.pms.put, hotel.memory, hotel._commit, still_writer=still_writer, today=TODAY)
    with pytest.raises(KilledError):
        run.push(nights(3, 4, 5))
    assert len(hotel.pms.asked) == checks - 1
    assert set(hotel.memory.all().values()) == {IN_DOUBT}


_RUNS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), min_size=1, max_size=6),
        st.none() | st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 5)),
        st.integers(0, 1),
    ),
    max_size=6,
)


@given(runs=_RUNS)
def test_whatever_happens_the_pms_has_the_last_numbers_after_a_run_that_ends_well(
    runs: list[tuple[list[int], tuple[str, int] | None, int]],
) -> None:
    hotel, today = Hotel(), TODAY
    for free, fault, passed in [*runs, ([2, 1, 0], None, 0)]:
        today += timedelta(days=passed)
        hotel.pms.before, hotel.pms.after = {}, {}
        some = nights(*free, first=today)
        if fault and fault[1] < len(some):
            getattr(hotel.pms, fault[0])[some[fault[1]].key] = ExternalUnavailableError("down")
        _attempt(lambda: hotel.push(*some, today=today))  # noqa: B023 - called at once
        assert all(hotel.pms.numbers[key] == int(value) for key, value in hotel.memory.told.items() if value)
    assert [hotel.pms.numbers[day.key] for day in nights(2, 1, 0, first=today)] == [2, 1, 0]


def _attempt(run: Callable[[], FlowReport]) -> None:
    try:
        run()
    except ExternalUnavailableError:
        return
