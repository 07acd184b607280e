"""The embedded PostgreSQL lives exactly as long as somebody uses it, whoever is killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
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
from sqlalchemy.engine import make_url

from odoo_pipelines.errors import EmbeddedPostgresError
from odoo_pipelines.stores.cluster import MARK
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.embedded import ensure_server, release_server
from odoo_pipelines.stores.keeper import Keeper
from odoo_pipelines.stores.programs import Account, Programs
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
        Keeper(ServerDirectory(home), Programs.find(home, home / "data"), GRACE).prepare()
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
        half_made = home / "unfinished/data"
        half_made.mkdir(parents=True)
        (half_made / "postgresql.conf").write_text("half")
        (home / "unfinished" / MARK).touch()
        (home / "data").mkdir()
        with user_of(home):
            assert query(home, "select 1") == 1
        assert not (home / "unfinished").exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_users_replace_a_keeper_that_ends_and_no_connection_is_lost(
        self, used_home: Path, number: signal.Signals
    ) -> None:
        with user_of(used_home):
            engine = sa.create_engine(ServerDirectory(used_home).url)
            with engine.connect() as connection:
                [keeper] = processes_of(used_home, "keeper")
                keeper.send_signal(number)
                wait_until(lambda: [each.pid for each in processes_of(used_home, "keeper")] not in ([], [keeper.pid]))
                assert connection.scalar(sa.text("select 1")) == 1
            engine.dispose()
        wait_until(lambda: is_gone(used_home))

    def test_a_keeper_that_nobody_uses_takes_its_server_along(self, used_home: Path) -> None:
        with user_of(used_home):
            [keeper] = processes_of(used_home, "keeper")
        keeper.terminate()
        wait_until(lambda: is_gone(used_home))

    def test_connections_wait_for_a_server_that_is_coming_back(self, used_home: Path) -> None:
        engine = connect(ensure_server(used_home, grace_seconds=GRACE))
        for process in [*processes_of(used_home, "keeper"), *processes_of(used_home, "postgres")]:
            process.kill()
            process.wait()
        with engine.connect() as connection:
            assert connection.scalar(sa.text("select 1")) == 1
        engine.dispose()

    def test_a_connection_that_a_running_server_refuses_is_not_waited_for(self, used_home: Path) -> None:
        url = make_url(ensure_server(used_home, grace_seconds=GRACE)).set(database="nowhere")
        engine = sa.create_engine(url)
        with pytest.raises(sa.exc.OperationalError, match="nowhere"):
            engine.connect()


@pytest.fixture(scope="module")
def old_cluster() -> Iterator[Path]:
    """As the previous version made it, which trusts everybody who reaches its socket, with a row in it."""
    with tempfile.TemporaryDirectory(prefix="odoo-pipelines-test-") as folder:
        home, data = Path(folder), Path(folder) / "data"
        home.chmod(0o711)
        programs = Programs.find(home, data).for_initdb()
        programs.make_private(data)
        programs.run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        server = programs.start("postgres", "-D", data, "-c", "listen_addresses=", "-k", str(data), log=home / "log")
        wait_until(ServerDirectory(home).answers)
        query(home, "create table kept as select 42 as answer")
        server.send_signal(signal.SIGINT)
        server.wait()
        yield data


def owned_by(account: str, home: Path, cluster: Path) -> None:
    """A copy that belongs to an account, where this process can give it away."""
    with_cluster(home, cluster)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(account)
        Programs(home, Account(entry.pw_uid, entry.pw_gid)).give(home / "data")


AS_ANOTHER = """
import os, sys, psycopg2
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
try:
    psycopg2.connect(host=sys.argv[1], user="postgres", dbname="postgres")
except psycopg2.OperationalError as error:
    sys.exit(str(error))
