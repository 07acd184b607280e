"""How hard a server is driven, whatever the protocol."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from odoo_pipelines.errors import OdooTransientError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines_tests.odoo.conftest import NewClient
from odoo_pipelines_tests.odoo.server import FakeOdoo, Reply, page, result

SEARCH = "/json/2/res.partner/search"
WRITE = "/json/2/res.partner/write"
MIB = 1024 * 1024


class Turnstile:
    """A limiter that gives other requests the time to come before one has left."""

    def __init__(self) -> None:
        self.passed = 0
        self.overtaken = 0

    def acquire(self) -> None:
        """Lets one pass."""
        self.passed += 1
        turn = self.passed
        time.sleep(0.02)
        self.overtaken += self.passed != turn


def test_on_one_connection_a_request_waits_for_the_answer_to_the_one_before(
    odoo: FakeOdoo, new_client: NewClient
) -> None:
    odoo.script(SEARCH, result([]))
    turnstile = Turnstile()
    client = OdooClient(new_client(concurrency=1)._connection, limiter=turnstile)
    assert client.version.major == 19

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.search("res.partner", []), range(8)))

    assert (turnstile.passed, turnstile.overtaken) == (9, 0)
    assert len(odoo.received) == 9


def test_the_servers_clock_is_that_of_its_newest_answer(odoo: FakeOdoo, new_client: NewClient) -> None:
    client = new_client()
    assert client.server_time is None
    odoo.script(SEARCH, result([]))
    client.search("res.partner", [])
    assert client.server_time is not None
    assert abs(client.server_time - datetime.now(UTC)) < timedelta(minutes=1)


BOMB = Reply(200, gzip.compress(bytes(200 * MIB), compresslevel=1), headers={"Content-Encoding": "gzip"})


def test_of_an_answer_without_end_no_more_is_read_than_the_limit(odoo: FakeOdoo, new_client: NewClient) -> None:
    client = new_client(answer_bytes=2 * MIB)
    assert client.version.major == 19
    odoo.script(WRITE, BOMB)
    tracemalloc.start()
    try:
        with pytest.raises(OdooTransientError, match=r"it is larger than 2 MiB, the most that is read"):
            client.write("res.partner", [1], {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * MIB
    assert len(odoo.to(WRITE)) == 1


def test_an_answer_that_does_not_end_in_time_is_none(odoo: FakeOdoo, new_client: NewClient) -> None:
    client = new_client(answer_seconds=0.5)
    odoo.script(WRITE, Reply(200, b"", trickles=True))
    with pytest.raises(OdooTransientError, match=r"no answer \(it had not ended after 0.5 s\)"):
        client.write("res.partner", [1], {})


def test_a_write_whose_answer_was_cut_off_is_not_repeated_by_the_client(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(WRITE, Reply(200, b"tru"), result(True))
    with pytest.raises(OdooTransientError, match="HTTP 200 with 3 bytes that are no whole JSON"):
        client.write("res.partner", [1], {})
    assert len(odoo.to(WRITE)) == 1


def test_a_read_whose_answer_was_cut_off_is_repeated(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(SEARCH, Reply(200, b"[1, 2"), page(200), result([1, 23]))
    assert client.search("res.partner", []) == [1, 23]
