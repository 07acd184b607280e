"""A run's rows as pandas DataFrames, for notebooks and questions that are asked once.

    from odoo_pipelines import notebook

    notebook.runs()
    notebook.outcomes("0b1c...", flow="orders")
    notebook.rows("0b1c...", "mapped", "orders")

Settings come from the environment and from .env in the working folder, as for commands. The frames hold personal data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from dotenv import load_dotenv

from odoo_pipelines.clients import open_state
from odoo_pipelines.settings import DEFAULT_INTEGRATION, Settings, load_settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.run_rows import RunFilter, RunOutcome
from odoo_pipelines.systems.records import Layer


def runs(integration: str = DEFAULT_INTEGRATION, *, limit: int = 100) -> pd.DataFrame:
    """Numbers of the newest runs, one row for each flow: the table `sync_run`.

    Args:
        integration: name.
        limit: so many rows at most.

    Raises:
        StateError: the database cannot be reached.
    """
    with open_state(_settings()) as state:
        return pd.DataFrame(state.newest_runs(integration, limit))


def outcomes(run_id: str, *, flow: str | None = None, outcome: str | Sequence[str] = ()) -> pd.DataFrame:
    """What became of the rows of a run; of unchanged rows, which are only counted, those with warnings.

    Args:
        run_id: of Dagster.
        flow: only this one.
        outcome: only this one, or these.

    Raises:
        StateError: the database cannot be reached.
    """
    words = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    with open_state(_settings()) as state:
        return outcomes_frame(state.run_outcomes(RunFilter(run_id, flow=flow, outcomes=words)))


def rows(run_id: str, layer: Layer, name: str | None = None, *, integration: str = DEFAULT_INTEGRATION) -> pd.DataFrame:
    """Rows of the batches that a run wrote.

    Args:
        run_id: of Dagster.
        layer: "external" as extracted, "mapped", or "odoo" as read out of Odoo.
        name: of the stream or the flow; None takes all of the layer.
        integration: name.

    Raises:
        StateError: the database cannot be reached.
        BatchStoreError: a file is gone, as after the days of retention, or cannot be read.
    """
    settings = _settings()
    with open_state(settings) as state:
        batches = [each for each in state.batches_of_run(integration, layer, run_id) if name in (None, each.name)]
    store, frames = BatchStore(settings.data), []
    for batch in batches:
        with store.parquet(batch.path) as parquet:
            frames.append(parquet.read().to_pandas())
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def outcomes_frame(found: Sequence[RunOutcome]) -> pd.DataFrame:
    """Outcomes as a frame, with its columns even where there are none."""
    return pd.DataFrame([asdict(each) for each in found], columns=list(RunOutcome.__slots__))


def _settings() -> Settings:
    load_dotenv(Path.cwd() / ".env")
    return load_settings()
