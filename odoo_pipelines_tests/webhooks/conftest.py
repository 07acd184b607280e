"""One receiver for the tests of a file, emptied for each; tests that need another one serve it themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odoo_pipelines_tests.webhooks.site import MemoryStore, a_hotel, served


@pytest.fixture(scope="module")
def shared_store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def url(shared_store: MemoryStore) -> Iterator[str]:
    hotels = (a_hotel(), a_hotel("asleep", number=4, active=False), a_hotel("closed", number=5, webhook_secrets=[]))
    open_door = a_hotel("open", number=6, webhook_secrets=[], webhook_unsigned=True)
    with served(shared_store, *hotels, open_door) as url:
        yield url


@pytest.fixture
def store(shared_store: MemoryStore) -> MemoryStore:
    shared_store.events.clear()
    shared_store.groups.clear()
    shared_store.down = False
    return shared_store
