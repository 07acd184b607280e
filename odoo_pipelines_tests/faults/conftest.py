"""A hotel, an Odoo (the stand-in, or a real Odoo 19, marked `odoo`), and the works between two proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from odoo_pipelines.settings import DatabaseSettings
from odoo_pipelines_tests.conftest import _database
from odoo_pipelines_tests.end_to_end.conftest import real_site, site
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.oracle import Oracle
from odoo_pipelines_tests.faults.proxy import proxy_to
from odoo_pipelines_tests.faults.works import Works, open_works

__all__ = ["real_site", "site"]  # fixtures
BOOKINGS = 24


@dataclass(frozen=True, slots=True)
class Scene:
    """One hotel and its works.

    Attributes:
        hotel: with a few bookings.
        works: the installation.
        oracle: knows what must hold.
    """

    hotel: Hotel
    works: Works
    oracle: Oracle


@pytest.fixture(scope="module")
def scene(site: Site, server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything is in Odoo already."""
    home = tmp_path_factory.mktemp("works")
    with shared_database(server_url, template) as database, open_scene(site, database, home) as scene:
        yield scene


@contextmanager
def shared_database(server_url: str, template: str) -> Iterator[DatabaseSettings]:
    """A database of its own on the server that all tests share."""
    with _database(server_url, template) as url:
        yield DatabaseSettings(SecretStr(url), Path("nowhere"))


@contextmanager
def open_scene(
    site: Site, database: DatabaseSettings, home: Path, kill_worker: Callable[[int], None] | None = None
) -> Iterator[Scene]:
    """A hotel whose bookings are in Odoo already."""
    with (
        open_hotel(BOOKINGS, seed=4) as hotel,
        proxy_to(hotel.url) as pms_proxy,
        proxy_to(site.url, kill_worker) as odoo_proxy,
        open_works(pms_proxy, odoo_proxy, site, home, database) as works,
    ):
        works.run("full")
        yield Scene(hotel, works, Oracle(hotel, Odoo(site), works))


@pytest.fixture(autouse=True)
def calm_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test meets the faults of another, even of one that failed."""
    yield
    if "scene" in request.fixturenames:
        request.getfixturevalue("scene").works.calm()
