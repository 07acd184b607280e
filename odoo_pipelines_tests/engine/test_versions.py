"""Which version of a record counts does not depend on the order in which its versions come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.engine.diff import local_outcome
from odoo_pipelines.engine.versions import Choice, joined
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Outcome
from odoo_pipelines_tests.engine.sales import World, counts, guest, moment


def row(at: float | None = 1, seen: float | None = None, city: str = "Wien", **facts: Any) -> MappedRow:
    return replace(guest("g", at, city=city), seen_at=moment(seen), **facts)


def known(version: MappedRow) -> Binding:
    return Binding(7, version.hash, version.updated_at, version.seen_at, inside=bool(version.inside))


def best(*rows: MappedRow, verify: bool = False) -> MappedRow:
    choice = Choice(verify=verify)
    for each in rows:
        choice.add(each)
    return next(each for each in rows if each.hash == choice.hash)


versions = st.lists(
    st.builds(
        row,
        st.none() | st.integers(0, 3),
        st.integers(4, 6),
        st.sampled_from(["Wien", "Graz", "Linz"]),
        inside=st.sampled_from(["", "b1", "b2"]),
        repeated=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(versions, st.randoms(use_true_random=False), st.booleans())
def test_in_whatever_order_they_come_the_same_one_counts(
    rows: list[MappedRow],
    shuffled: Any,
    verify: bool,
) -> None:
    first = best(*rows, verify=verify)
    shuffled.shuffle(rows)
    assert best(*rows, verify=verify).hash == first.hash


@pytest.mark.parametrize("verify", [False, True])
def test_of_equal_times_the_own_row_counts_more_than_one_inside_another_record(*, verify: bool) -> None:
    own, inside = row(2, 5), row(2, 5, "Graz", inside="b1")
    assert best(own, inside, verify=verify) is own


def test_what_is_news_counts_more_than_what_was_said_before_and_then_the_time_decides() -> None:
    old = row(3, 5, "Linz", repeated=True, inside="b1")
    news, newer = row(1, 5, "Graz", inside="b2"), row(2, 5)
    assert best(old, news, newer) is newer
    assert best(old, news) is news


def test_in_a_walk_over_everything_the_own_row_that_was_seen_last_counts() -> None:
    before, after = row(9, 10), row(1, 11, "Graz")
    assert best(before, after, verify=True) is after


@pytest.mark.parametrize("repeated", [False, True])
def test_in_a_walk_over_everything_what_a_record_says_of_another_counts_from_when_it_said_so_first(
    *, repeated: bool
) -> None:
    own = row(5, 11)
    earlier, later = (row(at, 11, "Linz", inside="b1", repeated=repeated) for at in (4, 6))
    assert best(own, earlier, verify=True) is own
    assert best(own, later, verify=True) is later


def test_without_a_time_what_was_seen_later_counts() -> None:
    early, late = row(None, 5), row(None, 6, "Graz")
    assert best(early, late) is late


@pytest.mark.parametrize(
    ("seen", "known_seen", "expected"),
    [(5, 4, None), (5, 5, None), (5, None, None), (5, 6, Outcome.SUPERSEDED), (None, 4, Outcome.SUPERSEDED)],
)
def test_a_walk_shows_the_present_truth_unless_the_known_version_is_younger_than_it(
    seen: float | None, known_seen: float | None, expected: Outcome | None
) -> None:
    older, newest = row(1, seen), known(row(3, known_seen, "Graz"))
    assert local_outcome(older, newest, verify=True) is expected
    assert local_outcome(older, newest, verify=False) is Outcome.SUPERSEDED


def test_of_a_record_inside_another_only_a_walk_over_everything_tells_the_truth() -> None:
    inside, newest = row(1, 5, inside="b1"), known(row(3, 4, "Graz"))
    assert local_outcome(inside, newest, verify=True) is Outcome.SUPERSEDED
    assert local_outcome(inside, newest, verify=True, whole=True) is None


def test_what_was_said_before_overwrites_nothing() -> None:
    profile = known(row(2, 2))
    said = row(3, 3, "Graz", inside="b1")
    assert local_outcome(said, profile, verify=False) is None
    assert local_outcome(replace(said, repeated=True), profile, verify=False) is Outcome.SUPERSEDED
    assert local_outcome(replace(said, repeated=True), replace(profile, hash=""), verify=False) is None


def test_of_equal_times_the_known_own_row_stays_and_the_known_one_of_another_record_does_not() -> None:
    said = row(2, 3, "Graz", inside="b1")
    assert local_outcome(said, known(row(2, 2)), verify=False) is Outcome.SUPERSEDED
    assert local_outcome(said, known(row(2, 2, inside="b2")), verify=False) is None
    assert local_outcome(row(2, 3, "Graz"), known(row(2, 2)), verify=False) is None


def test_equal_rows_join_with_the_time_of_the_news() -> None:
    repeated, news = row(9, 5, repeated=True, inside="b1"), row(2, 4, inside="b2")
    for one in (joined(repeated, news), joined(news, repeated)):
        assert (one.updated_at, one.repeated) == (moment(2), False)
    assert joined(news, row(3, 6)) == row(3, 6)


@pytest.mark.parametrize("chunk_size", [1, 9])
def test_a_row_that_counts_less_creates_and_changes_nothing(chunk_size: int) -> None:
    world = World()
    outdone, counting = row(2, 5, "Graz", weight=3, outdone=True), row(3, 5)
    assert counts(world, outdone, counting, chunk_size=chunk_size) == {"created": 1, "superseded": 3}
    assert counts(world, outdone, counting, chunk_size=chunk_size) == {"superseded": 3, "unchanged": 1}
    rows = (counting, outdone, outdone)
    assert counts(world, *rows, verify=True, chunk_size=chunk_size) == {"superseded": 6, "unchanged": 1}
    assert world.odoo.writes() == []


def test_a_row_that_counts_less_but_says_the_same_is_unchanged() -> None:
    world = World()
    world.guests(guest("g", 3, city="Wien", zip="1010"))
    assert counts(world, row(2, 5, outdone=True)) == {"unchanged": 1}


def test_after_the_source_was_set_back_its_present_version_is_known() -> None:
    world = World()
    world.guests(row(1, 1))
    world.guests(row(5, 5, "Graz"))
    assert counts(world, row(1, 6), verify=True) == {"updated": 1}
    assert world.state.kept["guest", "g"].updated_at == moment(1)
    assert counts(world, row(2, 7, "Linz")) == {"updated": 1}
    assert counts(world, row(2, 8, "Linz"), verify=True) == {"unchanged": 1}
