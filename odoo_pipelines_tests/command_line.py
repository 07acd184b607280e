"""The command line inside a test's own process."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from odoo_pipelines.cli import app
from odoo_pipelines_tests.defs.stage import Stage, staged

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def run(*arguments: str, typed: str = "", env: Mapping[str, str | None] = PLAIN) -> Result:
    """Runs a command, on a terminal that is wide and plain unless `env` says otherwise."""
    with own_logging():
        return CliRunner().invoke(app, arguments, input=typed, env=env)


@contextmanager
def own_logging() -> Iterator[None]:
    """The command line takes over the root logger, as it may in a process of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)


@contextmanager
def staged_folder(
    monkeypatch: pytest.MonkeyPatch, folder: Path, engine: sa.Engine, instance: dg.DagsterInstance
) -> Iterator[Stage]:
    """A whole installation, in whose folder the commands run."""
    with staged(monkeypatch, folder, engine, instance, {}) as stage:
        shutil.copy(ROOT / "dagster.yaml", folder)
        monkeypatch.chdir(folder)
        yield stage
