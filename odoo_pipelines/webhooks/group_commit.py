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
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The events of one request, which are stored together."""

    events: Sequence[NewEvent]
    characters: int
    future: asyncio.Future[Sequence[Stored]]


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
        self._waiting: deque[_Waiting] = deque()
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

    async def store(self, events: Sequence[NewEvent]) -> Sequence[Stored]:
        """Stores events in one transaction; when it returns, the commit has returned.

        Raises:
            RefusedError: UNAVAILABLE: none is stored, or it could not be told in time whether they are.
        """
        if self._characters >= _MOST_CHARACTERS:
            raise RefusedError(UNAVAILABLE, "too many wait")
        future: asyncio.Future[Sequence[Stored]] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(events, sum(len(event.body) for event in events), future)
        self._waiting.append(waiting)
        self._characters += waiting.characters
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

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        number = characters = 0
        while self._waiting and number < _GROUP_EVENTS and characters < _GROUP_CHARACTERS:
            waiting = self._waiting.popleft()
            self._characters -= waiting.characters
            if not waiting.future.done():  # nobody waits for it any more
                group.append(waiting)
                number += len(waiting.events)
                characters += waiting.characters
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        counts = self._tally.take()
        events = [event for waiting in group for event in waiting.events]
        work = asyncio.get_running_loop().run_in_executor(self._executor, self._store, events, counts)
        await asyncio.wait([work])
        error = work.exception()
        if error is not None:
            self._tally.put_back(counts)
            what = error if isinstance(error, StateError) else type(error).__name__  # others may quote a body
            _logger.warning("%d events could not be stored: %s", len(events), what)
        first = 0
        for waiting in group:
            last = first + len(waiting.events)
            if not waiting.future.done():
                if error is None:
                    waiting.future.set_result(work.result()[first:last])
                else:  # whatever it is, it is raised where somebody waits, and the next group is tried
                    waiting.future.set_exception(error)
            first = last
