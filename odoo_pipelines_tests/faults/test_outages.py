"""The database goes, the disk is full: the run ends with an error of ours, and the next one goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from odoo_pipelines.clients import state_url
from odoo_pipelines.errors import BatchStoreError, IntegrationBusyError, StateError
from odoo_pipelines.settings import DatabaseSettings
from odoo_pipelines.stores.embedded import release_server
from odoo_pipelines.stores.server import ServerDirectory
from odoo_pipelines_tests.end_to_end.site import Site
from odoo_pipelines_tests.faults.changes import change_a_bit_of_everything
from odoo_pipelines_tests.faults.conftest import Scene, open_scene
from odoo_pipelines_tests.faults.kinds import NOTHING
from odoo_pipelines_tests.faults.outages import Disk, cut_connections
from odoo_pipelines_tests.faults.proxy import JSON2

LOST_DATABASE = (IntegrationBusyError, StateError)
"""The right to write has gone with its connection, or a transaction in the middle has."""


@pytest.mark.parametrize("path", ["/bookings", f"{JSON2}res.partner/load"])
def test_a_restart_of_the_database_ends_the_run(scene: Scene, path: str) -> None:
    works, cut = scene.works, list[int]()
    change_a_bit_of_everything(scene.hotel, 10)
    proxy = works.odoo if path.startswith(JSON2) else works.pms
    proxy.strike(NOTHING, path, effect=lambda: cut.append(cut_connections(state_url(works.settings))))
    with pytest.raises(LOST_DATABASE):
        works.run()
    assert cut[0] >= 1
    works.run()
    scene.oracle.assert_all_is_well()


def test_a_restart_of_the_database_while_the_last_records_are_loaded_does_no_harm(scene: Scene) -> None:
    works, cut = scene.works, list[int]()
    change_a_bit_of_everything(scene.hotel, 11)
    for place in ("load", "action_lock"):
        path = f"{JSON2}sale.order/{place}"
        works.odoo.strike(NOTHING, path, effect=lambda: cut.append(cut_connections(state_url(works.settings))))
    works.run_until_done()
    assert len(cut) == 2
    scene.oracle.assert_all_is_well()


@pytest.mark.odoo  # it needs none, but a database server of its own, which takes long to make
def test_a_database_server_that_is_killed_comes_back_and_the_next_run_goes_on(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("embedded")
    with open_scene(site, DatabaseSettings(None, home), tmp_path_factory.mktemp("works")) as scene:
        change_a_bit_of_everything(scene.hotel, 12)
        scene.works.odoo.strike(NOTHING, f"{JSON2}res.partner/load", effect=lambda: kill_server(home))
        with pytest.raises(LOST_DATABASE):
            scene.works.run()
        scene.works.run()
        scene.oracle.assert_all_is_well()
    release_server(home)
    while ServerDirectory(home).is_kept():
        time.sleep(0.05)


def kill_server(home: Path) -> None:
    os.kill(int((ServerDirectory(home).data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def fill_up() -> None:
    Disk.full = True


@pytest.mark.parametrize("path", ["/bookings", pytest.param("/rooms", marks=pytest.mark.odoo)])
def test_a_batch_that_finds_the_disk_full_leaves_nothing_behind_and_is_extracted_again(scene: Scene, path: str) -> None:
    change_a_bit_of_everything(scene.hotel, 20)
    scene.works.pms.strike(NOTHING, path, effect=fill_up)
    assert_a_full_disk_is_survived(scene)


def test_a_mapped_batch_that_finds_the_disk_full_is_mapped_again(scene: Scene) -> None:
    change_a_bit_of_everything(scene.hotel, 30)
    scene.works.before_mapping = fill_up
    assert_a_full_disk_is_survived(scene)


def assert_a_full_disk_is_survived(scene: Scene) -> None:
    with pytest.raises(BatchStoreError, match="cannot be written: No space left on device"):
        scene.works.run()
    scene.oracle.assert_no_file_is_unknown()
    scene.works.calm()
    scene.works.run()
    scene.oracle.assert_all_is_well()


def test_in_the_end_there_is_nothing_left_to_write(scene: Scene) -> None:
    scene.oracle.assert_nothing_is_left_to_write()
