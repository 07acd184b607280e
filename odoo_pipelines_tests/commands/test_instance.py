"""Shell commands find Dagster's home, or make one of this folder's configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odoo_pipelines.commands.instance import prepare_home
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import load_settings
from odoo_pipelines_tests.environment import unset_all


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)


def test_without_a_home_one_is_made_with_the_configuration_of_this_folder(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_home(load_settings())
    home = tmp_path / ".dagster_home"
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
    assert os.environ["DAGSTER_HOME"] == str(home)


def test_a_home_that_has_a_configuration_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    prepare_home(load_settings())
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: true}\n"


def test_where_there_is_none_at_all_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"DAGSTER_HOME: .* holds no dagster\.yaml; copy this project's there"):
        prepare_home(load_settings())
    assert tmp_path.exists()
