"""`odoo-pipelines dead-letters`: what a person sees of rejected rows, and how they are tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from rich.console import Console
from typer.testing import Result

from odoo_pipelines.commands.letter_view import letter_table
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import Outcome, RowOutcome
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.command_line import staged_folder
from odoo_pipelines_tests.defs.stage import Stage
from odoo_pipelines_tests.environment import COMPLETE, unset_all
from odoo_pipelines_tests.in_memory import record_in_memory
from odoo_pipelines_tests.stores.builders import commit

ROOT = Path(__file__).resolve().parents[2]
ORDERS, PARTNERS = RunRef("run-1", "pms", "orders"), RunRef("run-1", "pms", "partners")
SECRET = "Ada Lovelace"
BOOKING = RowOutcome(
    "booking",
    "b1",
    Outcome.REJECTED,
    field="check_in",
    code="invalid_date",
    reason=f"check_in: 'soon' of {SECRET}",
    payload=json.dumps({"id": "b1", "guest": {"name": SECRET}, "note": "\x1b[2J"}),
)
GUEST = RowOutcome("guest", "g1", Outcome.REJECTED, code="missing_reference", transient=True, payload='{"id": "g1"}')
NAMELESS = RowOutcome("booking", "", Outcome.REJECTED, code="missing_id", payload="null")


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str, state: State) -> dict[str, str]:
    """Three letters, with the database alone; their keys by class."""
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)
    for run, *rows in ((ORDERS, BOOKING, NAMELESS), (PARTNERS, GUEST)):
        state.start(run, "full")
        commit(state, run, *rows)
    return {each.code: each.key for each in state.letters(LetterFilter())}


@pytest.fixture
def stage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        record_in_memory(tmp_path)
        yield stage


def run(*arguments: str) -> Result:
    return command_line.run("dead-letters", *arguments)


def document(*arguments: str, code: int = 0) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("command", [(), ("list",), ("show",), ("replay",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


@pytest.mark.usefixtures("letters")
class TestList:
    def test_they_are_shown_without_a_value_of_their_rows(self) -> None:
        result = run("list")
        assert result.exit_code == 0, result.stderr
        assert "orders" in result.stdout
        assert SECRET not in result.stdout

    def test_each_is_a_line(self, letters: dict[str, str], state: State) -> None:
        console = Console(width=250)
        with console.capture() as shown:
            console.print(letter_table(state.letters(LetterFilter())))
        lines = {code: line for line in shown.get().splitlines() for code in letters if code in line}
        assert all(word in lines["invalid_date"] for word in ("orders", "booking b1", "check_in", "permanent", "waits"))
        assert all(word in lines["missing_reference"] for word in ("partners", "guest g1", "transient"))
        assert "waits" not in lines["missing_reference"]
        assert letters["missing_id"] in lines["missing_id"]

    def test_json_has_no_value_either(self) -> None:
        [letter] = document("list", "--flow", "orders", "--class", "invalid_date")
        assert not letter.keys() & {"payload", "reason"}
        assert (letter["external_id"], letter["code"], letter["attempts"], letter["next_try"]) == (
            "b1", "invalid_date", 1, None,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (("--integration", "pms"), {"b1", "g1", ""}),
            (("--flow", "partners"), {"g1"}),
            (("--class", "missing_id"), {""}),
            (("--flow", "partners", "--class", "missing_id"), set()),
        ],
    )
    def test_filters_narrow_them_down(self, filters: tuple[str, ...], found: set[str]) -> None:
        assert {each["external_id"] for each in document("list", *filters)} == found

    def test_more_than_the_limit_are_told(self) -> None:
        result = run("list", "--limit", "2")
        assert "more than 2" in result.stderr
        assert len(document("list", "--limit", "2")) == 2

    def test_none_is_said(self) -> None:
        assert run("list", "--class", "unheard_of").stdout == "No dead letters.\n"

    @pytest.mark.parametrize("command", [("list", "--flow", "rooms"), ("show", "rooms", "1")])
    def test_an_unknown_flow_is_refused_with_the_known_ones(
        self, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
    ) -> None:
        for variable, value in COMPLETE.items():
            monkeypatch.setenv(variable, value)
        result = run(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "there is no flow 'rooms'; known: partners, products, orders" in result.stderr


@pytest.mark.usefixtures("letters")
class TestShow:
    def test_all_of_it_is_shown_and_nothing_steers_the_terminal(self) -> None:
        result = run("show", "orders", "b1")
        assert result.exit_code == 0, result.stderr
        assert all(word in result.stdout for word in ("booking b1", "invalid_date", "check_in: 'soon'", "run-1"))
        assert f'"name": "{SECRET}"' in result.stdout
        assert "\x1b" not in result.stdout

    def test_json_has_the_payload_as_it_came(self) -> None:
        [letter] = document("show", "orders", "b1")
        assert letter["payload"] == {"id": "b1", "guest": {"name": SECRET}, "note": "\x1b[2J"}
        assert letter["reason"] == BOOKING.reason

    def test_a_row_without_an_id_is_found_by_the_key_of_the_list(self, letters: dict[str, str]) -> None:
        key = letters["missing_id"]
        assert key in {each["key"] for each in document("list")}
        [letter] = document("show", "orders", key)
        assert (letter["code"], letter["payload"]) == ("missing_id", None)

    def test_a_record_without_a_letter_is_an_error(self) -> None:
        result = run("show", "partners", "b1")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "Flow partners has no dead letter of b1." in result.stderr


class TestReplay:
    def test_what_was_cured_goes_through_and_what_was_not_says_why(self, stage: Stage) -> None:
        cured, broken = sorted(row["id"] for row in stage.served() if row["status"] == "confirmed")[:2]
        stage.edit(broken, check_in="soon")
        stage.odoo_fault(kind="bad_row", model="sale.order", contains=str(cured), times=None)
        assert stage.sync("full").success
        stage.odoo_faults_end()

        half = document("replay", "--flow", "orders", code=1)
        became = {each["external_id"]: each["became"] for each in half["letters"]}
        assert (half["status"], half["waiting"]) == ("success", 1)
        assert became == {str(cured): "created", str(broken): "rejected"}
        assert next(each["reason"] for each in half["letters"] if each["became"] == "rejected")

        again = run("replay", "--id", str(broken))
        assert (again.exit_code, "rejected" in again.stdout) == (1, True)
        stage.edit(broken, check_in="2026-03-01", check_out="2026-03-03")
        done = run("replay", "--class", half["letters"][0]["code"])
        assert done.exit_code == 0, done.output
        assert "1 of 1 are no dead letters any more, 0 still wait." in done.stdout
        assert stage.state.letters(LetterFilter("pms", "orders")) == []

    def test_what_the_pms_refused_is_sent_again_and_nothing_is_extracted(self, stage: Stage) -> None:
        booking = {"x_related_booking_id": "bk_00000099", "amount": 7.0}
        payment = stage.odoo("account.payment", "create", vals_list=[booking])
        stage.odoo("account.payment", "action_post", ids=payment)
        assert stage.sync("outbound").success
        [refused] = document("replay", "--flow", "payments_out", code=1)["letters"]
        assert (refused["became"], refused["code"], refused["reason"]) == (
            "rejected",
            "refused_with_404",
            "no such record",
        )
        stage.odoo("account.payment", "write", ids=payment, vals={"x_related_booking_id": stage.served()[0]["id"]})
        [sent] = document("replay", "--flow", "payments_out")["letters"]
        assert (sent["became"], sent["external_id"]) == ("created", refused["external_id"])
        assert stage.watermark() is None

    def test_without_a_letter_nothing_is_run(self, stage: Stage) -> None:
        assert run("replay").stdout == "No dead letters to replay.\n"
        assert document("replay")["letters"] == []
        assert stage.watermark() is None

    def test_a_run_that_fails_exits_1_names_its_cause_and_leaves_the_letters(self, stage: Stage) -> None:
        stage.edit(stage.confirmed()["id"], check_in="soon")
        assert stage.sync("full").success
        stage.pms_fault(kind="status", status=400, path="/guests", times=None)
        result = run("replay", "--json")
        assert result.exit_code == 1
        assert "The run failed: " in result.stderr
        assert "/guests" in result.stderr
        assert [each["became"] for each in json.loads(result.stdout)["letters"]] == ["not tried"]

    def test_with_loads_switched_off_nothing_is_tried(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        result = run("replay")
        assert result.exit_code == 1
        assert "ODOO_ENABLED is off" in result.stderr
        assert stage.watermark() is None
