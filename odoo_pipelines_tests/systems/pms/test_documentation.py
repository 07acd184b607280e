from __future__ import annotations

import re
from pathlib import Path

import pytest

from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.pms.mapping.orders import STATES
from odoo_pipelines.systems.targets import TargetField

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
FIELDS: dict[str, tuple[TargetField, ...]] = {flow.target.model: flow.target.fields for flow in SYSTEM.flows} | {
    flow.target.lines.model: flow.target.lines.fields for flow in SYSTEM.flows if flow.target.lines
}


def table(before: str) -> list[list[str]]:
    """The cells of the first table behind a line."""
    behind = PAGE.split(f"\n{before}\n", maxsplit=1)[1].lstrip().split("\n\n", maxsplit=1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in behind.splitlines()[2:]]


@pytest.mark.parametrize("model", FIELDS)
def test_the_page_lists_the_fields_of_each_model_in_order(model: str) -> None:
    assert [row[0].strip("`") for row in table(f"`{model}`:")] == [field.name for field in FIELDS[model]]


@pytest.mark.parametrize("model", FIELDS)
def test_the_page_names_sources_that_the_table_of_the_system_has(model: str) -> None:
    for (_, sources, _), field in zip(table(f"`{model}`:"), FIELDS[model], strict=True):
        assert bool(sources) == bool(field.sources), field.name
        for named in re.findall("`([a-z_.]+)`", sources):
            assert any(source.endswith(f".{named}") for source in field.sources), (field.name, named)


def test_the_page_lists_every_status_with_its_state() -> None:
    assert {status.strip("`"): state for status, state in table("Of an order, by the status of the booking:")} == STATES


def test_the_page_names_the_product_categories() -> None:
    assert all(f'"{category}"' in PAGE for category in SYSTEM.product_categories)
