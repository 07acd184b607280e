"""Dagster's storage for commands inside a test's process: half of a run's time would go into PostgreSQL's event log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from dagster._config import UserConfigSchema
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.in_memory import InMemoryEventLogStorage
from dagster._core.storage.runs.in_memory import InMemoryRunStorage
from dagster._core.storage.schedules.base import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

ROOT = Path(__file__).resolve().parents[1]


class InMemoryStorage(DagsterStorage, ConfigurableClass):
    """Records the runs of one command, not their events, and forgets both with it."""

    def __init__(self) -> None:
        self._runs = InMemoryRunStorage()
        self._events = InMemoryEventLogStorage()
        self._events.store_event = lambda event: None  # type: ignore[method-assign]

    @property
    def inst_data(self) -> None:
        """Not to be made again in another process."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing is configured."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """A new one for every instance."""
        del inst_data, config_value
        return cls()

    @property
    def run_storage(self) -> InMemoryRunStorage:
        """Runs."""
        return self._runs

    @property
    def event_log_storage(self) -> InMemoryEventLogStorage:
        """Next to nothing."""
        return self._events

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """None, as in Dagster's own ephemeral instance: commands tick no schedules."""
        return None  # type: ignore[return-value]


def record_in_memory(home: Path) -> None:
    """Puts the project's dagster.yaml into a home, but for its storage."""
    home.mkdir(exist_ok=True)
    configuration = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    configuration["storage"] = {"custom": {"module": __name__, "class": InMemoryStorage.__name__, "config": {}}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
