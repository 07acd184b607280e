"""`odoo-pipelines batches`: what waits and cannot be read, what brings it again, and giving it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines_tests.command_line import run, staged_folder
from odoo_pipelines_tests.defs.stage import Stage
from odoo_pipelines_tests.in_memory import record_in_memory


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    """Everything is mapped, and waits for its load."""
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        record_in_memory(tmp_path)
        stage.refuse_logins()
        assert not stage.sync("full").success
        stage.allow_logins()
        yield stage


def listed(*options: str) -> dict[int, dict[str, Any]]:
    result = run("batches", "list", "--json", *options)
    assert result.exit_code == 0, result.output
    return {each["id"]: each for each in json.loads(result.stdout)}


def lose(path: str) -> None:
    (Path("data") / path).unlink()


def test_the_list_names_what_waits_and_why_a_batch_cannot_be_read_and_what_brings_it_again(stage: Stage) -> None:
    lost, whole = [each for each in stage.pending("orders") if each.partition][:2]
    lose(lost.path)
    found = listed()
    assert (found[whole.id]["readable"], found[whole.id]["reason"], found[whole.id]["fix"]) == (True, "", "")
    told = found[lost.id]
    assert (told["layer"], told["name"], told["partition"], told["rows"]) == (
        "mapped",
        "orders",
        lost.partition,
        lost.rows,
    )
    assert told["awaited_by"] == ["odoo/sale_order"]
    assert told["since"] or told["before"]
    assert (told["readable"], told["path"] in told["reason"]) == (False, True)
    assert "mapped again by the next sync" in told["fix"]
    shown = run("batches", "list").stdout
    assert lost.path in shown
    assert "mapped again by the next sync" in shown
    assert stage.sync("delta").success
    assert listed() == {}
    assert "No batch waits." in run("batches", "list").stdout


def test_all_shows_what_is_kept_only_too(stage: Stage) -> None:
    assert stage.sync("delta").success
    [kept, *_] = stage.batches("external", "bookings")
    lose(kept.path)
    told = listed("--all")[kept.id]
    assert (told["readable"], told["awaited_by"]) == (False, [])
    assert run("batches", "discard", str(kept.id), "--yes").exit_code == 0
    assert kept.id not in listed("--all")


def test_discarding_tells_what_is_lost_asks_first_and_leaves_readable_batches_alone(stage: Stage) -> None:
    lost = next(each for each in stage.pending("orders") if each.rows)
    waits = listed()
    assert json.loads(run("batches", "discard", "--yes", "--json").stdout) == {"discarded": []}
    file = Path("data") / lost.path
    file.write_bytes(b"")
    asked = run("batches", "discard", typed="n\n")
    assert asked.exit_code == 1
    assert f"{lost.rows} rows of orders stay as Odoo has them until the next full sync" in asked.stderr
    assert listed().keys() == waits.keys()
    done = run("batches", "discard", "--yes", "--json")
    assert json.loads(done.stdout) == {"discarded": [lost.id]}
    assert not file.exists()
    assert listed().keys() == waits.keys() - {lost.id}
    assert stage.sync("delta").success
    assert stage.sync("full").success
    assert stage.odoo("sale.order", "search_count", domain=[["x_external_id", "!=", False]]) == len(stage.served())


def test_a_readable_or_unknown_batch_is_refused_and_nothing_is_given_up(stage: Stage) -> None:
    lost, whole = stage.pending("orders")[:2]
    lose(lost.path)
    for number, why in ((whole.id, "can be read"), (999_999, "there is no batch 999999")):
        refused = run("batches", "discard", str(lost.id), str(number), "--yes")
        assert (refused.exit_code, why in refused.stderr) == (1, True), refused.output
    assert lost.id in listed()
