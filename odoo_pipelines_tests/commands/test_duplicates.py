"""`odoo-pipelines duplicates`: records that may be the same, with the database alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import Outcome, PossibleDuplicate, RowOutcome
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.environment import COMPLETE, unset_all
from odoo_pipelines_tests.stores.builders import a_record, commit

RUN = RunRef("run-1", "pms", "partners")


@pytest.fixture(autouse=True)
def _database_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


@pytest.fixture
def _notes(state: State) -> None:
    """Two of one guest, one of another."""
    state.start(RUN, "full")
    outcomes = [
        RowOutcome(
            "guest",
            external_id,
            Outcome.CREATED,
            duplicates=tuple(PossibleDuplicate("res.partner", odoo_id, each, "other_name") for each in others),
        )
        for external_id, odoo_id, others in (("7", 70, (17, 18)), ("8", 80, (17,)))
    ]
    commit(state, RUN, *outcomes, records=(a_record("7", 70), a_record("8", 80)))


def run(*arguments: object) -> Result:
    return command_line.run("duplicates", *map(str, arguments))


def listed(*arguments: object) -> list[dict[str, Any]]:
    result = run("list", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def pairs(found: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(each["odoo_id"], each["candidate_id"]) for each in found]


@pytest.mark.usefixtures("_notes")
def test_pairs_are_listed_with_links_where_odoo_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "res.partner 17" in " ".join(run("list").stdout.split())
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    first = listed()[0]
    assert "id=70&model=res.partner" in first["url"]
    assert "id=17&model=res.partner" in first["candidate_url"]


@pytest.mark.usefixtures("_notes")
def test_filters_and_the_limit_narrow_it_down() -> None:
    assert pairs(listed("--integration", "pms", "--flow", "partners")) == [(70, 17), (70, 18), (80, 17)]
    assert listed("--flow", "orders") == []
    assert len(listed("--limit", 2)) == 2
    assert "more than 2" in run("list", "--limit", 2).stderr
    refused = run("list", "--integration", "nobody")
    assert refused.exit_code == 1
    assert "there is no integration 'nobody'" in refused.stderr


@pytest.mark.usefixtures("_notes")
def test_what_was_dismissed_is_gone_for_good(state: State) -> None:
    first, second, _ = listed()
    assert run("dismiss", first["id"], second["id"]).exit_code == 0
    again = PossibleDuplicate("res.partner", 70, 17, "company")
    commit(state, RUN, RowOutcome("guest", "7", Outcome.CREATED, duplicates=(again,)))
    assert pairs(listed()) == [(80, 17)]


@pytest.mark.usefixtures("_notes")
def test_an_unknown_number_dismisses_nothing() -> None:
    first = listed()[0]["id"]
    result = run("dismiss", first, 99)
    assert result.exit_code == 1
    assert "there is no note 99" in result.stderr
    assert len(listed()) == 3


def test_without_any_it_says_so() -> None:
    assert "No possible duplicates." in run("list").stdout


@pytest.mark.usefixtures("_notes")
def test_a_pair_is_over_when_one_of_both_is_gone_or_the_record_is_another(state: State) -> None:
    state.end_duplicates("pms", "res.partner", [18])
    assert pairs(listed()) == [(70, 17), (80, 17)]
    commit(state, RUN, RowOutcome("guest", "8", Outcome.UPDATED), records=(a_record("8", 81),))
    assert pairs(listed()) == [(70, 17)]
    assert state.noted_records("pms", "res.partner") == [17, 70, 80]
    state.end_duplicates("pms", "res.partner", [])
    assert state.noted_records("pms", "res.partner") == [17, 70]
