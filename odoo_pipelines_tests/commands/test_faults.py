"""Faults of the environment, met by real processes: one message with what can be done, an exit code, and no stack."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
import sqlalchemy as sa
import typer
import yaml

from odoo_pipelines.commands.faults import clear_faults, sentence_of
from odoo_pipelines.commands.findings import Examination, ok
from odoo_pipelines.errors import BatchStoreError, EmbeddedPostgresError
from odoo_pipelines_tests.conftest import _database, _execute
from odoo_pipelines_tests.environment import COMPLETE, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("odoo-pipelines")
NEWER = "r9999"


def environment_of(home: Path, database: str, **changed: str) -> dict[str, str]:
    """Complete settings, whose servers refuse connections."""
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    own = {**COMPLETE, "PMS_URL": "http://127.0.0.1:1", "ODOO_URL": "http://127.0.0.1:1"}
    plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return {**inherited, **own, **plain, "DAGSTER_HOME": str(home), "ODOO_PIPELINES_DATABASE_URL": database, **changed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a home in it, which other accounts may enter."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    (tmp_path / "home").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "home")
    return tmp_path


def start(*arguments: str, folder: Path, env: dict[str, str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [COMMAND, *arguments], cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def result_of(*arguments: str, folder: Path, env: dict[str, str], **options: Any) -> tuple[int, str, str]:
    with start(*arguments, folder=folder, env=env, **options) as process:
        out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    assert "Traceback" not in out, out
    return process.returncode, out, err


@contextmanager
def newer_database(server_url: str, template: str) -> Iterator[str]:
    """A database that a newer version has brought up to date."""
    with _database(server_url, template) as url:
        _execute(url, f"update odoo_pipelines.alembic_version set version_num = '{NEWER}'")  # noqa: S608
        yield url


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "changed", "told"),
        [
            pytest.param(
                ("conflicts", "list"),
                {"ODOO_PIPELINES_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/none"},
                "check ODOO_PIPELINES_DATABASE_URL, and that PostgreSQL runs",
                id="database down",
            ),
            pytest.param(
                ("trace", "booking", "1"),
                {"ODOO_PIPELINES_DATABASE_URL": "postgresql://u:secret@nowhere.invalid/none"},
                "check ODOO_PIPELINES_DATABASE_URL",
                id="host unknown",
            ),
            pytest.param(
                ("conflicts", "list"), {"ODOO_PIPELINES_CONFIG": "broken.yaml"}, "is not valid YAML", id="broken YAML"
            ),
            pytest.param(
                ("conflicts", "list"),
                {"ODOO_PIPELINES_CONFIG": "missing.yaml"},
                "missing.yaml cannot be read (No such file or directory)",
                id="missing YAML",
            ),
            pytest.param(
                ("bootstrap", "--yes"), {"ODOO_URL": "https://127.0.0.1:{plain}"}, "SSL", id="server without TLS"
            ),
            pytest.param(
                ("serve", "--port", "{plain}"), {}, "cannot be listened on (Address already in use", id="port"
            ),
            pytest.param(("sync",), {"DAGSTER_HOME": "/proc/nowhere"}, "DAGSTER_HOME: /proc/nowhere", id="no home"),
            pytest.param(
                ("conflicts", "list"),
                {"ODOO_PIPELINES_DATABASE_URL": "", "ODOO_PIPELINES_POSTGRES_DIR": "/proc/nowhere"},
                "Set DAGSTER_HOME to a directory of your own",
                id="no place for the embedded server",
            ),
        ],
    )
    def test_a_fault_is_one_message_with_what_can_be_done(
        self, folder: Path, database_url: str, command: tuple[str, ...], changed: dict[str, str], told: str
    ) -> None:
        (folder / "broken.yaml").write_text("integrations: {pms: [")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            answering = Answering(taken)
            places = {"plain": str(taken.getsockname()[1])}
            env = environment_of(folder / "home", database_url, **filled(changed, places))
            code, out, err = result_of(*(word.format(**places) for word in command), folder=folder, env=env)
            answering.stop()
        assert (code, out) == (1, "")
        assert told in err
        assert "secret" not in err
        assert "Errno" not in err.splitlines()[0]

    def test_a_newer_schema_is_one_sentence_with_both_revisions(
        self, folder: Path, server_url: str, template: str
    ) -> None:
        with newer_database(server_url, template) as url:
            code, out, err = result_of("conflicts", "list", folder=folder, env=environment_of(folder / "home", url))
        assert (code, out) == (1, "")
        assert err.startswith(f"NewerSchemaError: the tables of the state are at revision {NEWER}, made by a newer")
        assert "upgrade the package here" in err
        assert len(err.splitlines()) == 1

    def test_a_file_env_that_cannot_be_read_is_named(self, folder: Path, database_url: str) -> None:
        (folder / ".env").write_bytes(b"PMS_URL=\xff\xfe\n")
        code, _, err = result_of("conflicts", "list", folder=folder, env=environment_of(folder / "home", database_url))
        assert (code, "/.env is not UTF-8: save it as such" in err) == (1, True)

    def test_ctrl_c_stops_without_a_stack(self, folder: Path, database_url: str) -> None:
        env = environment_of(folder / "home", database_url)
        with start("serve", "--port", "0", folder=folder, env=env) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        assert process.returncode in (0, 130)

    def test_a_full_disk_behind_the_output_is_told(self, folder: Path, database_url: str) -> None:
        with Path("/dev/full").open("w") as full:
            env = environment_of(folder / "home", database_url)
            process = subprocess.run(  # noqa: S603
                [COMMAND, "conflicts", "list", "--json"],
                cwd=folder,
                env=env,
                stdout=full,
                stderr=-1,
                text=True,
                check=False,
            )
        assert process.returncode == 1
        assert process.stderr == (
            "Error: standard output, or a file, cannot be written (No space left on device); make room\n"
        )

    def test_a_reader_that_has_enough_is_no_fault(self, folder: Path, database_url: str) -> None:
        read, write = os.pipe()
        os.close(read)
        env = environment_of(folder / "home", database_url)
        process = subprocess.run(  # noqa: S603
            [COMMAND, "conflicts", "list"], cwd=folder, env=env, stdout=write, stderr=-1, text=True, check=False
        )
        os.close(write)
        assert process.stderr == ""


class TestDoctor:
    def findings(self, folder: Path, env: dict[str, str], **options: Any) -> dict[str, dict[str, Any]]:
        code, out, _ = result_of("doctor", "--json", folder=folder, env=env, **options)
        assert code == 1
        return {each["check"]: each for each in json.loads(out) if not each["passed"]}

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_home_that_only_others_may_write_is_a_finding(self, folder: Path, database_url: str) -> None:
        (folder / "home").chmod(0o555)
        env = environment_of(folder / "home", database_url)
        failed = self.findings(folder, env)
        assert "Permission denied" in failed["Odoo"]["detail"] + failed["pms API"]["detail"]
        assert set(failed) <= {"pms API", "Odoo", "Dagster"}

    def test_a_home_that_cannot_be_is_a_finding(self, folder: Path, database_url: str) -> None:
        (folder / ".env").write_bytes(b"\xff")
        failed = self.findings(folder, environment_of(Path("/proc/nowhere"), database_url))
        assert "is not UTF-8" in failed["settings"]["detail"]
        assert "DAGSTER_HOME: /proc/nowhere" in failed["Dagster"]["detail"]

    def test_a_broken_dagster_yaml_and_a_newer_schema_are_findings(
        self, folder: Path, server_url: str, template: str, database_url: str
    ) -> None:
        (folder / "home/dagster.yaml").write_text("storage: [unclosed")
        assert (
            "DAGSTER_HOME" in self.findings(folder, environment_of(folder / "home", database_url))["Dagster"]["detail"]
        )
        with newer_database(server_url, template) as url:
            found = self.findings(folder, environment_of(folder / "home", url))["database"]
        assert NEWER in found["detail"]
        assert "upgrade odoo-pipelines" in found["fix"]

    def test_a_check_that_fails_unexpectedly_is_a_finding_without_values(self) -> None:
        examination = Examination()

        def broken() -> Iterator[Any]:
            yield ok("first", "seen")
            raise LookupError("Ada Lovelace")

        assert not examination.look("rights", broken)
        assert examination.look("next", lambda: [ok("next", "seen")])
        assert [each.check for each in examination.findings] == ["first", "rights", "next"]
        assert examination.findings[1].detail.startswith("the check itself failed: LookupError at test_faults.py:")
        assert "Ada" not in examination.findings[1].detail

    def test_ctrl_c_ends_a_check(self) -> None:
        def stopped() -> Iterator[Any]:
            raise KeyboardInterrupt
            yield

        with pytest.raises(KeyboardInterrupt):
            Examination().look("rights", stopped)


class TestSentences:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (
                OSError(28, "No space left on device", "/data/x"),
                "/data/x cannot be written (No space left on device); make",
            ),
            (OSError(30, "Read-only file system", "/data/x"), "/data/x cannot be used (Read-only file system); let"),
            (PermissionError(13, "Permission denied", "/data/x"), "set DAGSTER_HOME and ODOO_PIPELINES_DATA"),
            (OSError(24, "Too many open files"), "(Too many open files); odoo-pipelines doctor"),
            (psycopg2.OperationalError("fe_sendauth"), "check ODOO_PIPELINES_DATABASE_URL"),
            (sa.exc.OperationalError("select 'Ada'", {}, Exception("x")), "the database cannot be reached"),
            (yaml.YAMLError("bad"), "Dagster cannot be used: bad"),
            (requests.ConnectionError("http://user:secret@host"), "a server cannot be asked (ConnectionError)"),
            (EmbeddedPostgresError("no programs"), "EmbeddedPostgresError: no programs"),
        ],
    )
    def test_what_is_told_of_an_error(self, error: Exception, told: str) -> None:
        sentence = sentence_of(error)
        assert sentence is not None
        assert told in sentence
        assert not {"Ada", "secret"} & set(sentence.split())

    def test_of_a_chain_the_outermost_of_ours_is_told(self) -> None:
        cause = BatchStoreError("batch a cannot be written")
        cause.__cause__ = OSError(28, "No space left on device")
        outer = RuntimeError("step failed")
        outer.__cause__ = cause
        assert sentence_of(outer) == "BatchStoreError: batch a cannot be written"

    def test_a_defect_is_not_hidden(self) -> None:
        assert sentence_of(KeyError("x")) is None
        with pytest.raises(KeyError), clear_faults():
            raise KeyError("x")

    def test_ctrl_c_has_the_exit_code_of_a_shell(self) -> None:
        with pytest.raises(typer.Exit) as ended, clear_faults():
            raise KeyboardInterrupt
        assert ended.value.exit_code == 130


class Answering:
    """A server that answers anything with plain text, as one without TLS does."""

    def __init__(self, listener: socket.socket) -> None:
        import threading  # noqa: PLC0415

        self._listener = listener
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()


def filled(changed: dict[str, str], places: dict[str, str]) -> dict[str, str]:
    return {name: value.format(**places) for name, value in changed.items()}
