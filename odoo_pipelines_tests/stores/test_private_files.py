"""What holds personal data on a disk is closed to other accounts, whatever the umask and whoever left it open."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from odoo_pipelines.errors import BatchStoreError
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.dry_run import temporary_batches
from odoo_pipelines.stores.limits import shared_limiter
from odoo_pipelines.stores.private_files import close_tree, make_file, make_folder, make_passable, open_to_others

SCHEMA = pa.schema({"number": pa.int64()})
PATH = "pms/external/bookings/2026-11-01/a.parquet"


@pytest.fixture(params=[0o000, 0o022, 0o277], ids="umask-{:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """From one that forbids nothing to one that forbids the owner nearly everything."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def write(store: BatchStore, path: str = PATH) -> None:
    with store.writer(path, SCHEMA) as writer:
        writer.write([{"number": 1}])


def modes(folder: Path) -> dict[str, int]:
    return {str(each.relative_to(folder)): stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.rglob("*"))}


def an_open_tree(root: Path) -> None:
    """As the previous version left it under the usual umask."""
    file = root / "pms/mapped/orders/old.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"rows")
    for each in (root, *root.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


class TestBatches:
    @pytest.mark.usefixtures("umask")
    def test_folders_and_files_are_for_their_owner_alone(self, tmp_path: Path) -> None:
        write(BatchStore(tmp_path / "home/data"))
        found = modes(tmp_path / "home/data")
        assert found.pop(PATH) == 0o600
        assert set(found.values()) == {0o700}
        assert len(found) == 5

    @pytest.mark.usefixtures("umask")
    def test_a_file_is_closed_before_anything_is_in_it(self, tmp_path: Path) -> None:
        with BatchStore(tmp_path / "data").writer(PATH, SCHEMA):
            assert modes(tmp_path / "data")[f"{PATH}.part"] == 0o600

    def test_what_an_earlier_version_left_open_is_closed_with_the_first_write(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        an_open_tree(root)
        store = BatchStore(root)
        assert len(list(open_to_others(root))) == 5
        write(store, "spa/external/guests/a.parquet")
        assert list(open_to_others(root)) == []
        assert modes(root)["pms/mapped/orders/old.parquet"] == 0o600

    def test_a_root_that_holds_other_things_stays_as_it_is_and_the_batches_in_it_are_closed(
        self, tmp_path: Path
    ) -> None:
        an_open_tree(tmp_path)
        (tmp_path / "website").mkdir()
        (tmp_path / "website/index.html").write_text("for everybody")
        tmp_path.chmod(0o755)
        (tmp_path / "website").chmod(0o755)
        write(BatchStore(tmp_path))
        found = modes(tmp_path)
        assert (found["."], found["website"], found["pms"]) == (0o755, 0o755, 0o700)

    def test_links_are_not_followed_out_of_the_root(self, tmp_path: Path) -> None:
        an_open_tree(tmp_path / "data")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/page").write_text("for everybody")
        (tmp_path / "elsewhere/page").chmod(0o644)
        (tmp_path / "data/pms/mapped/orders/link").symlink_to(tmp_path / "elsewhere/page")
        write(BatchStore(tmp_path / "data"))
        assert modes(tmp_path / "elsewhere")["page"] == 0o644

    def test_a_file_system_that_is_not_local_is_written_as_ever(self) -> None:
        store = BatchStore("memory://private-files")
        write(store)
        assert list(store.rows(PATH, 10)) == [[{"number": 1}]]
        assert store.own_folders() == []

    def test_a_disk_that_refuses_is_an_error_that_names_the_setting(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file")
        with pytest.raises(BatchStoreError, match="ODOO_PIPELINES_DATA"):
            write(BatchStore(tmp_path / "data"))

    @pytest.mark.usefixtures("umask")
    def test_the_temporary_folder_of_a_dry_run_is_closed_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with temporary_batches(tmp_path / "data") as store:
            write(store)
            [folder] = tmp_path.glob("odoo-pipelines-dry-run-*")
            assert list(open_to_others(folder)) == []


class TestFolders:
    @pytest.mark.usefixtures("umask")
    def test_limits_are_closed(self, tmp_path: Path) -> None:
        shared_limiter(tmp_path / "home/limits", "external.pms", 10).close()
        found = modes(tmp_path / "home/limits")
        assert found["."] == 0o700
        assert found["external.pms.sqlite"] == 0o600

    def test_what_belongs_to_another_account_is_left_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tmp_path.chmod(0o755)
        another = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: another)
        make_folder(tmp_path)
        assert modes(tmp_path)["."] == 0o755

    def test_narrower_permissions_that_work_are_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        make_file(file)
        file.chmod(0o700)
        make_file(file)
        assert modes(tmp_path)["file"] == 0o700

    def test_a_file_system_without_permissions_is_warned_about(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refused(path: Path, mode: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "chmod", refused)
        before = os.umask(0)
        (tmp_path / "open").mkdir()
        os.umask(before)
        make_folder(tmp_path / "open")
        assert "cannot be closed to other accounts" in caplog.text

    def test_what_goes_away_while_a_tree_is_closed_is_no_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        an_open_tree(tmp_path / "data")
        stat_of = Path.stat

        def gone(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            if path.name == "old.parquet":
                raise FileNotFoundError
            return stat_of(path, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(Path, "stat", gone)
        close_tree(tmp_path / "data")
        monkeypatch.undo()
        assert modes(tmp_path / "data/pms")["."] == 0o700

    def test_run_by_root_the_home_may_be_passed_but_not_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        make_passable(tmp_path / "home")
        assert modes(tmp_path / "home")["."] == 0o711
