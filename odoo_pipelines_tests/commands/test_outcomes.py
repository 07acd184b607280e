"""What became of the rows of a run: as a table, JSON, CSV, and as frames in a notebook."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from odoo_pipelines import notebook
from odoo_pipelines.errors import BatchStoreError
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import mapped_schema, to_columns
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER
from odoo_pipelines.systems.records import Batch, FieldChange, Outcome, RowOutcome
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.stores.builders import a_record, commit

RUN, ORDERS, OLDER = (
    RunRef("run-2", "pms", "partners"),
    RunRef("run-2", "pms", "orders"),
    RunRef("run-1", "pms", "partners"),
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _two_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str, state: State) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)
    state.start(OLDER, "full")
    commit(state, OLDER, RowOutcome("guest", "6", Outcome.CREATED), records=(a_record("6", 60),))
    state.start(RUN, "delta")
    changed = RowOutcome(
        "guest", "7", Outcome.UPDATED, changes=(FieldChange("name", "Zoë", 'Zoe; "2"', "latest_wins"),)
    )
    rejected = RowOutcome(
        "guest", "8", Outcome.REJECTED, field="email", code="bad", reason="email: 'x', y", payload="{}"
    )
    commit(state, RUN, changed, rejected, records=(a_record("7", 70),))
    state.start(ORDERS, "delta")
    commit(state, ORDERS, RowOutcome("booking", "9", Outcome.CREATED), records=(a_record("9", 90, entity="booking"),))


def run(*arguments: str) -> Result:
    return command_line.run("outcomes", *arguments)


def test_the_newest_run_is_shown_with_reasons_and_changed_fields() -> None:
    result = run()
    assert result.exit_code == 0, result.stderr
    assert "Run run-2" in result.stdout
    assert "guest 7" in result.stdout
    assert "email: 'x', y" in result.stdout
    assert "guest 6" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--run", "run-1"), ["6"]),
        (("--flow", "orders"), ["9"]),
        (("--outcome", "rejected"), ["8"]),
        (("--outcome", "rejected", "--outcome", "updated"), ["7", "8"]),
        (("--limit", "1"), ["7"]),
    ],
)
def test_they_are_narrowed_down(arguments: tuple[str, ...], expected: list[str]) -> None:
    result = run("--json", *arguments)
    assert [each["external_id"] for each in json.loads(result.stdout)] == expected
    assert ("more than 1" in result.stderr) is ("--limit" in arguments)


def test_csv_has_all_columns_and_can_be_read_again() -> None:
    frame = pd.read_csv(io.StringIO(run("--csv").stdout), dtype=str, keep_default_na=False)
    assert list(frame["external_id"]) == ["7", "8", "9"]
    assert json.loads(frame["changes"][0])[0]["after"] == 'Zoe; "2"'
    assert frame["reason"][1] == "email: 'x', y"
    assert run("--csv", "--flow", "nothing").stdout.startswith("run_id,integration,flow,attempt,entity,external_id,")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--run", "nowhere"), 1, "Nothing is known of run nowhere."),
        (("--integration", "spa"), 1, "Nothing is known of any run."),
        (("--csv", "--json"), 2, "goes without --json"),
        (("--outcome", "lost"), 2, "lost"),
    ],
)
def test_what_cannot_be_shown_is_told(arguments: tuple[str, ...], code: int, told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr


def test_a_notebook_gets_frames(state: State, tmp_path: Path) -> None:
    store = BatchStore(tmp_path / "data")
    for name in ("7", "8"):
        path = store.path_for("pms", "mapped", "partners", "", RUN.run_id)
        with store.writer(path, mapped_schema(PARTNER)) as writer:
            writer.write([to_columns(MappedRow("guest", name, NOON, {"name": "Zoe"}), PARTNER)])
        state.register(Batch(0, "pms", "mapped", "partners", "", RUN.run_id, path, 1, NOON))
    assert list(notebook.runs()["flow"]) == ["orders", "partners", "partners"]
    assert list(notebook.outcomes("run-2", outcome="rejected")["external_id"]) == ["8"]
    assert list(notebook.outcomes("run-2", flow="orders", outcome=["created"])["external_id"]) == ["9"]
    rows = notebook.rows("run-2", "mapped", "partners")
    assert list(rows["external_id"]) == ["7", "8"]
    assert notebook.rows("run-2", "external").empty
    store.remove(path)
    with pytest.raises(BatchStoreError):
        notebook.rows("run-2", "mapped")


def test_commands_start_without_pandas() -> None:
    code = "import odoo_pipelines.cli, sys; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