"""


def refusal_of(uid: int, home: Path) -> str:
    """What another account is told that wants to log in; "" if it may."""
    command = [sys.executable, "-c", AS_ANOTHER, str(ServerDirectory(home).socket_dir), str(uid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr  # noqa: S603


class TestOtherAccounts:
    @pytest.mark.parametrize("account", ["postgres", "nobody"])
    def test_a_cluster_of_the_previous_version_is_taken_over_and_closed(
        self, home: Path, old_cluster: Path, account: str
    ) -> None:
        owned_by(account, home, old_cluster)
        with user_of(home):
            assert query(home, "select answer from kept") == 42
            rules = (home / "data/pg_hba.conf").read_text().splitlines()
            assert [rule for rule in rules if not rule.startswith("#")] == ["local all all peer map=odoo_pipelines"]
            if os.geteuid() == 0:
                owners = {file.stat().st_uid for file in (home / "data").rglob("*")}
                assert owners.isdisjoint({0, *(pwd.getpwnam(name).pw_uid for name in ("postgres", "nobody"))})

    def test_a_running_server_of_the_previous_version_is_closed_by_the_next_keeper(
        self, home: Path, old_cluster: Path
    ) -> None:
        owned_by("nobody", home, old_cluster)
        with user_of(home):
            (home / "data/pg_hba.conf").write_text("local all all trust\n")
            [keeper] = processes_of(home, "keeper")
            keeper.kill()
            wait_until(lambda: "peer" in (home / "data/pg_hba.conf").read_text())
            assert query(home, "select answer from kept") == 42

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
    def test_no_account_but_its_own_and_root_can_log_in_or_read_the_files(self, served_home: Path) -> None:
        others = [pwd.getpwnam(name).pw_uid for name in ("postgres", "nobody")]
        assert all("Permission denied" in refusal_of(uid, served_home) for uid in others)
        data = served_home / "data"
        data.chmod(0o711)  # as if somebody had opened it: the server itself refuses, too
        (data / ".s.PGSQL.5432").chmod(0o777)
        try:
            assert all("eer authentication failed" in refusal_of(uid, served_home) for uid in others)
        finally:
            data.chmod(0o700)
        assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in data.rglob("*") if file.is_file()} == {0}

    @pytest.mark.skipif(os.geteuid() != 0, reason="the server runs under this very account")
    def test_run_by_root_nothing_else_runs_under_the_servers_account(self, served_home: Path) -> None:
        uid = (served_home / "data").stat().st_uid
        with pytest.raises(KeyError):
            pwd.getpwuid(uid)
        [server] = processes_of(served_home, "postgres")
        assert server.uids().real == uid

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can look after others' clusters")
    def test_root_runs_a_cluster_of_an_ordinary_user_as_that_user(self, home: Path, old_cluster: Path) -> None:
        owned_by("games", home, old_cluster)
        with user_of(home):
            assert query(home, "select answer from kept") == 42
            assert (home / "data").stat().st_uid == pwd.getpwnam("games").pw_uid
            assert '"games" postgres' in (home / "data/pg_ident.conf").read_text()

    def test_its_own_folders_and_logs_are_closed(self, served_home: Path) -> None:
        files = [served_home / name for name in ("log", "keeper.log", "users.lock", "keeper.lock")]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


class TestNothingIsWiped:
    def refusal(self, home: Path) -> str:
        with pytest.raises(EmbeddedPostgresError) as refused:
            ensure_server(home, grace_seconds=GRACE)
        return str(refused.value)

    @pytest.mark.parametrize("lost", ["PG_VERSION", "global/pg_control"])
    def test_a_cluster_that_lacks_a_file_is_refused_and_left_as_it_is(self, used_home: Path, lost: str) -> None:
        (used_home / "data" / lost).unlink()
        before = sorted(file.name for file in (used_home / "data").rglob("*"))
        told = self.refusal(used_home)
        assert f"no whole database: it lacks {lost}" in told
        assert "ODOO_PIPELINES_POSTGRES_DIR" in told
        assert sorted(file.name for file in (used_home / "data").rglob("*")) == before

    def test_files_of_somebody_else_are_refused_and_left_as_they_are(self, home: Path) -> None:
        (home / "data").mkdir(parents=True)
        (home / "data/photo.jpg").write_text("mine")
        assert "it lacks PG_VERSION. Nothing in it was touched." in self.refusal(home)
        assert (home / "data/photo.jpg").read_text() == "mine"

    @pytest.mark.parametrize("version", ["16\n", ""])
    def test_a_cluster_of_another_version_is_refused_with_both_and_the_way_out(
        self, used_home: Path, version: str
    ) -> None:
        (used_home / "data/PG_VERSION").write_text(version)
        told = self.refusal(used_home)
        assert f"was made by PostgreSQL {version.strip() or '(damaged)'}, and this is 18" in told
        assert "pg_dumpall" in told
        assert (used_home / "data/global/pg_control").exists()

    def test_a_file_in_its_place_is_refused(self, home: Path) -> None:
        home.mkdir()
        (home / "data").write_text("mine")
        assert "is no folder" in self.refusal(home)
        assert (home / "data").read_text() == "mine"

    def test_an_unfinished_one_without_our_mark_is_not_removed(self, home: Path) -> None:
        (home / "unfinished/data").mkdir(parents=True)
        assert "was not made by an earlier start" in self.refusal(home)
        assert (home / "unfinished/data").exists()

    def test_a_folder_that_is_itself_a_cluster_is_refused(self, used_home: Path) -> None:
        before = sorted((used_home / "data").iterdir())
        assert "is a database of PostgreSQL itself" in self.refusal(used_home / "data")
        assert sorted((used_home / "data").iterdir()) == before


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
            Programs.find(tmp_path / "closed", tmp_path / "closed/data")

    def test_root_lets_the_server_pass_through_its_closed_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setpriv, told = tmp_path / "setpriv", tmp_path / "told"
        setpriv.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
        setpriv.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        Programs(Path("/usr/bin"), Account(os.geteuid(), os.getegid()), pass_closed_folders=True).run(
            "initdb", "-D", "data"
        )
        assert "--ambient-caps=+dac_override -- /usr/bin/initdb -D data" in told.read_text()

    def test_a_socket_directory_of_another_user_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "theirs").mkdir()
        another = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: another)
        with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
            Programs(tmp_path, account=None).make_private(tmp_path / "theirs")
