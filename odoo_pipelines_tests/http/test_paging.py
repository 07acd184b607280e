from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import ExternalProtocolError
from odoo_pipelines.http.answers import Answer
from odoo_pipelines.http.paging import MOST_PAGES_WITHOUT_NEWS, walk, window


class Pages:
    """A list that is read by cursor; `after` tells the page and the next cursor by the cursor asked for."""

    def __init__(self, after: Mapping[str | None, Any], dates: list[datetime | None] | None = None) -> None:
        self.asked: list[dict[str, str]] = []
        self._after = after
        self._dates = dates or []

    def __call__(self, query: Mapping[str, str]) -> Answer:
        self.asked.append(dict(query))
        date = self._dates[len(self.asked) - 1] if self._dates else None
        page = self._after[query.get("cursor")]
        body = json.dumps(page).encode()
        return Answer("GET https://a.example/orders", 200, body, server_time=date, content=page)


def _page(rows: list[Any], *cursor: Any) -> dict[str, Any]:
    return {"data": rows, **({"next_cursor": cursor[0]} if cursor else {})}


THREE = {None: _page([1, 2], "a"), "a": _page([3], "b"), "b": _page([4], None)}


def test_pages_follow_the_cursor_and_every_request_repeats_the_query() -> None:
    pages = Pages(THREE)
    assert [page.rows for page in walk(pages, {"limit": "2"})] == [[1, 2], [3], [4]]
    assert pages.asked == [{"limit": "2"}, {"limit": "2", "cursor": "a"}, {"limit": "2", "cursor": "b"}]


@pytest.mark.parametrize("last", [_page([1]), _page([1], None)])
def test_a_cursor_that_is_null_or_absent_ends_the_walk(last: dict[str, Any]) -> None:
    assert [page.rows for page in walk(Pages({None: last}), {})] == [[1]]


def test_an_empty_page_in_the_middle_does_not_end_the_walk() -> None:
    pages = Pages({None: _page([1], "a"), "a": _page([], "b"), "b": _page([2])})
    assert [page.rows for page in walk(pages, {})] == [[1], [], [2]]


class Endless:
    """A list whose every page has a new cursor, and the rows that `rows` tells by the page's number."""

    def __init__(self, rows: Callable[[int], list[Any]]) -> None:
        self.asked = 0
        self._rows = rows

    def __call__(self, query: Mapping[str, str]) -> Answer:
        self.asked += 1
        page = _page(self._rows(self.asked), f"cursor {self.asked}")
        return Answer("GET https://a.example/orders", 200, b"", content=page)


def test_empty_pages_without_an_end_are_given_up() -> None:
    endless = Endless(lambda number: [number] if number == 1 else [])
    with pytest.raises(ExternalProtocolError, match="the last of 101 in a row without a row"):
        list(walk(endless, {}))
    assert endless.asked == 1 + MOST_PAGES_WITHOUT_NEWS + 1


def test_empty_pages_between_others_are_walked_through_however_many_they_are() -> None:
    endless = Endless(lambda number: [number] if number % MOST_PAGES_WITHOUT_NEWS == 0 else [])
    walked = list(islice(walk(endless, {}), 3 * MOST_PAGES_WITHOUT_NEWS))
    assert sum(len(page.rows) for page in walked) == 3


@pytest.mark.parametrize("different", [1, 2, 7])
def test_the_same_pages_under_ever_new_cursors_are_given_up(different: int) -> None:
    endless = Endless(lambda number: [{"id": number % different, "n": 10**30}, {"id": "last"}])
    with pytest.raises(ExternalProtocolError, match="the last of 101 in a row without a row"):
        list(walk(endless, {}))
    assert endless.asked == different + MOST_PAGES_WITHOUT_NEWS + 1


