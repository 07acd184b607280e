"""Partitions lose nothing: the windows of all of them together are all of time, and meet without gap or overlap."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.windows import Window

TODAY = dt.datetime.now(dt.UTC).date()
STARTS = st.dates(dt.date(2023, 1, 1), TODAY)
SIZES: st.SearchStrategy[Literal["day", "week", "month"]] = st.sampled_from(["day", "week", "month"])


def all_windows(size: Literal["day", "week", "month"], start: dt.date) -> list[Window]:
    definition = partitions_of(Integration(name="pms", partition=size, history_start=start))
    return windows(definition, definition.get_partition_keys())


@given(size=SIZES, start=STARTS)
@settings(max_examples=40)
def test_the_windows_of_all_partitions_are_all_of_time(size: Literal["day", "week", "month"], start: dt.date) -> None:
    found = all_windows(size, start)
    assert found[0].since is None
    assert found[-1].before is None
    assert all(earlier.before == later.since is not None for earlier, later in pairwise(found))
    assert all(each.since < each.before for each in found if each.since and each.before)


@given(size=SIZES, start=STARTS, seconds=st.integers(-(10**8), 10**8))
@settings(max_examples=40)
def test_every_moment_lies_in_exactly_one_window(
    size: Literal["day", "week", "month"], start: dt.date, seconds: int
) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    holding = [
        each
        for each in all_windows(size, start)
        if (each.since is None or each.since <= moment) and (each.before is None or moment < each.before)
    ]
    assert len(holding) == 1


@pytest.mark.parametrize("size", ["day", "week", "month"])
def test_the_current_period_is_included(size: Literal["day", "week", "month"]) -> None:
    last = all_windows(size, TODAY - dt.timedelta(days=70))[-1]
    assert last.since is not None
    assert last.since <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("size", ["day", "week", "month"])
def test_a_history_that_begins_today_has_one_partition_for_everything(
    size: Literal["day", "week", "month"],
) -> None:
    [only] = all_windows(size, TODAY)
    assert (only.since, only.before) == (None, None)


def test_months_begin_with_their_first_day_wherever_history_does() -> None:
    definition = partitions_of(Integration(name="pms", history_start=dt.date(2026, 1, 15)))
    assert definition.get_partition_keys()[:2] == ["2026-01-01", "2026-02-01"]


def test_unknown_keys_are_refused_with_the_range_of_the_known_ones() -> None:
    definition = partitions_of(Integration(name="pms", history_start=dt.date(2026, 1, 1)))
    with pytest.raises(ValueError, match=r"no such partitions: 2025-12-01, 2026-01-02; they run from 2026-01-01 to "):
        windows(definition, ["2026-01-01", "2026-01-02", "2025-12-01"])
