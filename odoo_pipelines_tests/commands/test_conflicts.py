"""`odoo-pipelines conflicts`: what a person sees of a conflict, and how it is answered; with the database alone."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import Result

from odoo_pipelines.commands.conflict_view import print_conflict
from odoo_pipelines.stores.conflicts import ConflictFilter
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import (
    BOTH_CHANGED,
    DELETED_IN_ODOO,
    ID_REUSED,
    POSSIBLE_MATCH,
    WHOLE_RECORD,
    Conflict,
    Outcome,
    RowOutcome,
)
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.environment import COMPLETE, unset_all
from odoo_pipelines_tests.stores.builders import NOON, a_record, commit

RUN = RunRef("run-1", "pms", "partners")
PHONE = Conflict("phone", BOTH_CHANGED, "phone: both", "+4310", "+4320", "+4330", NOON, "2026-03-01 11:00:00")
POINTS = Conflict("x_loyalty_points", BOTH_CHANGED, "points: both", 10, 20, 30)
FROZEN = Conflict("state", "frozen", "state: the record is locked; unlock it in Odoo")
DELETED = Conflict(WHOLE_RECORD, DELETED_IN_ODOO, "its record was deleted", external="h1")


@pytest.fixture(autouse=True)
def _database_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


@pytest.fixture
def ids(state: State) -> list[int]:
    """Ids of the conflicts of one guest: over the phone, the points and the state, and of a deleted one."""
    state.start(RUN, "full")
    guest = RowOutcome("guest", "7", Outcome.CONFLICT, conflicts=(PHONE, POINTS, FROZEN))
    gone = RowOutcome("guest", "8", Outcome.CONFLICT, conflicts=(DELETED,))
    commit(state, RUN, guest, gone, records=(a_record("7", 70),))
    return [each.id for each in state.conflicts(ConflictFilter())]


def run(*arguments: object, typed: str = "") -> Result:
    return command_line.run("conflicts", *map(str, arguments), typed=typed)


def answers(state: State) -> dict[str, object]:
    """Choices, or values where one was given, by field."""
    found = [each for answers in state.resolutions("pms", "partners").values() for each in answers]
    return {each.field: (each.choice, each.value) for each in found}


@pytest.mark.parametrize("command", [(), ("list",), ("show",), ("resolve",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


class TestList:
    @pytest.mark.usefixtures("ids")
    def test_the_open_ones_are_shown_one_a_line(self) -> None:
        result = run("list")
        assert result.exit_code == 0, result.stderr
        [phone] = [line for line in result.stdout.splitlines() if "phone" in line]
        assert all(word in phone for word in ("pms", "partners", "guest 7", "both_changed", "open"))
        assert len(result.stdout.splitlines()) == 5

    def test_filters_narrow_it_down(self, state: State, ids: list[int]) -> None:
        state.resolve(ids[:1], "odoo")

        def listed(*arguments: str) -> list[int]:
            return [each["id"] for each in json.loads(run("list", "--json", *arguments).stdout)]

        assert listed() == ids[1:]
        assert listed("--state", "resolved") == ids[:1]
        assert listed("--state", "all") == ids
        assert listed("--state", "all", "--field", "phone", "--flow", "partners", "--integration", "pms") == ids[:1]
        assert listed("--flow", "orders") == []

    def test_more_than_asked_for_are_not_concealed(self, ids: list[int]) -> None:
        result = run("list", "--limit", "3")
        assert "more than 3" in result.stderr
        assert len(result.stdout.splitlines()) == len(ids)

    def test_where_there_are_none_it_says_so(self) -> None:
        assert run("list").stdout == "No open conflicts.\n"
        assert run("list", "--json").stdout.strip() == "[]"

    def test_an_unknown_integration_is_refused_with_the_known_ones(self) -> None:
        result = run("list", "-i", "spa")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "there is no integration 'spa'; configured: pms" in result.stderr

    def test_without_the_database_there_is_one_clear_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", "postgresql://nobody:hidden-word@127.0.0.1:1/none")
        result = run("list")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "check ODOO_PIPELINES_DATABASE_URL" in result.stderr
        assert "hidden-word" not in result.stderr


class TestShow:
    def test_base_external_and_odoo_stand_side_by_side_with_their_times(self, ids: list[int]) -> None:
        result = run("show", ids[0])
        assert result.exit_code == 0, result.stderr
        [values] = [line for line in result.stdout.splitlines() if '"+4310"' in line]
        assert values.index("+4310") < values.index("+4320") < values.index("+4330")
        [times] = [line for line in result.stdout.splitlines() if "changed" in line and "11:00:00" in line]
        assert times.index("2026-03-01 12:00:00 UTC") < times.index("2026-03-01 11:00:00 UTC")
        assert "phone: both" in result.stdout
        for option in ("--take external", "--take odoo", "--value"):
            assert f"odoo-pipelines conflicts resolve {ids[0]} {option}" in result.stdout
        assert "--retry" not in result.stdout

    def test_what_moved_away_from_the_base_stands_out(self, state: State, ids: list[int]) -> None:
        shown = StringIO()
        console = Console(file=shown, force_terminal=True, color_system="standard", width=200, _environ={})
        print_conflict(replace(state.conflict(ids[0]), external="+4310"), "", console)
        assert '\x1b[1;33m"+4330"' in shown.getvalue()
        assert shown.getvalue().count("\x1b[1;33m") == 1

    def test_a_line_is_shown_field_by_field(self, state: State, ids: list[int]) -> None:
        line = {"name": "Deluxe", "price_unit": 80.0}
        shown = StringIO()
        conflict = replace(state.conflict(ids[0]), base=line, external=None, odoo={**line, "price_unit": 95.0})
        print_conflict(conflict, "", Console(file=shown, width=200))
        [price] = [row for row in shown.getvalue().splitlines() if "price_unit" in row]
        assert price.index("80.0") < price.index("95.0")
        assert "--value" not in shown.getvalue()

    def test_text_from_outside_neither_marks_up_nor_steers_the_terminal(self, state: State, ids: list[int]) -> None:
        conflict = replace(state.conflict(ids[0]), reason="[bold]\x1b[2J", odoo="[red]\x1b]0;x\x07")
        shown = StringIO()
        print_conflict(conflict, "", Console(file=shown, width=200))
        assert "[bold]\\x1b[2J" in shown.getvalue()
        assert "[red]\\u001b]0;x\\u0007" in shown.getvalue()
        assert "\x1b" not in shown.getvalue()

    def test_a_link_leads_to_the_record_where_odoo_is_configured(
        self, ids: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "in Odoo" not in run("show", ids[0]).stdout
        for variable, value in COMPLETE.items():
            monkeypatch.setenv(variable, value)
        assert "https://odoo.example/web#id=70&model=res.partner&view_type=form" in run("show", ids[0]).stdout

    def test_one_about_the_record_tells_what_to_do(self, ids: list[int]) -> None:
        _, _, frozen, deleted = ids
        shown = run("show", frozen).stdout
        assert "unlock it in Odoo" in shown
        assert f"resolve {frozen} --retry" in shown
        assert "--take" not in shown
        assert "create the record again" in run("show", deleted).stdout

    def test_an_answer_and_a_stale_one_are_told(self, state: State, ids: list[int]) -> None:
        state.resolve(ids[:1], "value", "+4399")
        assert '"+4399", given ' in run("show", ids[0]).stdout
        state.start(RUN, "full")
        commit(state, RUN, RowOutcome("guest", "7", Outcome.CONFLICT, conflicts=(PHONE,)))
        assert "It was answered before." in run("show", ids[0]).stdout
        [line] = [line for line in run("list").stdout.splitlines() if "phone" in line]
        assert "stale" in line

    def test_json_is_the_whole_conflict(self, ids: list[int]) -> None:
        document = json.loads(run("show", ids[0], "--json").stdout)
        expected = {"id": ids[0], "base": "+4310", "external": "+4320", "odoo": "+4330", "state": "open", "url": ""}
        assert {name: document[name] for name in expected} == expected
        assert document["external_at"] == "2026-03-01T12:00:00+00:00"
        assert document["choices"] == ["external", "odoo", "value"]

    def test_an_unknown_one_is_a_clear_error(self) -> None:
        result = run("show", "4711")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "ResolutionError: there is no conflict 4711" in result.stderr


class TestResolve:
    @pytest.mark.parametrize("side", ["external", "odoo"])
    def test_a_side_is_taken(self, state: State, ids: list[int], side: str) -> None:
        result = run("resolve", ids[0], ids[1], "--take", side)
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "2 answered. The next run of their flows applies it.\n"
        assert answers(state) == {"phone": (side, None), "x_loyalty_points": (side, None)}

    @pytest.mark.parametrize(
        ("field", "written", "value"),
        [
            (0, "+43 99", "+43 99"),
            (0, "4399", "4399"),  # a number that is a text
            (0, '"4399"', "4399"),
            (0, "null", None),
            (0, "", ""),
            (1, "4399", 4399),
            (1, "4.5", 4.5),
            (1, "[1, 2]", [1, 2]),
        ],
    )
    def test_another_value_is_of_the_fields_type(
        self, state: State, ids: list[int], field: int, written: str, value: object
    ) -> None:
        assert run("resolve", ids[field], "--value", written).exit_code == 0
        assert list(answers(state).values()) == [("value", value)]

    def test_what_was_mended_is_retried(self, state: State, ids: list[int]) -> None:
        assert run("resolve", ids[2], "--retry").exit_code == 0
        assert answers(state) == {"state": ("retry", None)}

    def test_an_answer_that_does_not_fit_is_refused_and_none_is_kept(self, state: State, ids: list[int]) -> None:
        result = run("resolve", ids[0], ids[2], "--take", "odoo")
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"conflict {ids[2]} (frozen) cannot be answered with 'odoo', only with: retry" in result.stderr
        assert answers(state) == {}

    @pytest.mark.parametrize(
        "arguments",
        [
            ("1",),
            ("1", "--take", "both"),
            ("1", "--take", "odoo", "--retry"),
            ("1", "--take", "odoo", "--value", ""),
            ("--take", "odoo"),
            ("1", "--all", "--take", "odoo"),
            ("1", "--flow", "partners", "--take", "odoo"),
            ("one", "--retry"),
        ],
    )
    def test_what_is_ambiguous_is_a_usage_error(self, arguments: tuple[str, ...]) -> None:
        result = run("resolve", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")

    def test_all_that_allow_it_are_shown_and_answered_with_consent(self, state: State, ids: list[int]) -> None:
        refused = run("resolve", "--all", "--take", "odoo", typed="n\n")
        assert (refused.exit_code, answers(state)) == (1, {})
        assert "Answer these 3?" in refused.stdout
        assert "1 do not allow this answer" in refused.stderr
        assert run("resolve", "--all", "--take", "odoo", typed="y\n").exit_code == 0
        assert set(answers(state)) == {"phone", "x_loyalty_points", WHOLE_RECORD}
        assert state.conflict(ids[2]).state == "open"

    @pytest.mark.usefixtures("ids")
    def test_filters_say_which_and_yes_asks_nothing(self, state: State) -> None:
        result = run("resolve", "--all", "--field", "phone", "--take", "external", "--yes")
        assert result.stdout == "1 answered. The next run of their flows applies it.\n"
        assert answers(state) == {"phone": ("external", None)}

    def test_where_there_is_nothing_nothing_is_asked(self) -> None:
        result = run("resolve", "--all", "--retry")
        assert (result.exit_code, result.stdout) == (0, "Nothing to answer.\n")


class TestPossibleMatch:
    @pytest.fixture
    def asked(self, state: State) -> int:
        """A guest who may be one of two contacts."""
        said = {"name": "Anna Berg", "email": "a@example.com", "phone": None}
        shown = [
            {"id": each, "name": "Ann Berg", "email_normalized": "a@example.com", "phone_sanitized": None, "why": why}
            for each, why in ((17, "other_name"), (23, "company"))
        ]
        conflict = Conflict(WHOLE_RECORD, POSSIBLE_MATCH, "two may be it", external=said, odoo=shown)
        state.start(RUN, "full")
        commit(state, RUN, RowOutcome("guest", "7", Outcome.CONFLICT, conflicts=(conflict,)))
        [found] = state.conflicts(ConflictFilter())
        return found.id

    def test_it_is_shown_with_the_records_and_both_answers(self, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in COMPLETE.items():
            monkeypatch.setenv(name, value)
        said = run("show", asked).stdout
        assert "other_name" in said
        assert "company" in said
        for option in ("--adopt ID", "--new"):
            assert f"odoo-pipelines conflicts resolve {asked} {option}" in said
        document = json.loads(run("show", asked, "--json").stdout)
        assert document["choices"] == ["adopt", "new"]
        assert "id=17&model=res.partner" in document["candidate_urls"]["17"]

    def test_one_of_the_records_is_taken(self, state: State, asked: int) -> None:
        assert run("resolve", asked, "--adopt", 23).exit_code == 0
        assert answers(state) == {WHOLE_RECORD: ("adopt", 23)}

    def test_none_of_the_records_is_taken(self, state: State, asked: int) -> None:
        assert run("resolve", "--all", "--new", "--yes").exit_code == 0
        assert answers(state) == {WHOLE_RECORD: ("new", None)}

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("--adopt", 99), "one of: 17, 23"),
            (("--retry",), "only with: adopt, new"),
            (("--new", "--adopt", 17), "give one answer"),
        ],
    )
    def test_another_answer_is_refused(
        self, state: State, asked: int, arguments: tuple[object, ...], reason: str
    ) -> None:
        result = run("resolve", asked, *arguments)
        assert result.exit_code != 0
        assert reason in " ".join(result.stderr.split())
        assert answers(state) == {}


def test_a_reused_id_is_shown_with_both_records_and_what_each_answer_does(state: State) -> None:
    stay, another = {"client_order_ref": "R-1", "partner_id": 1}, {"client_order_ref": "R-2", "partner_id": 2}
    conflict = Conflict(WHOLE_RECORD, ID_REUSED, "nothing is the same", base=stay, external=another, odoo=stay)
    state.start(RUN, "full")
    commit(state, RUN, RowOutcome("booking", "7", Outcome.CONFLICT, conflicts=(conflict,)))
    [found] = state.conflicts(ConflictFilter())
    said = run("show", found.id).stdout
    assert all(text in said for text in ("client_order_ref", '"R-1"', '"R-2"', "--take external", "--retry"))
    assert "write the external values" in said
    assert "--take odoo" not in said
    assert run("resolve", found.id, "--take", "external").exit_code == 0
    assert answers(state) == {WHOLE_RECORD: ("external", None)}
