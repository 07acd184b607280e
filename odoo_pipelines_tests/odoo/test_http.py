"""How hard a server is driven, whatever the protocol."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines_tests.odoo.conftest import NewClient
from odoo_pipelines_tests.odoo.server import FakeOdoo, result

SEARCH = "/json/2/res.partner/search"


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
