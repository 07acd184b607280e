"""What the doctor is told of Dagster's instance."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from odoo_pipelines.defs.instance import InstanceFacts, instance_facts
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines_tests.environment import COMPLETE, unset_all

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    unset_all(monkeypatch)
    for variable, value in {**COMPLETE, "DAGSTER_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(variable, value)
    return tmp_path


def test_this_projects_instance_limits_the_pool_of_every_integration(
    home: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_url: str
) -> None:
    shutil.copy(ROOT / "dagster.yaml", home)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)
    assert instance_facts() == InstanceFacts(own_storage=True, pool_limits={"odoo_pipelines/pms": 1})


def test_another_instance_is_recognised(home: Path) -> None:
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert instance_facts() == InstanceFacts(own_storage=False, pool_limits={})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("storage: {custom: {module: nowhere, class: Storage, config: {}}}\n", id="class"),
        pytest.param("storages: {}\n", id="key"),
    ],
)
def test_an_instance_that_cannot_be_opened_is_a_configuration_error(home: Path, content: str) -> None:
    (home / "dagster.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match="DAGSTER_HOME: "):
        instance_facts()
