"""Whole installations between a sandbox PMS and an Odoo: the stand-in, or a real Odoo 19 (marked `odoo`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.conftest import _database
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.real_odoo import OdooUser, RealOdoo

STANDIN_KEY = "sandbox-api-key"
TIMEOUT_SECONDS = 30


@pytest.fixture(scope="module")
def real_site(real_odoo: RealOdoo) -> Iterator[Site]:
    """A database of a real Odoo that nobody has used (unless the server is not ours), and its administrator."""
    with real_odoo.fresh_database() as odoo:
        yield Site(odoo.url, odoo.database, odoo.login, odoo.api_key, odoo.user, real=True)


@pytest.fixture(scope="module", params=["standin", pytest.param("odoo19", marks=pytest.mark.odoo)])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """An Odoo that nobody has used, and its administrator."""
    if request.param == "odoo19":
        yield request.getfixturevalue("real_site")
        return
    with _standin() as standin:
        yield standin


@pytest.fixture(scope="module")
def odoo(site: Site) -> Odoo:
    """What is in that database."""
    return Odoo(site)


@pytest.fixture(scope="module")
def in_process() -> bool:
    """Whether commands run in this process; those of a module that says otherwise are started as people start them."""
    return True


@pytest.fixture(scope="module")
def installation(
    site: Site, tmp_path_factory: pytest.TempPathFactory, server_url: str, template: str, in_process: bool
) -> Iterator[Installation]:
    """An installation that has not done anything yet; every site has its own."""
    del site
    with new_installation(tmp_path_factory.mktemp("home"), server_url, template, in_process=in_process) as made:
        yield made


@pytest.fixture(scope="module")
def hotel(site: Site) -> Iterator[Hotel]:
    """A hotel with sixty bookings; every site has its own."""
    with open_hotel(60) as opened:
        yield opened


@contextmanager
def new_installation(home: Path, server_url: str, template: str, *, in_process: bool = False) -> Iterator[Installation]:
    """An installation with a home and a database of its own."""
    with _database(server_url, template) as database_url:
        yield Installation(home, database_url, in_process=in_process)


@contextmanager
def _standin() -> Iterator[Site]:
    with running(create_app()) as url:

        def new_user(*groups: str) -> OdooUser:
            body = {"groups": groups}
            answer = requests.post(f"{url}/sandbox/users", json=body, timeout=TIMEOUT_SECONDS).json()
            return OdooUser(answer["login"], answer["api_key"])

        yield Site(url, "odoo", "admin", STANDIN_KEY, new_user, real=False)
