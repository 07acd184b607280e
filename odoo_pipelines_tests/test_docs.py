"""The documentation says what the code does: names, settings, options, links and examples are held against it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import typer
import yaml
from dotenv import dotenv_values
from sqlalchemy.dialects import postgresql

from odoo_pipelines import errors, systems
from odoo_pipelines.cli import app
from odoo_pipelines.commands.bootstrap import needed_fields
from odoo_pipelines.defs.assets import assets_of
from odoo_pipelines.defs.dry_run import dry_run_job
from odoo_pipelines.defs.jobs import jobs_of, schedules_of
from odoo_pipelines.defs.outbound import outbound_assets_of
from odoo_pipelines.defs.retention import retention, retention_schedule
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.integration import ExternalSettings, Integration, OdooSettings
from odoo_pipelines.settings import _Environment, load_settings
from odoo_pipelines.stores.tables import SCHEMA, metadata
from odoo_pipelines.systems.base import MappingOptions
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.environment import unset_all

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
VARIABLES = {name.upper() for name in _Environment.model_fields}


def commands_of(group: Any, prefix: str = "") -> dict[str, Any]:
    """All commands by what is typed, such as "conflicts list"."""
    found = {f"{prefix}{name}": each for name, each in group.commands.items()}
    groups = {name: each for name, each in found.items() if hasattr(each, "commands")}
    below = (commands_of(each, f"{name} ") for name, each in groups.items())
    return {name: each for name, each in found.items() if name not in groups} | {
        name: each for some in below for name, each in some.items()
    }


COMMANDS = commands_of(typer.main.get_command(app))


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(language: str, *pages: Path) -> list[str]:
    found = (re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S) for page in pages)
    return [block for each in found for block in each]


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table whose header line begins with `heading`."""
    behind = text.split(f"\n{heading}", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in behind.splitlines()[2:]]


def options_of(command: str) -> set[str]:
    return {option for each in COMMANDS[command].params for option in each.opts if option.startswith("-")}


# Settings


def test_the_readme_lists_every_variable() -> None:
    assert {row[0].strip("`") for row in table(README, "| Variable |")} == VARIABLES


def test_the_readme_tells_the_defaults_of_plain_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    unset_all(monkeypatch)
    settings = load_settings()
    told = {row[0].strip("`"): row[1].strip("`") for row in table(README, "| Variable |")}
    assert told["ODOO_PIPELINES_RETENTION_DAYS"] == str(settings.retention_days)
    assert told["ODOO_ENABLED"] == str(settings.integrations["pms"].odoo_enabled).lower()


def test_the_example_of_env_has_every_variable_once() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^#?([A-Z_]+)=", text, re.M)) == sorted(VARIABLES)


def test_the_example_of_env_is_a_complete_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    unset_all(monkeypatch)
    for name, value in dotenv_values(ROOT / ".env.example").items():
        monkeypatch.setenv(name, value or "")
    assert load_settings(needed="pms").integration("pms").connections().odoo is not None


def test_the_example_of_integrations_is_a_complete_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    names = load_with_references(monkeypatch, ROOT / "integrations.example.yaml")
    assert names == ["grand-hotel", "lakeside"]


def test_the_example_of_integrations_shows_every_setting_with_its_default() -> None:
    content = yaml.safe_load((ROOT / "integrations.example.yaml").read_text(encoding="utf-8"))
    entry = content["integrations"]["grand-hotel"]
    sections = ((entry, Integration), (entry["external"], ExternalSettings), (entry["odoo"], OdooSettings))
    for shown, model in sections:
        fields = {name: field for name, field in model.model_fields.items() if name != "name"}
        assert shown.keys() == fields.keys()
        defaults = {name: field.get_default(call_default_factory=True) for name, field in fields.items()}
        different = {
            name for name, field in fields.items() if not field.is_required() and shown[name] != defaults[name]
        }
        assert different <= {"external", "odoo", "api_secret", "time_zone"}


def load_with_references(monkeypatch: pytest.MonkeyPatch, file: Path) -> list[str]:
    """Loads a file whose references are all set, and names its integrations."""
    unset_all(monkeypatch)
    for variable in re.findall(r"\$\{(\w+)\}", file.read_text(encoding="utf-8")):
        monkeypatch.setenv(variable, "https://example.com" if variable.endswith("URL") else "filled-in")
    monkeypatch.setenv("ODOO_PIPELINES_CONFIG", str(file))
    names = list(load_settings().integrations)
    for name in names:
        load_settings(needed=name).integration(name).connections()
    return names


# Commands


def test_the_readme_lists_every_command() -> None:
    documented = {row[0].strip("`").removeprefix("odoo-pipelines ") for row in table(README, "| Command |")}
    assert documented == set(COMMANDS)


def test_the_readme_lists_every_option_with_its_commands() -> None:
    for command in COMMANDS:
        rows = table(README, "| Option |")
        documented = {
            option for row in rows if command in row[1].split(", ") for option in re.findall(r"-[\w-]+", row[0])
        }
        assert documented == options_of(command), command


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_in_examples_exist_with_their_options(page: Path) -> None:
    for block in blocks("bash", page):
        for typed in re.findall(r"^odoo-pipelines ([^#\n]*)", block, re.M):
            command = next(name for name in COMMANDS if f"{typed} ".startswith(f"{name} "))
            assert set(re.findall(r"--[\w-]+", typed)) <= options_of(command)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_make_targets_on_the_page_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_shell_examples_can_be_parsed(page: Path) -> None:
    shell = shutil.which("bash")
    assert shell is not None
    for block in blocks("bash", page):
        checked = subprocess.run([shell, "-n"], input=block, text=True, capture_output=True, check=False)  # noqa: S603
        assert checked.stderr == ""


# Names


