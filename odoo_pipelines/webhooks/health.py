"""How the receiver is: whether the database answers, and what waits to be done."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor

from prometheus_client import CollectorRegistry, Gauge

from odoo_pipelines.errors import StateError
from odoo_pipelines.stores.inbox_rows import WaitingEvents

_FRESH_SECONDS = 2.0
_PATIENCE_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class Health:
    """Looks at the inbox, every two seconds at most however many ask.

    Args:
        waiting: asks the inbox, blocking; StateError if it cannot.
        executor: gives the thread.
        registry: gets the gauges.
    """

    def __init__(self, waiting: Callable[[], WaitingEvents], executor: Executor, registry: CollectorRegistry) -> None:
        self._ask = waiting
        self._executor = executor
        self._seen: WaitingEvents | None = None
        self._looked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._up = Gauge("odoo_pipelines_database_up", "Whether the database answers.", registry=registry)
        self._count = Gauge("odoo_pipelines_inbox_waiting", "Events that wait to be claimed.", registry=registry)
        self._oldest = Gauge(
            "odoo_pipelines_inbox_oldest_waiting_seconds", "How long the oldest of them has waited.", registry=registry
        )

    async def look(self) -> WaitingEvents | None:
        """What waits; None if the database does not answer."""
        async with self._lock:
            if time.monotonic() - self._looked_at > _FRESH_SECONDS:
                self._seen = await self._waiting()
                self._looked_at = time.monotonic()
                self._show()
        return self._seen

    async def _waiting(self) -> WaitingEvents | None:
        asked = asyncio.get_running_loop().run_in_executor(self._executor, self._ask)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await asked
        except StateError as error:
            _logger.warning("the inbox cannot be looked at: %s", error)
        except TimeoutError:
            _logger.warning("the inbox cannot be looked at: no answer in time")
        return None

    def _show(self) -> None:
        unknown = float("nan")
        self._up.set(self._seen is not None)
        self._count.set(self._seen.count if self._seen else unknown)
        self._oldest.set(self._seen.oldest_seconds if self._seen else unknown)
