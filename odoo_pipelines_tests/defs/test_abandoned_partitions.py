"""What was extracted before the partition size was changed waits in partitions that are none any more; none is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from odoo_pipelines_tests.defs.stage import BOOKINGS, INTEGRATION, Stage

DAYS = 6


def size(home: Path, partition: str) -> None:
    """Changes the partition size, as a person does in integrations.yaml."""
    start = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS)
    text = INTEGRATION % start
    (home / "integrations.yaml").write_text(f"{text}    partition: {partition}\n")


def all_extracted(stage: Stage) -> None:
    """What was extracted and not mapped, as if the run had died in between."""
    assert stage.materialize(stage.extracted("rooms")).success
    for key in stage.keys:
        assert stage.materialize(stage.extracted("guests"), stage.extracted("bookings"), partition=key).success


def all_mapped(stage: Stage) -> None:
    assert stage.sync("full").success


@pytest.mark.parametrize("pms", [{"days": DAYS}], indirect=True)
@pytest.mark.parametrize("until", [all_extracted, all_mapped])
def test_batches_of_days_are_taken_by_the_next_delta_over_months(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[[Stage], None]
) -> None:
    size(tmp_path, "day")
    monkeypatch.setenv("ODOO_ENABLED", "false")
    until(stage)
    days = {batch.partition for batch in stage.batches("external", "bookings")}
    assert stage.odoo("sale.order", "search_count", domain=[]) == 0

    size(tmp_path, "month")
    monkeypatch.setenv("ODOO_ENABLED", "true")
    assert not days <= set(stage.keys)
    loaded = stage.sync("delta")
    assert loaded.success
    assert stage.odoo("sale.order", "search_count", domain=[]) == BOOKINGS
    assert stage.counts(loaded)["created"] == BOOKINGS

    again = stage.sync("delta")
    assert again.success
    assert not stage.counts(again).keys() & {"created", "updated", "rejected", "conflict"}
    assert stage.pending("orders") == []
