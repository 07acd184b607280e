"""Order, pages, windows and cursors."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.sandbox.pms.client import Client, sandbox

STREAMS = ("bookings", "guests", "rooms", "payments")


def _places(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["updated_at"], row["id"]) for row in rows]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_walk_gives_every_record_once_in_the_promised_order(stream: str) -> None:
    with sandbox(bookings=100) as pms:
        pms.control("advance", changed_bookings=30, new_bookings=10, cancelled=5, changed_guests=9, seconds=5)
        rows = pms.rows(f"/{stream}", limit=7)
        places = _places(rows)
        assert places == sorted(places)
        assert len({row["id"] for row in rows}) == len(rows) == pms.get("/sandbox/stats").json()["counts"][stream]
        assert rows == pms.get("/sandbox/oracle").json()[stream]


def test_generated_moments_of_change_are_all_different_and_changed_ones_may_be_equal() -> None:
    with sandbox(bookings=200) as pms:
        moments = [row["updated_at"] for row in pms.rows("/bookings", limit=500)]
        assert len(set(moments)) == 200
        pms.control("advance", changed_bookings=40, seconds=10)
        moments = [row["updated_at"] for row in pms.rows("/bookings", limit=500)]
        assert len(set(moments[160:])) == 10


@pytest.mark.parametrize("limit", [1, 7, 60, 500])
def test_a_window_includes_its_begin_and_excludes_its_end(limit: int) -> None:
    with sandbox(bookings=60) as pms:
        pms.control("advance", changed_bookings=10, seconds=4)
        everything = pms.rows("/bookings", limit=500)
        for begin, end in ((0, 59), (10, 30), (48, 55), (20, 20)):
            since, before = everything[begin]["updated_at"], everything[end]["updated_at"]
            expected = [row for row in everything if since <= row["updated_at"] < before]
            assert pms.rows("/bookings", updated_since=since, updated_before=before, limit=limit) == expected


def test_a_window_may_be_given_in_another_zone_and_more_precisely_than_the_data() -> None:
    with sandbox(bookings=10) as pms:
        second = pms.rows("/bookings")[1]
        moment = second["updated_at"]
        assert pms.rows("/bookings", updated_since=moment.replace("Z", "+00:00"))[0] == second
        assert pms.rows("/bookings", updated_since=moment.replace("Z", "001Z"))[0] != second
        assert pms.rows("/bookings", updated_before=moment.replace("Z", "001Z"))[-1] == second


def test_a_status_filter_gives_exactly_the_bookings_of_that_status() -> None:
    with sandbox(bookings=200, bad_rows=10) as pms:
        pms.control("advance", changed_bookings=20, cancelled=20)
        everything = pms.rows("/bookings", limit=500)
        for status in ("confirmed", "cancelled", "no_show", "checked_in"):
            expected = [row for row in everything if row["status"] == status]
            assert expected
            assert pms.rows("/bookings", status=status, limit=5) == expected


def test_a_full_last_page_ends_the_walk() -> None:
    with sandbox(bookings=20) as pms:
        assert [len(page) for page in pms.pages("/bookings", limit=10)] == [10, 10]


def test_no_bookings_are_one_empty_page() -> None:
    with sandbox(bookings=0) as pms:
        assert pms.get("/bookings").json() == {"data": [], "next_cursor": None}


def _walk_with_changes(pms: Client, limit: int) -> dict[str, str]:
    """Newest version seen of every booking, while the bookings change between the pages."""
    seen: dict[str, str] = {}
    page = pms.get("/bookings", limit=limit).json()
    for step in range(1000):
        seen |= {row["id"]: row["updated_at"] for row in page["data"]}
        if page["next_cursor"] is None:
            return seen
        if step < 8:
            pms.control("advance", changed_bookings=6, new_bookings=2, cancelled=1, seconds=2)
        page = pms.get("/bookings", limit=limit, cursor=page["next_cursor"]).json()
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("limit", [3, 10, 25])
def test_what_changes_while_it_is_paged_is_seen_again_and_never_missed(limit: int) -> None:
    with sandbox(bookings=60) as pms:
        seen = _walk_with_changes(pms, limit)
        assert seen == {row["id"]: row["updated_at"] for row in pms.rows("/bookings", limit=500)}


def test_a_change_is_later_than_everything_served_before_it() -> None:
    with sandbox(bookings=20) as pms:
        for _ in range(3):
            newest = pms.rows("/bookings")[-1]["updated_at"]
            touched = pms.control("advance", changed_bookings=3, seconds=1)
            changed = pms.rows("/bookings")[-3:]
            assert {row["id"] for row in changed} == set(touched["changed_bookings"])
            assert all(row["updated_at"] > newest for row in changed)


def test_a_cursor_carries_its_query_and_refuses_another_one() -> None:
    with sandbox(bookings=60) as pms:
        page = pms.get("/bookings", limit=2, status="confirmed").json()
        following = pms.get("/bookings", limit=2, cursor=page["next_cursor"]).json()["data"]
        assert {row["status"] for row in following} == {"confirmed"}
        for path, params in (("/guests", {}), ("/bookings", {"status": "pending"})):
            assert pms.get(path, cursor=page["next_cursor"], **params).status_code == 400


def test_a_damaged_cursor_is_refused() -> None:
    with sandbox(bookings=60) as pms:
        cursor = pms.get("/bookings", limit=2).json()["next_cursor"]
        for damaged in (cursor[:-4], cursor.swapcase(), "A" * len(cursor), cursor + "!"):
            assert pms.get("/bookings", cursor=damaged).status_code == 400
