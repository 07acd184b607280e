"""The embedded PostgreSQL lives exactly as long as somebody uses it, whoever is killed."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores.embedded import ensure_server, release_server
from odoo_pipelines.stores.keeper import Keeper
from odoo_pipelines.stores.programs import Programs
from odoo_pipelines.stores.server import ServerDirectory

GRACE = 0.1
USER = """
import sys, time
from pathlib import Path
from odoo_pipelines.stores.embedded import ensure_server
ensure_server(Path(sys.argv[1]), grace_seconds=float(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that any account can reach, short enough for a socket; whatever runs there is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="odoo-pipelines-test-"))
    folder.chmod(0o711)
    yield folder / "postgres"
    release_server(folder / "postgres")
    wait_until(lambda: is_gone(folder))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A cluster that nobody has used: to make one takes a second."""
    with tempfile.TemporaryDirectory(prefix="odoo-pipelines-test-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        Keeper(ServerDirectory(home), Programs.find(home), GRACE).prepare()
        yield home / "data"


@pytest.fixture
def used_home(home: Path, cluster: Path) -> Path:
    """The same with a server that was started before, and stopped."""
    return with_cluster(home, cluster)


@pytest.fixture(scope="module")
def served_home(cluster: Path) -> Iterator[Path]:
    """The same with a server that runs, for those who only look."""
    with tempfile.TemporaryDirectory(prefix="odoo-pipelines-test-") as folder:
        Path(folder).chmod(0o711)
        home = with_cluster(Path(folder) / "postgres", cluster)
        with user_of(home):
            yield home
        wait_until(lambda: is_gone(home))


def with_cluster(home: Path, cluster: Path) -> Path:
    home.mkdir()
    subprocess.run(["cp", "-a", cluster, home / "data"], check=True)  # noqa: S603, S607 - Python keeps no owners
    return home


@contextmanager
def user_of(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server until the block ends."""
    with starting_user_of(home) as process:
        wait_until_ready(process)
        yield process


@contextmanager
def starting_user_of(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", USER, str(home), str(GRACE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def wait_until_ready(user: subprocess.Popen[str]) -> None:
    assert user.stdout is not None
    assert user.stdout.readline() == "ready\n"


def processes_of(home: Path, name: str) -> list[psutil.Process]:
    """Keepers, or servers, of a directory or below it; not the workers, which for an instant look like their server."""
    wanted = {"keeper": "odoo_pipelines.stores.keeper", "postgres": "-D"}[name]
    found = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = process.info["cmdline"] or []
        if wanted in words and any(word.startswith(str(home)) for word in words):
            found[process.pid] = process
    return [process for process in found.values() if process.info["ppid"] not in found]


def is_gone(home: Path) -> bool:
    return not processes_of(home, "postgres") and not processes_of(home, "keeper")


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)  # to look through all processes is work
    pytest.fail("it did not happen within 30 s")