def test_a_page_that_comes_twice_because_rows_were_put_before_it_ends_nothing() -> None:
    endless = Endless(lambda number: [{"id": number // 2}])
    assert len(list(islice(walk(endless, {}), 3 * MOST_PAGES_WITHOUT_NEWS))) == 3 * MOST_PAGES_WITHOUT_NEWS


@pytest.mark.parametrize(
    ("cursor", "fault"),
    [("c" * 4_097, "more than 4,096 characters"), ("half \ud83d", "neither null nor a filled text")],
)
def test_a_cursor_that_cannot_be_sent_breaks_the_contract(cursor: str, fault: str) -> None:
    with pytest.raises(ExternalProtocolError, match=fault):
        list(walk(Pages({None: _page([1], cursor)}), {}))


def test_rows_that_are_no_objects_are_kept() -> None:
    rows = [{"id": 1}, None, "text", 7, [1], {}]
    assert next(walk(Pages({None: _page(rows)}), {})).rows == rows


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({None: _page([1], "a"), "a": _page([2], "a")}, id="the same as last time"),
        pytest.param({None: _page([1], "a"), "a": _page([2], "b"), "b": _page([3], "a")}, id="A, B, A"),
        pytest.param(
            {None: _page([1], "a"), "a": _page([2], "b"), "b": _page([3], "c"), "c": _page([4], "b")}, id="A, B, C, B"
        ),
    ],
)
def test_a_repeating_cursor_is_an_error_after_every_page_was_given_once(after: Mapping[str | None, Any]) -> None:
    pages = Pages(after)
    walking = walk(pages, {})
    rows = [row for _ in after for row in next(walking).rows]
    with pytest.raises(ExternalProtocolError, match="repeats a `next_cursor`"):
        next(walking)
    assert rows == list(range(1, len(after) + 1))
    assert len(pages.asked) == len(after)


@pytest.mark.parametrize("document", [[], None, 7, "text", {}, {"rows": []}, {"data": None}, {"data": {"id": 1}}])
def test_a_page_without_a_list_of_data_is_an_error(document: object) -> None:
    with pytest.raises(ExternalProtocolError, match="has no list named `data`"):
        next(walk(Pages({None: document}), {}))


@pytest.mark.parametrize("cursor", ["", 7, True, ["a"], {"a": 1}])
def test_a_cursor_that_is_no_text_is_an_error_because_rows_could_be_missed(cursor: object) -> None:
    with pytest.raises(ExternalProtocolError, match="next_cursor"):
        next(walk(Pages({None: _page([1], cursor)}), {}))


def test_a_page_is_asked_for_only_when_it_is_wanted() -> None:
    pages = Pages(THREE)
    walking = walk(pages, {})
    assert pages.asked == []
    next(walking)
    assert len(pages.asked) == 1
    next(walking)
    assert len(pages.asked) == 2


def test_a_walk_that_is_broken_off_asks_for_nothing_more() -> None:
    pages = Pages(THREE)
    for _ in walk(pages, {}):
        break
    assert len(pages.asked) == 1


def test_the_servers_time_is_that_of_the_first_answer_on_all_pages() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    pages = Pages(THREE, [start, start + timedelta(hours=1), start + timedelta(hours=2)])
    assert [page.server_time for page in walk(pages, {})] == [start] * 3


def test_a_later_answer_never_stands_in_for_the_first_ones_time() -> None:
    pages = Pages(THREE, [None, datetime(2026, 3, 1, tzinfo=UTC), None])
    assert [page.server_time for page in walk(pages, {})] == [None] * 3


def test_rows_are_not_in_the_repr() -> None:
    assert "confidential" not in repr(next(walk(Pages({None: _page(["confidential"])}), {})))


@pytest.mark.parametrize(
    ("since", "before", "query"),
    [
        (None, None, {}),
        (
            datetime(2026, 3, 1, tzinfo=UTC),
            datetime(2026, 4, 1, tzinfo=UTC),
            {"updated_since": "2026-03-01T00:00:00Z", "updated_before": "2026-04-01T00:00:00Z"},
        ),
        (
            datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC),
            datetime(2026, 3, 31, 23, 59, 59, 1, tzinfo=UTC),
            {"updated_since": "2026-03-01T00:00:00Z", "updated_before": "2026-04-01T00:00:00Z"},
        ),
        (
            datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))),
            None,
            {"updated_since": "2026-02-28T23:30:00Z"},
        ),
        (  # the last second before and the one after an hour that Vienna skips
            None,
            datetime(2026, 3, 29, 1, 59, 59, 1, tzinfo=ZoneInfo("Europe/Vienna")),
            {"updated_before": "2026-03-29T01:00:00Z"},
        ),
        (  # the second half of an hour that Vienna has twice
            datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Vienna"), fold=1),
            datetime(2026, 10, 25, 2, 59, 59, 1, tzinfo=ZoneInfo("Europe/Vienna"), fold=0),
            {"updated_since": "2026-10-25T01:30:00Z", "updated_before": "2026-10-25T01:00:00Z"},
        ),
    ],
)
def test_windows_are_sent_in_utc_rounded_outwards(
    since: datetime | None, before: datetime | None, query: dict[str, str]
) -> None:
    assert window(since, before) == query


_moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.timezones() | st.just(UTC),
)


@given(_moments, _moments)
def test_a_window_as_sent_holds_the_window_that_was_meant_and_less_than_a_second_more(
    since: datetime, before: datetime
) -> None:
    sent = {name: datetime.fromisoformat(text) for name, text in window(since, before).items()}
    assert timedelta(0) <= since.astimezone(UTC) - sent["updated_since"] < timedelta(seconds=1)
    assert timedelta(0) <= sent["updated_before"] - before.astimezone(UTC) < timedelta(seconds=1)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        window(datetime(2026, 3, 1), None)  # noqa: DTZ001
