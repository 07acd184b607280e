"""A stage that begins with what an earlier sync has left is like one that was synced."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.tables import metadata
from odoo_pipelines_tests.conftest import _empty
from odoo_pipelines_tests.defs.snapshot import Snapshot
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage


def everything(stage: Stage, engine: sa.Engine) -> dict[str, Any]:
    """What both sides, the state and the batches hold."""
    root = Path(load_settings().data)
    with engine.connect() as connection:
        state = {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }
    odoo = stage.odoo_server.db
    return {
        "pms": {stream: stage.served(stream) for stream in ("bookings", "guests", "payments", "rooms")},
        "odoo": {model: (dict(table.rows), table._next_id) for model, table in odoo._tables.items()},
        "numbers": dict(odoo._sequences),
        "state": state,
        "batches": {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")},
    }


@pytest.fixture
def _restored(stage: Stage, engine: sa.Engine, tmp_path: Path) -> None:
    """A stage that was synced, has lost everything and got it back."""
    result = stage.sync("full")
    before = everything(stage, engine)
    assert all(before.values())
    snapshot = Snapshot.of(stage, engine, result, tmp_path / "kept")
    stage.edit(stage.confirmed()["id"], special_requests="A quiet room")
    stage.odoo_server.reset()
    shutil.rmtree(load_settings().data)
    _empty(engine.url.render_as_string(hide_password=False))

    snapshot.restore(stage, engine)

    assert everything(stage, engine) == before


@pytest.mark.usefixtures("_restored")
def test_neither_a_delta_nor_a_full_sync_of_it_writes_anything(stage: Stage) -> None:
    for mode in ("delta", "full"):
        result = stage.sync(mode)
        assert result.success
        assert stage.counts(result).keys() <= {"extracted", "unchanged", "superseded"}
    assert stage.counts(result) == {"extracted": BOOKINGS, "unchanged": BOOKINGS}
    assert stage.odoo_statistics()["writes"] == 0


@pytest.mark.usefixtures("_restored")
def test_what_changes_on_it_is_written(stage: Stage) -> None:
    stage.edit(stage.confirmed()["id"], special_requests="A quiet room")
    stage.advance(new_bookings=1)
    counts = stage.counts(stage.sync("delta"))
    assert (counts["created"], counts["updated"]) == (1, 1)
