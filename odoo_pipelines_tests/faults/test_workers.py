"""Odoo's own processes die while they work for us."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from odoo_pipelines_tests.end_to_end.site import Site
from odoo_pipelines_tests.faults.changes import change_a_bit_of_everything
from odoo_pipelines_tests.faults.conftest import Scene, open_scene, shared_database
from odoo_pipelines_tests.faults.kinds import WORKER_KILLED
from odoo_pipelines_tests.faults.proxy import JSON2
from odoo_pipelines_tests.real_odoo import HOME, RealOdoo

pytestmark = pytest.mark.odoo
KILLED_AT = (
    "res.partner/load",
    "sale.order/load",
    "sale.order/action_confirm",
    "sale.order/read",
    "sale.order.line/load",
)
PATIENCE_SECONDS = 5


@pytest.fixture(scope="module")
def site(real_odoo: RealOdoo, real_site: Site) -> Site:
    if not real_odoo.managed:
        pytest.skip("the server is not ours to kill")
    return real_site


@pytest.fixture(scope="module")
def killed() -> list[int]:
    return []


@pytest.fixture(scope="module")
def scene(
    site: Site, server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory, killed: list[int]
) -> Iterator[Scene]:
    def kill_worker(port: int) -> None:
        worker = worker_at(port)
        if worker is not None:
            worker.kill()
            killed.append(worker.pid)

    home = tmp_path_factory.mktemp("works")
    with shared_database(server_url, template) as database, open_scene(site, database, home, kill_worker) as scene:
        yield scene


def test_a_worker_that_is_killed_at_work_is_asked_again(scene: Scene, killed: list[int]) -> None:
    change_a_bit_of_everything(scene.hotel)
    for path in KILLED_AT:
        scene.works.odoo.strike(WORKER_KILLED, JSON2 + path)
    scene.works.run()
    assert len(killed) >= len(KILLED_AT) - 2  # one may be faster than the kill
    scene.oracle.assert_all_is_well()
    scene.oracle.assert_nothing_is_left_to_write()


def worker_at(port: int) -> psutil.Process | None:
    """The worker that serves the connection from a local port; None when it has answered already."""
    master = psutil.Process(int((HOME / "run" / "odoo.pid").read_text()))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for worker in master.children():
            try:
                if any(each.raddr and each.raddr.port == port for each in worker.net_connections("tcp4")):
                    return worker
            except psutil.NoSuchProcess:
                continue
    return None
