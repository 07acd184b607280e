"""What a dry run shows, to programs and to people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from rich.console import Console
from typer.testing import Result

from odoo_pipelines.commands.dry_run import dry_run_document, print_dry_run
from odoo_pipelines.defs.dry_run import FlowPreview
from odoo_pipelines.engine.preview import Preview
from odoo_pipelines.systems.records import BOTH_CHANGED, Conflict, Counts, FieldChange, Outcome
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.command_line import staged_folder
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage
from odoo_pipelines_tests.in_memory import record_in_memory

WORDS = ["extracted", "created", "updated", "unchanged", "conflict", "rejected", "superseded"]


def flows() -> dict[str, FlowPreview]:
    counts = Counts(extracted=4)
    for outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.CONFLICT, Outcome.REJECTED):
        counts.add(outcome)
    asked = Conflict("city", BOTH_CHANGED, base="Linz", external="Graz", odoo="Wien", external_at=datetime.now(UTC))
    sample = [
        Preview("guest", "1", Outcome.CREATED, (FieldChange("name", None, "John [bold]Smith"),)),
        Preview("guest", "2", Outcome.UPDATED, (FieldChange("zip", False, "1010"), FieldChange("vip", True, False))),
        Preview("guest", "3", Outcome.CONFLICT, conflicts=(asked,), field="city", code=BOTH_CHANGED, reason="asked"),
        Preview("guest", "4\x1b[31m", Outcome.REJECTED, field="name", code="required", reason="name: is required"),
    ]
    return {"partners": FlowPreview(counts, {"zip": 1, "vip": 1}, sample), "orders": FlowPreview()}


def printed() -> list[str]:
    console = Console(width=160, color_system=None)
    with console.capture() as shown:
        print_dry_run("delta", flows(), console)
    return shown.get().splitlines()


def line(text: str) -> str:
    """The only line with a text in it."""
    [found] = [each for each in printed() if text in each]
    return " ".join(found.split())


class TestPage:
    def test_the_headline_says_that_nothing_was_written(self) -> None:
        assert "Dry run of a delta sync" in printed()[0]
        assert "Nothing was written." in line("as far as Odoo accepts it")

    def test_the_table_is_that_of_a_sync(self) -> None:
        assert [word in line("extracted") for word in WORDS] == [True] * 7
        assert line("orders") == "orders 0 0 0 0 0 0 0"

    def test_every_adoption_has_a_line_of_its_own_and_is_shown_as_no_update(self) -> None:
        adopted = Preview("guest", "5", Outcome.UPDATED, (FieldChange("x_sync_key", False, "k"),), adopts=17)
        flow = flows()["partners"]
        flow.adoptions.append(adopted)
        console = Console(width=160, color_system=None)
        with console.capture() as shown:
            print_dry_run("delta", {"partners": flow}, console)
        [found] = [" ".join(each.split()) for each in shown.get().splitlines() if "guest 5" in each]
        assert found == 'guest 5 adopts 17 x_sync_key false "k"'
        [said] = dry_run_document("delta", {"partners": flow})["flows"]["partners"]["adopts"]
        assert (said["outcome"], said["adopts"]) == ("adopts", 17)

    def test_what_may_be_the_same_as_a_new_record_is_shown_with_it(self) -> None:
        preview = Preview("guest", "5", Outcome.CREATED, duplicates=(17, 18))
        console = Console(width=160, color_system=None)
        with console.capture() as shown:
            print_dry_run("delta", {"partners": FlowPreview(sample=[preview])}, console)
        assert "possible duplicate of  17, 18" in shown.get()

    def test_a_new_record_is_shown_with_its_values_as_they_are(self) -> None:
        assert line("John") == 'guest 1 created name - "John [bold]Smith"'

    def test_a_change_is_shown_with_what_odoo_has_and_the_record_is_named_once(self) -> None:
        assert line("zip") == 'guest 2 updated zip false "1010"'
        assert line("vip") == "vip true false"

    def test_a_conflict_shows_both_sides_and_a_rejection_its_reason(self) -> None:
        assert line("Graz") == 'guest 3 conflict city "Wien" conflict: the external system says "Graz"'
        assert line("is required").endswith("rejected name required: name: is required")

    def test_nothing_in_a_row_steers_the_terminal(self) -> None:
        assert "\x1b" not in "".join(printed())


@pytest.fixture
def stage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        record_in_memory(tmp_path)
        yield stage


def run(*arguments: str) -> Result:
    return command_line.run("sync", *arguments)


def document(*arguments: str) -> Any:
    result = run("--dry-run", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class TestCommand:
    def test_people_get_the_page_and_odoo_nothing(self, stage: Stage) -> None:
        result = run("--dry-run", "--mode", "full", "--sample", "1")
        assert result.exit_code == 0, result.stderr
        assert "Dry run of a full sync" in result.stdout
        assert "x_external_guest_id" in result.stdout
        assert stage.odoo("sale.order", "search_count", domain=[]) == 0

    def test_json_is_the_documented_document_and_nothing_else(self, stage: Stage) -> None:
        found = document("--mode", "full", "--sample", "2")
        assert list(found) == ["dry_run", "mode", "flows"]
        assert (found["dry_run"], found["mode"]) == (True, "full")
        orders = found["flows"]["orders"]
        assert list(orders) == ["counts", "adopts", "fields", "warnings", "sample"]
        assert list(orders["counts"]) == WORDS
        assert orders["counts"]["created"] == BOOKINGS
        assert len(orders["sample"]) == 2
        assert {"field", "before", "after", "policy"} == set(orders["sample"][0]["changes"][0])
        assert stage.keys

    def test_a_partition_can_be_chosen(self, stage: Stage) -> None:
        found = document("--mode", "full", "--partition", stage.keys[-1], "--sample", "0")
        assert 0 < found["flows"]["orders"]["counts"]["extracted"] < BOOKINGS
        assert found["flows"]["orders"]["sample"] == []

    def test_a_failure_exits_1_and_names_its_cause(self, stage: Stage) -> None:
        stage.pms_fault(kind="status", status=400, path="/guests", times=None)
        result = run("--dry-run", "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "/guests" in result.stderr

    @pytest.mark.usefixtures("stage")
    def test_a_sample_without_a_dry_run_is_a_usage_error(self) -> None:
        result = run("--sample", "3")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--dry-run" in result.stderr
