"""The history of one record: what runs saw and wrote, what it is bound to, and what waits for a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import mapped_schema, to_columns
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER
from odoo_pipelines.systems.records import (
    BOTH_CHANGED,
    Batch,
    Conflict,
    FieldChange,
    Outcome,
    PossibleDuplicate,
    RowOutcome,
)
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.stores.builders import a_record, commit

FIRST, SECOND = RunRef("run-1", "pms", "partners"), RunRef("run-2", "pms", "partners")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _database_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    """Neither side is configured."""
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


@pytest.fixture
def store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path / "data")


@pytest.fixture
def _guest(state: State, store: BatchStore) -> None:
    """Created in one run, changed in the next, where two of its fields were refused and asked about."""
    mapped(state, store, FIRST, MappedRow("guest", "7", NOON, {"name": "Zoë"}))
    mapped(state, store, SECOND, MappedRow("guest", "7", NOON, {"name": "Zoe", "phone": "1"}))
    state.start(FIRST, "full")
    commit(state, FIRST, RowOutcome("guest", "7", Outcome.CREATED), records=(a_record("7", 70),))
    state.start(SECOND, "delta")
    conflict = Conflict("phone", BOTH_CHANGED, "both sides changed it", "0", "1", "2")
    written = FieldChange("name", "Zoë", "Zoe", "latest_wins")
    asked = RowOutcome("guest", "7", Outcome.CONFLICT, field="phone", code=BOTH_CHANGED, compared=True)
    commit(state, SECOND, replace(asked, conflicts=(conflict,), changes=(written,)), records=(a_record("7", 70),))
    twin = RowOutcome(
        "guest", "7", Outcome.UNCHANGED, duplicates=(PossibleDuplicate("res.partner", 70, 17, "company"),)
    )
    commit(state, SECOND, twin)
    rejected = RowOutcome("guest", "7", Outcome.REJECTED, field="email", code="bad", reason="email: 'x'", payload="{}")
    commit(state, SECOND, rejected, RowOutcome("guest", "8", Outcome.CREATED))


def mapped(state: State, store: BatchStore, run: RunRef, row: MappedRow) -> str:
    path = store.path_for("pms", "mapped", run.flow, "", run.run_id)
    with store.writer(path, mapped_schema(PARTNER)) as writer:
        writer.write([to_columns(row, PARTNER)])
    state.register(Batch(0, "pms", "mapped", run.flow, "", run.run_id, path, 1, NOON))
    return path


def run(*arguments: str) -> Result:
    return command_line.run("trace", *arguments)


def document(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.usefixtures("_guest")
class TestDocument:
    def test_it_tells_the_runs_in_order_with_what_they_saw_and_wrote(self) -> None:
        first, second, third = document("guest", "7")["runs"]
        assert [(each["run_id"], each["mode"], each["flow"], each["outcome"]) for each in (first, second, third)] == [
            ("run-1", "full", "partners", "created"),
            ("run-2", "delta", "partners", "conflict"),
            ("run-2", "delta", "partners", "rejected"),
        ]
        assert [each["values"]["name"] for each in first["saw"]] == ["Zoë"]
        assert [each["values"]["phone"] for each in second["saw"]] == ["1"]
        assert second["changes"] == [{"field": "name", "before": "Zoë", "after": "Zoe", "policy": "latest_wins"}]
        assert (third["field"], third["code"], third["reason"]) == ("email", "bad", "email: 'x'")

    def test_it_tells_what_the_record_is_bound_to(self) -> None:
        record = document("guest", "7")["record"]
        assert (record["model"], record["odoo_id"], record["run_id"]) == ("res.partner", 70, "run-2")
        assert (record["vanished_at"], record["url"]) == (None, "")

    def test_it_tells_what_waits_for_a_person(self) -> None:
        found = document("guest", "7")
        assert [(each["field"], each["odoo"], each["state"]) for each in found["conflicts"]] == [("phone", "2", "open")]
        assert [(each["code"], each["attempts"]) for each in found["dead_letters"]] == [("bad", 1)]

    def test_links_lead_to_the_run_and_where_odoo_is_known_to_the_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_UI_URL", "https://dagster.example.com")
        for name, value in (("URL", "https://odoo.example"), ("DB", "hotel"), ("USERNAME", "me"), ("API_KEY", "key")):
            monkeypatch.setenv(f"ODOO_{name}", value)
        found = document("guest", "7")
        assert found["runs"][0]["url"] == "https://dagster.example.com/runs/run-1"
        assert found["record"]["url"].startswith("https://odoo.example/")
        assert "70" in found["record"]["url"]

    def test_a_batch_whose_file_is_gone_hides_nothing_else(self, state: State, store: BatchStore) -> None:
        for batch in state.batches("pms", "mapped", ["partners"]):
            store.remove(batch.path)
        found = document("guest", "7")
        assert [row["values"]["error_code"] for row in found["runs"][0]["saw"]] == ["batch_is_gone"]
        assert found["record"]["odoo_id"] == 70

    def test_other_records_and_integrations_are_not_in_it(self) -> None:
        assert len(document("guest", "8")["runs"]) == 1
        assert run("guest", "7", "--integration", "other").exit_code == 1


@pytest.mark.usefixtures("_guest")
def test_people_read_the_same(state: State) -> None:
    state.mark_vanished("pms", "guest", ["7"])
    text = run("guest", "7").stdout
    for part in (
        "guest 7 of pms",
        "res.partner 70",
        "vanished",
        "http://127.0.0.1:3000/runs/run-1",
        'name: "Zoë" -> "Zoe" (by latest_wins)',
        "phone both_changed",
        'base "0", external "1", odoo "2"',
        "dead letter",
        "email: 'x'",
    ):
        assert part in text


@pytest.mark.usefixtures("_guest")
@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (("guest", "9"), "Kinds of records are: booking, guest, payment, room_type."),
        (("guest", "7", "-i", "hotel"), "There is no integration of this name; configured: pms."),
    ],
)
def test_an_unknown_record_is_said_to_be_unknown(arguments: tuple[str, ...], fix: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing is known of guest" in result.stderr
    assert fix in result.stderr


def test_without_a_database_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = run("guest", "7")
    assert result.exit_code == 1
    assert "ODOO_PIPELINES_DATABASE_URL" in result.stderr


@pytest.mark.usefixtures("_guest")
def test_records_that_may_be_the_same_are_named() -> None:
    [twin] = document("guest", "7")["possible_duplicates"]
    assert (twin["odoo_id"], twin["candidate_id"], twin["code"]) == (70, 17, "company")
    assert "res.partner 17" in run("guest", "7").stdout