def test_assets_that_the_pages_name_exist() -> None:
    pms = Integration(name="pms")
    definitions = [*assets_of(pms), *outbound_assets_of(pms)]
    keys = {"/".join(key.path) for definition in definitions for key in definition.keys}
    short = {key.removeprefix("pms/") for key in keys}
    for page in set(PAGES) - {DOCS / "adding-a-system.md"}:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"\b(?:pms/)?(?:external|mapped|odoo)/[a-z_]+\b(?![./])", text))
        assert named <= keys | short, page


def test_jobs_and_schedules_that_the_pages_name_exist() -> None:
    pms, hotel = Integration(name="pms"), Integration(name="grand-hotel")
    jobs = {job.name for each in (pms, hotel) for job in jobs_of(each)} | {retention.name}
    schedules = {schedule.name for each in (pms, hotel) for schedule in schedules_of(each)} | {retention_schedule.name}
    named = {name for page in PAGES for name in re.findall(r"\b\w+_(?:sync|schedule)\b", page.read_text("utf-8"))}
    assert {name for name in named if name != "auto_sync"} <= jobs | schedules
    assert {row[0].strip("`") for row in table(OPERATIONS, "| Job |")} == {job.name for job in jobs_of(pms)} | {
        retention.name,
        dry_run_job(pms).name,
    }


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_errors_that_the_page_names_exist(page: Path) -> None:
    for name in re.findall(r"`(\w+Error)\b", page.read_text(encoding="utf-8")):
        assert hasattr(errors, name), name


def test_the_pages_name_the_outcomes_in_order() -> None:
    words = [word.value for word in Outcome]
    assert [row[0] for row in table(OPERATIONS, "| Outcome |")] == words
    assert f"*{', '.join(words)}*" in README


def test_every_decision_is_in_the_index() -> None:
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    for page in sorted((DOCS / "adr").glob("0*.md")):
        title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in index


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


# Examples


@pytest.mark.parametrize("query", blocks("sql", *PAGES))
def test_queries_run_on_the_state(query: str, engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text(query))


@pytest.mark.parametrize("block", blocks("yaml", *PAGES))
def test_yaml_on_the_pages_is_valid(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = yaml.safe_load(block)
    assert isinstance(content, dict)
    if "integrations" in content:
        file = tmp_path / "integrations.yaml"
        file.write_text(block, encoding="utf-8")
        assert load_with_references(monkeypatch, file) == list(content["integrations"])


def test_the_page_of_the_state_lists_every_table_and_column() -> None:
    page = (DOCS / "state.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `(\w+)`", page, re.M) == [each.name for each in metadata.tables.values()]
    for each in metadata.tables.values():
        section = page.split(f"\n## `{each.name}`\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
        assert section.strip().splitlines()[0] == f"{each.comment}."
        assert table(section, "| Column |") == [column_row(column) for column in each.columns]
    assert f"schema `{SCHEMA}`" in page


def column_row(column: sa.Column[object]) -> list[str]:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    kind = kind.replace("timestamp with time zone", "timestamptz")
    notes = ", key" * column.primary_key + ", null" * bool(column.nullable)
    return [f"`{column.name}`", f"{kind}{notes}", column.comment or ""]


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The system that the page on adding one describes, made from it; its name."""
    page = (DOCS / "adding-a-system.md").read_text(encoding="utf-8")
    package = tmp_path / "club"
    package.mkdir()
    (package / "__init__.py").write_text('"""The club."""\n', encoding="utf-8")
    modules = re.findall(r"^`odoo_pipelines/systems/club/(\w+\.py)`:\n\n```python\n(.*?)^```$", page, re.M | re.S)
    for name, code in modules:
        (package / name).write_text(code, encoding="utf-8")
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(tmp_path)])
    systems.system_names.cache_clear()
    systems.get_system.cache_clear()
    yield "club"
    systems.system_names.cache_clear()
    systems.get_system.cache_clear()
    for module in [name for name in sys.modules if name.startswith("odoo_pipelines.systems.club")]:
        del sys.modules[module]
    vars(systems).pop("club", None)


def test_the_system_of_the_page_is_found_by_its_name(club: str) -> None:
    assert systems.get_system(club).name == club


def test_the_system_of_the_page_maps_and_rejects_as_it_says(club: str) -> None:
    system = systems.get_system(club)
    (flow,) = system.flows
    parse, mapper = system.streams["members"].payload.parse, flow.mappers["members"]
    (row,) = mapper(
        parse({"id": 7, "name": "Ada", "points": "12", "updated_at": "2026-05-01T00:00:00Z"}), MappingOptions()
    )
    assert (row.external_id, row.values) == ("7", {"name": "Ada", "x_club_points": 12})
    (dropped,) = mapper(parse({"id": 7, "name": "Ada", "points": "many"}), MappingOptions())
    assert (dropped.values, len(dropped.warnings)) == ({"name": "Ada"}, 1)
    with pytest.raises(RowRejectedError, match="name: missing"):
        mapper(parse({"id": 7}), MappingOptions())


def test_the_system_of_the_page_has_the_assets_that_it_names(club: str) -> None:
    assets = assets_of(Integration(name="members", system=club))
    dg.Definitions.validate_loadable(
        dg.Definitions(assets=assets, resources={"sessions": dg.ResourceDefinition.none_resource()})
    )
    keys = {"/".join(key.path) for definition in assets for key in definition.keys}
    assert keys == set(re.findall(r"`(members/\w+/\w+)`", (DOCS / "adding-a-system.md").read_text(encoding="utf-8")))


def test_bootstrap_makes_the_fields_of_the_system_of_the_page(club: str) -> None:
    fields = needed_fields(systems.get_system(club))
    assert [each.name for each in fields["res.partner"]] == ["x_sync_key", "x_club_points"]
