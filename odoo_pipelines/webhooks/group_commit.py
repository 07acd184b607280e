"""Group commit: what comes in while one transaction is under way goes into the next one, all of it together.

So a thousand requests a second need some hundred transactions a second, each of which is waited for by all whose event
it holds. A slow or dead database makes requests wait, for a limited time and with limited memory, and then refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias

from odoo_pipelines.errors import StateError
from odoo_pipelines.stores.inbox_rows import NewEvent, Stored
from odoo_pipelines.webhooks.refusals import UNAVAILABLE, RefusedError
from odoo_pipelines.webhooks.tally import Place, Tally

StoreEvents: TypeAlias = Callable[[Sequence[NewEvent], Mapping[Place, int]], Sequence[Stored]]
"""Stores events in one transaction, blocking; StateError if it cannot."""

_logger = logging.getLogger(__name__)

_GROUP_EVENTS, _GROUP_CHARACTERS = 500, 4 * 1024 * 1024
_MOST_CHARACTERS = 64 * 1024 * 1024
_PATIENCE_SECONDS = 10.0
_FLUSH_SECONDS = 5.0


class GroupCommit:
    """Stores events of many requests in few transactions, from when the block begins until it ends.

    At the end everything that was accepted is stored.

    Args:
        store: called in a thread, never twice at the same time.
        tally: outcomes to be stored along.
        executor: gives the thread.
        patience_seconds: how long a request waits for its commit.
    """

    def __init__(
        self, store: StoreEvents, tally: Tally, executor: Executor, *, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        self._store = store
        self._tally = tally
        self._executor = executor
        self._patience = patience_seconds
        self._waiting: deque[tuple[NewEvent, asyncio.Future[Stored]]] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="group commit")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def store(self, event: NewEvent) -> Stored:
        """Stores an event; when it returns, the commit has returned.

        Raises:
            RefusedError: UNAVAILABLE: it is not stored, or it could not be told in time whether it is.
        """
        if self._characters >= _MOST_CHARACTERS:
            raise RefusedError(UNAVAILABLE, "too many wait")
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, future))
        self._characters += len(event.body)
        self._wake.set()
        try:
            async with asyncio.timeout(self._patience):
                return await future
        except TimeoutError:
            raise RefusedError(UNAVAILABLE, "no answer in time") from None
        except StateError:
            raise RefusedError(UNAVAILABLE, "database") from None

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            idle = not self._waiting
            while self._waiting:
                if group := self._next_group():
                    await self._commit(group)
            if self._tally and (idle or self._closing):
                await self._commit([])
            if self._closing:
                return

    def _next_group(self) -> list[tuple[NewEvent, asyncio.Future[Stored]]]:
        group: list[tuple[NewEvent, asyncio.Future[Stored]]] = []
        characters = 0
        while self._waiting and len(group) < _GROUP_EVENTS and characters < _GROUP_CHARACTERS:
            event, future = self._waiting.popleft()
            self._characters -= len(event.body)
            if not future.done():  # nobody waits for it any more
                group.append((event, future))
                characters += len(event.body)
        return group

    async def _commit(self, group: Sequence[tuple[NewEvent, asyncio.Future[Stored]]]) -> None:
        counts = self._tally.take()
        events = [event for event, _ in group]
        work = asyncio.get_running_loop().run_in_executor(self._executor, self._store, events, counts)
        await asyncio.wait([work])
        error = work.exception()
        if error is not None:
            self._tally.put_back(counts)
            what = error if isinstance(error, StateError) else type(error).__name__  # others may quote a body
            _logger.warning("%d events could not be stored: %s", len(group), what)
        for place, (_, future) in enumerate(group):
            if future.done():
                continue
            if error is not None:  # whatever it is, it is raised where somebody waits, and the next group is tried
                future.set_exception(error)
            else:
                future.set_result(work.result()[place])
