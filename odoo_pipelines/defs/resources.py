"""The one resource of all assets: it opens an integration's session when an asset asks, and closes it with the run."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeAlias

import dagster as dg

from odoo_pipelines.defs.partitions import partitions_of
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.settings import load_settings
from odoo_pipelines.systems.policies import Disaster

MODE_TAG = "odoo_pipelines/mode"
CLAIM_TAG = "odoo_pipelines/claim"
"""On runs that were requested for what came in over HTTP: the id of the claim."""
DISASTER_TAG = "odoo_pipelines/disaster"
"""On runs that recover: what was restored or lost."""
BY_HAND = "partition"
"""The mode of a run that is no sync: partitions that somebody materialized, or a backfill."""

Progress: TypeAlias = Callable[[str, int, int], None]

log = logging.getLogger(__name__)


def log_progress(flow: str, done: int, total: int) -> None:
    """Tells the log how far a load is: one line per chunk."""
    log.info("%s: %d of %d rows", flow, done, total)


class Sessions:
    """Sessions of a run, one for each integration in it.

    Attributes:
        progress: told the flow's name, rows done and rows in all, after every chunk.
    """

    def __init__(
        self, run_id: str, mode: str, progress: Progress, claim_id: str = "", disaster: Disaster | None = None
    ) -> None:
        self.progress = progress
        self._disaster = disaster
        self._run_id = run_id
        self._mode = mode
        self._claim_id = claim_id
        self._sessions: dict[str, Session] = {}

    def open(self, integration: str) -> Session:
        """The session of an integration.

        Raises:
            ConfigurationError: a setting that it needs is missing or malformed.
        """
        if integration not in self._sessions:
            settings = load_settings(needed=integration)
            found = settings.integration(integration)
            for warning in found.warnings:
                log.warning(warning)
            session = Session(
                settings,
                found,
                self._run_id,
                self._mode,
                partitions_of(found).get_partition_keys(),
                claim_id=self._claim_id,
                disaster=self._disaster,
            )
            self._sessions[integration] = session
        return self._sessions[integration]

    def close(self) -> None:
        """Closes all sessions."""
        for session in self._sessions.values():
            session.close()


def sessions_resource(progress: Progress) -> dg.ResourceDefinition:
    """The resource `sessions`, which tells its progress to `progress`."""

    @dg.resource(description="Clients, state and the right to write, for each integration of a run.")
    def open_sessions(context: dg.InitResourceContext) -> Iterator[Sessions]:
        if context.run is None:
            message = "sessions belong to a run"
            raise RuntimeError(message)
        tags = context.run.tags
        disaster = Disaster(tags[DISASTER_TAG]) if DISASTER_TAG in tags else None
        sessions = Sessions(
            context.run.run_id, tags.get(MODE_TAG, BY_HAND), progress, tags.get(CLAIM_TAG, ""), disaster
        )
        try:
            yield sessions
        finally:
            sessions.close()

    return open_sessions
