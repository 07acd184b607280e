"""Partitions by change time, and the windows that they stand for."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.windows import Window


def partitions_of(integration: Integration) -> dg.TimeWindowPartitionsDefinition:
    """Days, weeks or months from the start of history, the current one included."""
    start = dt.datetime.combine(integration.history_start, dt.time(), dt.UTC)
    if integration.partition == "day":
        return dg.DailyPartitionsDefinition(start, end_offset=1)
    if integration.partition == "week":
        return dg.WeeklyPartitionsDefinition(start, end_offset=1)
    return dg.MonthlyPartitionsDefinition(start.replace(day=1), end_offset=1)


def windows(definition: dg.TimeWindowPartitionsDefinition, keys: Sequence[str]) -> list[Window]:
    """The windows of partitions; the first is open to the past and the last to the future, so that no row falls out.

    Raises:
        ValueError: a key is none of the definition's; Dagster does not check the ends of a range.
    """
    known = definition.get_partition_keys()
    unknown = sorted(set(keys) - set(known))
    if unknown:
        message = f"no such partitions: {', '.join(unknown)}; they run from {known[0]} to {known[-1]}"
        raise ValueError(message)
    return [_window(definition, key, first=key == known[0], last=key == known[-1]) for key in keys]


def _window(definition: dg.TimeWindowPartitionsDefinition, key: str, *, first: bool, last: bool) -> Window:
    window = definition.time_window_for_partition_key(key)
    return Window(
        partition=key,
        since=None if first else window.start.astimezone(dt.UTC),
        before=None if last else window.end.astimezone(dt.UTC),
    )
