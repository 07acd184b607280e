"""Ticks of the sensor are measured as they are in a burst: the last claim is done, and the next one is made."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks import ticks
from benchmarks.bench import Bench
from benchmarks.report import Results
from benchmarks.ticks import measure_ticks
from odoo_pipelines.commands.processes import Processes


def test_ticks_are_measured_by_what_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str, engine: sa.Engine
) -> None:
    monkeypatch.setattr(ticks, "TICKS", 2)
    bench, results = Bench(tmp_path, fresh_database_url, Processes({}, tmp_path)), Results("webhooks", {})
    for name, value in bench.environment("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)  # to be taken back
    measure_ticks(bench, [30, 0], results)
    assert [(each.work, each.rows) for each in results.measurements] == [
        ("tick with 0 waiting", 2),
        ("tick with 30 waiting", 2),
    ]
    with engine.connect() as connection:
        states = connection.execute(sa.text("select state, count(*) from odoo_pipelines.webhook_event group by state"))
        assert dict(states.tuples().all()) == {"done": 30, "claimed": 30}
