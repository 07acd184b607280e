"""Forgetting a guest: nothing that is kept holds a value of the person any more, and everything else still works."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.forgetting import Person, without
from odoo_pipelines.stores.inbox import Inbox, NewEvent
from odoo_pipelines_tests.command_line import run, staged_folder
from odoo_pipelines_tests.defs.stage import Stage
from odoo_pipelines_tests.snapshots import TABLES, StateSnapshot

EMAIL = "zoraida.quintanilla@guest.example"
GUEST = {"first_name": "Zoraida", "last_name": "Quintanilla", "email": EMAIL, "phone": "+34 910 555 0199"}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: dg.DagsterInstance) -> Any:
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        yield stage


def everything_kept(engine: sa.Engine, folder: Path) -> str:
    """All rows of all tables and of all files, as one text."""
    with engine.connect() as connection:
        found = [str(row) for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))]
    store = BatchStore(folder / "data")
    files = [str(file.relative_to(folder / "data")) for file in (folder / "data").rglob("*.parquet")]
    return "\n".join([*found, *(str(group.to_pylist()) for file in files for group in store.groups(file))])


def named_in_a_booking(stage: Stage) -> tuple[str, str]:
    """A guest with a name that nobody else has, and a booking of theirs."""
    booking = stage.confirmed()
    stage.edit(booking["id"], guest={**booking["guest"], **GUEST})
    return str(booking["guest"]["id"]), str(booking["id"])


def test_nothing_of_the_person_is_kept_and_syncs_go_on(stage: Stage, engine: sa.Engine, tmp_path: Path) -> None:
    guest, booking = named_in_a_booking(stage)
    assert stage.sync("full").success
    body = {"id": "e1", "event_type": "booking.updated", "data": {"id": booking, "guest": {"id": guest, **GUEST}}}
    Inbox(engine).store([NewEvent("pms", "id:e1", "booking.updated", json.dumps(body), state="done")])
    assert EMAIL in everything_kept(engine, tmp_path)

    shown = run("forget", "guest", guest, "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["removed"]) == (0, False), shown.stderr
    assert EMAIL in everything_kept(engine, tmp_path)

    result = run("forget", "guest", guest, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["removed"] is True
    assert {**document, "removed": False} == json.loads(shown.stdout)
    assert document["rows"]["record"] == 1
    assert document["rows"]["webhook_event"] == 1
    assert document["batches"]["rows"] > 1
    assert ["booking", booking] in document["related"]
    assert any("res.partner" in each for each in document["not_touched"])
    kept = everything_kept(engine, tmp_path)
    assert [value for value in (EMAIL, "Quintanilla", "910 555 0199") if value in kept] == []

    again = run("forget", "guest", guest, "--yes")
    assert (again.exit_code, f"Nothing is kept of guest {guest}." in again.stderr) == (1, True)
    assert stage.sync("delta").success
    for batch in stage.batches("mapped", "partners"):
        assert stage.session().batches.row_count(batch.path) >= 0


def test_rows_and_numbers_stay_and_a_forgotten_row_that_is_loaded_again_makes_nothing(
    stage: Stage, engine: sa.Engine
) -> None:
    guest, _ = named_in_a_booking(stage)
    stage.refuse_logins()
    assert not stage.sync("full").success  # mapped, and waiting for its load
    stage.allow_logins()
    waiting = stage.pending("partners")
    counted = [stage.session().batches.row_count(batch.path) for batch in waiting]
    assert run("forget", "guest", guest, "--yes").exit_code == 0
    assert [stage.session().batches.row_count(batch.path) for batch in waiting] == counted
    for partition in sorted({batch.partition for batch in waiting}):
        assert stage.materialize(stage.loaded("partners"), partition=partition).success
    assert stage.pending("partners") == []
    assert stage.state.history("pms", "guest", guest).record is None
    assert stage.odoo("res.partner", "search_count", domain=[["email", "=", EMAIL]]) == 0


def test_one_that_dies_between_any_two_of_its_effects_is_finished_by_the_next(
    stage: Stage, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the state, then one file after the other; that a booking names the guest is known from these alone."""
    guest, booking = named_in_a_booking(stage)
    assert stage.sync("full").success
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.outcome), [quoting(booking)])
    kept, files = StateSnapshot.of(engine), tmp_path / "files"
    shutil.copytree("data", files)
    count = json.loads(run("forget", "guest", guest, "--json").stdout)["batches"]["files"]
    assert count > 2
    rewrite = BatchStore.rewrite
    for done in range(count):
        left = [None] * done

        def dying(store: BatchStore, path: str, changed: Any, left: list[None] = left) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop()
            rewrite(store, path, changed)

        with monkeypatch.context() as patched:
            patched.setattr(BatchStore, "rewrite", dying)
            assert run("forget", "guest", guest, "--yes").exit_code != 0
        assert EMAIL in everything_kept(engine, tmp_path)
        result = run("forget", "guest", guest, "--yes")
        assert result.exit_code == 0, result.output
        assert EMAIL not in everything_kept(engine, tmp_path)
        with engine.begin() as connection:
            connection.execute(sa.text(f"truncate {', '.join(TABLES)} restart identity cascade"))
        kept.restore(engine)
        shutil.rmtree("data")
        shutil.copytree(files, "data")


def quoting(booking: str) -> dict[str, Any]:
    """An outcome of a booking, whose reason quotes its guest."""
    return {
        "run_id": "an-earlier-run",
        "integration": "pms",
        "flow": "orders",
        "attempt": 1,
        "entity": "booking",
        "external_id": booking,
        "outcome": "rejected",
        "weight": 1,
        "field": "guest.email",
        "code": "unreadable",
        "reason": f"{EMAIL} is no address",
        "warnings": [],
        "changes": [],
    }


def test_it_asks_first_and_a_no_removes_nothing(stage: Stage, engine: sa.Engine, tmp_path: Path) -> None:
    guest, booking = named_in_a_booking(stage)
    assert stage.sync("full").success
    result = run("forget", "guest", guest, typed="n\n")
    assert result.exit_code == 1
    assert f"booking {booking}" in result.stdout
    assert "Not touched: res.partner" in result.stdout
    assert EMAIL in everything_kept(engine, tmp_path)


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(stage: Stage) -> None:
    result = run("forget", "gest", "7", "--yes")
    assert (result.exit_code, "there is no 'gest'; there are: booking" in result.stderr) == (1, True)
    assert stage.keys


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"guest": {"id": 7, "name": "Ada"}}, {"guest": {"id": 7}}),
        ({"guest": {"id": "8", "name": "Bob"}}, {"guest": {"id": "8", "name": "Bob"}}),
        ({"rooms": [{"guests": [{"id": "7", "name": "Ada"}]}]}, {"rooms": [{"guests": [{"id": "7"}]}]}),
        ([{"guest": {"id": "7"}}], [{"guest": {"id": "7"}}]),
        ({"guest": "7", "room": {"id": "7", "name": "Suite"}}, {"guest": "7", "room": {"id": "7", "name": "Suite"}}),
    ],
)
def test_only_the_person_goes_from_a_document(document: Any, expected: Any) -> None:
    assert without(document, Person("pms", "guest", "7")) == (expected, document != expected)
