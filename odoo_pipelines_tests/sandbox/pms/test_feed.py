"""The computed order of a stream."""

from __future__ import annotations

from odoo_pipelines_sandbox.pms.feed import Feed, Key

FIRST: Key = (-1, 0)


def _feed(generated: int = 5) -> Feed:
    return Feed(generated, lambda index: index * 10)


def test_untouched_records_lie_in_their_generated_order() -> None:
    assert list(_feed(3).after(FIRST)) == [(0, 0), (10, 1), (20, 2)]


def test_a_touched_record_moves_to_the_end_each_time() -> None:
    feed = _feed(3)
    feed.touch(0, 100)
    feed.touch(1, 101)
    feed.touch(0, 102)
    assert list(feed.after(FIRST)) == [(20, 2), (101, 1), (102, 0)]


def test_records_that_share_a_moment_are_in_the_order_of_their_indices() -> None:
    feed = _feed(3)
    for index in (2, 0, 1):
        feed.touch(index, 100)
    assert list(feed.after((100, 0))) == [(100, 1), (100, 2)]


def test_a_walk_may_start_anywhere() -> None:
    feed = _feed(4)
    feed.touch(1, 100)
    assert list(feed.after((10, 0))) == [(20, 2), (30, 3), (100, 1)]
    assert list(feed.after((100, 0))) == [(100, 1)]
    assert list(feed.after((100, 1))) == []


def test_a_new_record_has_the_next_index_and_keeps_its_birth() -> None:
    feed = _feed(2)
    assert feed.add(100) == 2
    feed.touch(2, 200)
    assert (feed.born(2), feed.updated_at(2), feed.born(1), len(feed)) == (100, 200, 10, 3)


def test_a_deleted_record_is_gone() -> None:
    feed = _feed(3)
    feed.touch(1, 100)
    feed.delete(1)
    feed.delete(0)
    assert list(feed.after(FIRST)) == [(20, 2)]
    assert (len(feed), 1 in feed, 2 in feed) == (1, False, True)


def test_the_newest_come_first() -> None:
    feed = _feed(4)
    feed.touch(0, 100)
    feed.add(101)
    assert feed.newest(3) == [4, 0, 3]


def test_a_walk_in_the_middle_of_a_billion_records_computes_only_a_few_of_them() -> None:
    asked = 0

    def generated_at(index: int) -> int:
        nonlocal asked
        asked += 1
        return index * 10

    feed = Feed(10**9, generated_at)
    assert next(feed.after((5 * 10**9, 0))) == (5 * 10**9, 500_000_000)
    assert asked < 100
