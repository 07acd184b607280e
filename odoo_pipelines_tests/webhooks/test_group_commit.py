"""Group commit: many requests, few transactions, and an answer only after the commit of one's own event."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from odoo_pipelines.errors import StateError
from odoo_pipelines.stores.inbox_rows import NewEvent, Stored
from odoo_pipelines.webhooks.group_commit import GroupCommit
from odoo_pipelines.webhooks.refusals import UNAVAILABLE, RefusedError
from odoo_pipelines.webhooks.tally import Place, Tally
from odoo_pipelines_tests.webhooks.site import NOW


class Database:
    """Stores when the test lets it, and fails when the test says so."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error: Exception | None = None
        self.groups: list[list[str]] = []
        self.counts: list[dict[Place, int]] = []

    def store(self, events: Sequence[NewEvent], counts: Mapping[Place, int]) -> Sequence[Stored]:
        self.entered.set()
        self.open.wait()
        if self.error is not None:
            raise self.error
        self.groups.append([event.event_key for event in events])
        self.counts.append(dict(counts))
        return [Stored(int(event.event_key), new=True) for event in events]


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.open.set()


def event(number: int, size: int = 2) -> NewEvent:
    return NewEvent("hotel", str(number), "booking.updated", "x" * size)


def run(
    database: Database,
    threads: Executor,
    use: Callable[[GroupCommit], Awaitable[object]],
    *,
    tally: Tally | None = None,
    patience_seconds: float = 10.0,
) -> None:
    async def whole() -> None:
        async with GroupCommit(
            database.store, Tally(lambda: NOW) if tally is None else tally, threads, patience_seconds=patience_seconds
        ) as commits:
            await use(commits)

    asyncio.run(whole())


async def entered(database: Database) -> None:
    while not database.entered.is_set():
        await asyncio.sleep(0.001)


def test_everybody_gets_the_job_id_of_their_own_event(database: Database, threads: Executor) -> None:
    async def use(commits: GroupCommit) -> None:
        stored = await asyncio.gather(*(commits.store([event(number)]) for number in range(1200)))
        assert [each.job_id for (each,) in stored] == list(range(1200))

    run(database, threads, use)


def test_what_comes_in_during_a_commit_goes_into_the_next_one_together(database: Database, threads: Executor) -> None:
    async def use(commits: GroupCommit) -> None:
        database.open.clear()
        first = asyncio.create_task(commits.store([event(1)]))
        await entered(database)
        others = [asyncio.create_task(commits.store([event(number)])) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        assert not first.done()
        database.open.set()
        await asyncio.gather(first, *others)

    run(database, threads, use)
    assert database.groups == [["1"], ["2", "3", "4"]]


def test_a_group_is_limited_in_number_and_in_size(database: Database, threads: Executor) -> None:
    async def use(commits: GroupCommit) -> None:
        database.open.clear()
        first = asyncio.create_task(commits.store([event(0)]))
        await entered(database)
        many = [asyncio.create_task(commits.store([event(number)])) for number in range(1, 701)]
        large = [asyncio.create_task(commits.store([event(number, 1024 * 1024)])) for number in range(701, 711)]
        await asyncio.sleep(0)
        database.open.set()
        await asyncio.gather(first, *many, *large)

    run(database, threads, use)
    assert [len(group) for group in database.groups] == [1, 500, 204, 4, 2]


def test_a_batch_is_stored_in_one_group_and_gets_its_own_job_ids(database: Database, threads: Executor) -> None:
    async def use(commits: GroupCommit) -> None:
        database.open.clear()
        first = asyncio.create_task(commits.store([event(0)]))
        await entered(database)
        batches = [
            asyncio.create_task(commits.store([event(each) for each in range(start, start + 300)]))
            for start in (1, 301, 601)
        ]
        await asyncio.sleep(0)
        database.open.set()
        stored = await asyncio.gather(first, *batches)
        assert [each.job_id for part in stored for each in part] == list(range(901))

    run(database, threads, use)
    assert [len(group) for group in database.groups] == [1, 600, 300]


def test_when_the_database_fails_everybody_in_the_group_is_refused_and_the_next_group_is_tried(
    database: Database, threads: Executor
) -> None:
    async def use(commits: GroupCommit) -> None:
        database.error = StateError("gone")
        refused = await asyncio.gather(*(commits.store([event(number)]) for number in (1, 2)), return_exceptions=True)
        assert [error.refusal for error in refused if isinstance(error, RefusedError)] == [UNAVAILABLE] * 2
        database.error = None
        assert [each.job_id for each in await commits.store([event(3)])] == [3]

    run(database, threads, use)


def test_an_error_that_nobody_foresaw_is_raised_where_somebody_waits_and_wedges_nothing(
    database: Database, threads: Executor
) -> None:
    async def use(commits: GroupCommit) -> None:
        database.error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await commits.store([event(1)])
        database.error = None
        assert [each.job_id for each in await commits.store([event(2)])] == [2]

    run(database, threads, use)


def test_whoever_waits_too_long_is_refused_and_what_nobody_waits_for_is_not_stored(
    database: Database, threads: Executor
) -> None:
    async def use(commits: GroupCommit) -> None:
        database.open.clear()
        waiting = [asyncio.create_task(commits.store([event(number)])) for number in (1, 2)]
        await entered(database)
        third = asyncio.create_task(commits.store([event(3)]))
        outcomes = await asyncio.gather(*waiting, third, return_exceptions=True)
        assert [error.refusal for error in outcomes if isinstance(error, RefusedError)] == [UNAVAILABLE] * 3
        database.open.set()

    run(database, threads, use, patience_seconds=0.05)
    assert database.groups == [["1", "2"]]


def test_while_too_much_waits_nothing_more_is_taken(database: Database, threads: Executor) -> None:
    async def use(commits: GroupCommit) -> None:
        database.open.clear()
        first = asyncio.create_task(commits.store([event(0)]))
        await entered(database)
        waiting = [asyncio.create_task(commits.store([event(number, 16 * 1024 * 1024)])) for number in range(1, 5)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as caught:
            await commits.store([event(9)])
        assert caught.value.refusal is UNAVAILABLE
        database.open.set()
        await asyncio.gather(first, *waiting)
        assert [each.job_id for each in await commits.store([event(10)])] == [10]

    run(database, threads, use)


def test_when_it_ends_everything_that_waits_is_stored(database: Database, threads: Executor) -> None:
    waiting: list[asyncio.Task[Sequence[Stored]]] = []

    async def use(commits: GroupCommit) -> None:
        waiting.extend(asyncio.create_task(commits.store([event(number)])) for number in (1, 2))
        await asyncio.sleep(0)

    run(database, threads, use)
    assert [task.result()[0].job_id for task in waiting] == [1, 2]


def test_refusals_are_counted_with_the_next_events_or_at_the_end_and_never_lost(
    database: Database, threads: Executor
) -> None:
    tally = Tally(lambda: NOW)

    async def use(commits: GroupCommit) -> None:
        tally.add("hotel", "not_signed")
        tally.add("hotel", "not_signed")
        database.error = StateError("gone")
        with pytest.raises(RefusedError):
            await commits.store([event(1)])
        database.error = None
        await commits.store([event(2)])
        tally.add("", "unknown_integration")

    run(database, threads, use, tally=tally)
    total = sum(map(Counter, database.counts), Counter[Place]())
    assert {(place[0], place[2]): number for place, number in total.items()} == {
        ("hotel", "not_signed"): 2,
        ("", "unknown_integration"): 1,
    }
