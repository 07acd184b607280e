"""A stage for every test that asks for one; `parametrize("pms", [{...}], indirect=True)` changes its PMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines_tests.defs.stage import Stage, staged


@pytest.fixture
def pms(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Options of the sandbox PMS."""
    return getattr(request, "param", {})


@pytest.fixture
def stage(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fresh_database_url: str,
    engine: sa.Engine,
    pms: Mapping[str, Any],
) -> Iterator[Stage]:
    """A whole installation of the test's own."""
    with staged(monkeypatch, tmp_path, fresh_database_url, engine, pms) as stage:
        yield stage
