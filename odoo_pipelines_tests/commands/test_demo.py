"""The demo: everything on this machine, nothing of the user's own configuration, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from odoo_pipelines.cli import app
from odoo_pipelines.commands.demo import PEOPLE
from odoo_pipelines.commands.demo_people import PAYMENTS, ROOM_TYPES
from odoo_pipelines.commands.processes import free_port, is_free
from odoo_pipelines.stores.server import ServerDirectory, lock_file
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.programs import Programs

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("odoo-pipelines")
BOOKINGS = 20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with this project's dagster.yaml."""
    unset_all(monkeypatch)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def others() -> Iterator[tuple[str, list[str]]]:
    """A server that must not be asked, and what it was asked."""
    asked: list[str] = []

    class Recorder(BaseHTTPRequestHandler):
        def handle(self) -> None:
            asked.append(str(self.client_address))

    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def signals() -> Iterator[None]:
    """A demo in this process changes how it takes them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def start(home: Path, port: int, **environment: str) -> subprocess.Popen[str]:
    command = [str(COMMAND), "demo", "--bookings", str(BOOKINGS), "--home", str(home), "--port", str(port)]
    return subprocess.Popen(  # noqa: S603
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1", **environment},
    )


def wait_until_nobody_is_left(home: Path) -> None:
    """The embedded database stops by itself a moment after its last user."""
    while any(str(home) in " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])):
        time.sleep(0.05)


def test_it_syncs_shows_what_became_of_the_rows_and_ctrl_c_leaves_nothing_running(
    folder: Path, others: tuple[str, list[str]]
) -> None:
    """In the folder of an earlier demo, and beside a configuration that it must not use."""
    url, asked = others
    hostile = {"PMS_URL": url, "ODOO_URL": url, "ODOO_API_KEY": "mine", "ODOO_PIPELINES_DATABASE_URL": "mysql://mine"}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in hostile.items()))
    (folder / "mine.txt").write_text("keep")
    home, port = folder / "demo", free_port()
    home.mkdir()
    (home / ".odoo-pipelines-demo").touch()
    (home / "of-an-earlier-demo").touch()
    with start(home, port, **hostile) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if "Ctrl-C stops everything" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    output = "".join(seen) + rest
    assert process.returncode == 0, output
    assert re.search(rf"orders +{BOOKINGS} +{BOOKINGS} +0 +0 +0 +0 +0", output), output
    assert re.search(rf"payments_out +{PAYMENTS} +{PAYMENTS} +0 +0 +0 +0 +0", output), output
    nights = ROOM_TYPES * 90
    assert re.search(rf"availability_out +{nights} +{nights} +0 +0 +0 +0 +0", output), output
    assert f"http://127.0.0.1:{port}" in output
    assert re.search(r"Sandbox PMS +http://127\.0\.0\.1:\d+", output)
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert asked == []
    assert sorted(path.name for path in folder.iterdir()) == [".env", "dagster.yaml", "demo", "mine.txt"]
    assert not (home / "of-an-earlier-demo").exists()
    wait_until_nobody_is_left(home)


@pytest.mark.parametrize(("code", "said"), [(0, "running"), (1, "a sync failed")])
@pytest.mark.usefixtures("signals")
def test_once_it_ends_with_the_first_sync_and_tells_whether_that_succeeded(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path_factory: pytest.TempPathFactory, code: int, said: str
) -> None:
    answers = {"bootstrap": (0, ""), "sync": (code, ""), PEOPLE: (0, "")}
    programs = Programs(monkeypatch, tmp_path_factory.mktemp("programs"), answers)
    home, port = folder / "demo", free_port()
    result = CliRunner().invoke(app, ["demo", "--once", "--home", str(home), "--port", str(port)])
    assert (result.exit_code, said in result.stdout) == (code, True), result.output
    outbound = [] if code else [["sync", "--mode", "outbound"]]
    commands = [call for call in programs.calls("odoo_pipelines.cli") if call[0] != "serve"]
    assert commands == [["bootstrap", "--yes"], ["sync", "--mode", "full"], *outbound]
    assert programs.calls(PEOPLE) == [[] for _ in outbound]
    wait_until_nobody_is_left(home)
    assert is_free(port)


def refused(*arguments: str) -> str:
    """What standard error says of a demo that does not start."""
    result = CliRunner().invoke(app, ["demo", "--once", *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def test_a_folder_that_holds_something_else_is_left_alone(folder: Path) -> None:
    home = folder / "photos"
    home.mkdir()
    (home / "wedding.jpg").write_text("keep")
    assert "is not empty, and no earlier demo made it" in refused("--home", str(home), "--port", str(free_port()))
    assert (home / "wedding.jpg").read_text() == "keep"


def test_a_folder_in_which_another_demo_runs_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odoo_pipelines.commands.demo.STOP_SECONDS", 0)
    home = folder / "demo"
    (home / "postgres").mkdir(parents=True)
    (home / ".odoo-pipelines-demo").touch()
    server = ServerDirectory(home / "postgres")
    locks = [lock_file(server.users_lock, fcntl.LOCK_SH), lock_file(server.keeper_lock, fcntl.LOCK_EX)]
    assert "another demo runs in" in refused("--home", str(home), "--port", str(free_port()))
    assert server.users_lock.exists()
    for lock in locks:
        os.close(lock)


def test_a_port_that_is_taken_is_told_before_anything_is_done(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--home", str(folder / "demo"), "--port", str(port))
    assert f"--port: {port} is taken on this machine" in said
    assert not (folder / "demo").exists()


def test_outside_the_projects_folder_the_message_says_what_to_do(folder: Path) -> None:
    (folder / "dagster.yaml").unlink()
    said = refused("--home", str(folder / "demo"), "--port", str(free_port()))
    assert "run the demo in the project's folder: there is no dagster.yaml" in said