def query(home: Path, sql: str) -> object:
    engine = sa.create_engine(ServerDirectory(home).url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.execute(sa.text(sql))
        return result.scalar() if result.returns_rows else None


def started_at(home: Path) -> object:
    return query(home, "select pg_postmaster_start_time()")


class TestLife:
    def test_it_starts_with_its_first_user_and_ends_after_its_last(self, used_home: Path) -> None:
        with user_of(used_home):
            first = started_at(used_home)
            with user_of(used_home):
                assert started_at(used_home) == first
            assert started_at(used_home) == first
        wait_until(lambda: is_gone(used_home))
        with user_of(used_home):
            assert started_at(used_home) != first

    def test_eight_first_users_at_once_get_one_server(self, home: Path) -> None:
        with ExitStack() as stack:
            users = [stack.enter_context(starting_user_of(home)) for _ in range(8)]
            for user in users:
                wait_until_ready(user)
            assert len(processes_of(home, "postgres")) == 1
        wait_until(lambda: is_gone(home))

    def test_this_process_can_be_a_user_and_stop_being_one(self, home: Path) -> None:
        url = ensure_server(home, grace_seconds=GRACE)
        assert url == ensure_server(home, grace_seconds=GRACE)
        assert query(home, "show timezone") == "UTC"
        release_server(home)
        wait_until(lambda: is_gone(home))

    @pytest.mark.parametrize("name", ["with space, quote'd and ümlaut", "x" * 120])
    def test_the_path_may_be_anything(self, home: Path, name: str) -> None:
        with user_of(home / name):
            assert query(home / name, "select 1") == 1
        wait_until(lambda: is_gone(home))
        socket_dir = ServerDirectory(home / name).socket_dir
        assert not socket_dir.exists()
        assert socket_dir != home / name / "data"

    def test_it_is_open_to_its_owner_alone(self, served_home: Path) -> None:
        assert stat.S_IMODE((served_home / "data").stat().st_mode) == 0o700
        assert query(served_home, "show listen_addresses") == ""

    def test_its_log_does_not_show_what_failed_statements_held(self, served_home: Path) -> None:
        with pytest.raises(sa.exc.ProgrammingError):
            query(served_home, "select * from nowhere where name = 'Ada Lovelace'")
        wait_until(lambda: "nowhere" in (served_home / "log").read_text())
        assert "Lovelace" not in (served_home / "log").read_text()


class TestCrashes:
    def test_killed_users_do_not_keep_it_alive(self, used_home: Path) -> None:
        with user_of(used_home) as first, user_of(used_home) as second:
            first.kill()
            second.kill()
        wait_until(lambda: is_gone(used_home))

    def test_a_killed_keeper_is_replaced_by_the_next_user(self, used_home: Path) -> None:
        with user_of(used_home):
            first = started_at(used_home)
            [keeper] = processes_of(used_home, "keeper")
            keeper.kill()
            with user_of(used_home):
                assert started_at(used_home) == first
                assert processes_of(used_home, "keeper") != [keeper]
        wait_until(lambda: is_gone(used_home))

    def test_a_killed_server_comes_back_with_what_was_committed(self, used_home: Path) -> None:
        with user_of(used_home):
            query(used_home, "create table kept as select 42 as answer")
            [server] = processes_of(used_home, "postgres")
            server.kill()
            wait_until(lambda: server not in processes_of(used_home, "postgres"))
            wait_until(ServerDirectory(used_home).answers)
            assert query(used_home, "select answer from kept") == 42

    def test_everything_killed_at_once_recovers(self, used_home: Path) -> None:
        with user_of(used_home) as user:
            query(used_home, "create table kept as select 42 as answer")
            for process in [*processes_of(used_home, "keeper"), *processes_of(used_home, "postgres")]:
                process.kill()
            user.kill()
        with user_of(used_home):
            assert query(used_home, "select answer from kept") == 42

    @pytest.mark.parametrize("content", ["{pid}\n{data}\n1\n5432\n", "", "not a number\n"])
    def test_a_left_over_pid_file_neither_stops_it_nor_harms_the_process_it_names(
        self, used_home: Path, content: str
    ) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
            (used_home / "data/postmaster.pid").write_text(content.format(pid=stranger.pid, data=used_home / "data"))
            with user_of(used_home):
                assert query(used_home, "select 1") == 1
            wait_until(lambda: is_gone(used_home))
            assert stranger.poll() is None
            stranger.kill()

    def test_a_first_start_that_was_interrupted_is_repeated(self, home: Path) -> None:
        for half_made in (home / "data.new", home / "data"):
            half_made.mkdir(parents=True)
            (half_made / "postgresql.conf").write_text("half")
        with user_of(home):
            assert query(home, "select 1") == 1


class TestErrors:
    def test_a_server_that_does_not_start_says_why(self, used_home: Path) -> None:
        (used_home / "data/postgresql.conf").write_text("nonsense = on\n")
        with pytest.raises(EmbeddedPostgresError, match=r"the server does not start: .*nonsense"):
            ensure_server(used_home, grace_seconds=GRACE)

    def test_a_directory_that_cannot_be_used_is_named_with_the_cure(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("a file")
        with pytest.raises(EmbeddedPostgresError, match=r"taken/postgres .*ODOO_PIPELINES_DATABASE_URL"):
            ensure_server(tmp_path / "taken/postgres")

    def test_root_is_told_which_directory_is_closed_and_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "closed").mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setenv("PATH", str(tmp_path))  # no setpriv there
        with pytest.raises(EmbeddedPostgresError, match="closed to it: set ODOO_PIPELINES_DATABASE_URL"):
            Programs.find(tmp_path / "closed")

    def test_root_lets_the_server_pass_through_its_closed_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setpriv, told = tmp_path / "setpriv", tmp_path / "told"
        setpriv.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
        setpriv.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        Programs(Path("/usr/bin"), pwd.getpwuid(os.geteuid()), pass_closed_folders=True).run("initdb", "-D", "data")
        assert "--ambient-caps=+dac_override -- /usr/bin/initdb -D data" in told.read_text()

    def test_a_socket_directory_of_another_user_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "theirs").mkdir()
        another = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: another)
        with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
            Programs(tmp_path, account=None).make_private(tmp_path / "theirs")
