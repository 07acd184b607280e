"""Extraction and mapping as the assets do them, without Dagster around."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from odoo_pipelines.pipeline.extraction import Extracted, Extraction
from odoo_pipelines.pipeline.mapping import Mapped, map_partition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.settings import load_settings

PARTITION = "2026-01"
"""All bookings go through one partition: the worst case for memory."""
STREAM = "bookings"


@contextmanager
def open_session(environment: Mapping[str, str]) -> Iterator[Session]:
    """A run of the integration that the environment describes, with loads switched off."""
    os.environ.update(environment, ODOO_ENABLED="false")
    settings = load_settings(needed="pms")
    session = Session(settings, settings.integration("pms"), "benchmark", "partition", [PARTITION])
    try:
        session.state.watermark("pms", STREAM)  # connected and migrated before any clock starts
        yield session
    finally:
        session.close()


def extract(session: Session) -> Extracted:
    """Extracts all bookings into one batch."""
    return Extraction(session, session.system.streams[STREAM]).extract(Window(PARTITION))


def map_flow(session: Session, name: str) -> Mapped:
    """Maps all extracted bookings for one flow."""
    flow = next(flow for flow in session.system.flows if flow.name == name)
    return map_partition(session, flow, PARTITION)
