"""The demo's child processes: each is heard of in its log, and none outlives the demo."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from odoo_pipelines.commands.processes import Processes, free_port, is_free
from odoo_pipelines.errors import ConfigurationError

SLEEPING = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPING!r}]).pid, flush=True); "


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes({**os.environ, "GREETING": "hello"}, tmp_path / "logs")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def said(processes: Processes, name: str, lines: int = 1) -> list[str]:
    """The first lines of a log, as soon as they are there."""
    while len(found := processes.log_of(name).read_text().splitlines()) < lines:
        time.sleep(0.01)
    return found


def test_a_process_is_stopped_when_the_block_ends(processes: Processes) -> None:
    with processes:
        processes.start("sleeper", python(f"import os; print(os.getpid()); {SLEEPING}"))
        pid = int(said(processes, "sleeper", 2)[0])
        processes.check()
    assert not psutil.pid_exists(pid)


def test_so_are_its_children_even_if_it_dies_first(processes: Processes) -> None:
    with processes:
        processes.start("parent", python(PARENT))
        child = int(said(processes, "parent")[0])
        with pytest.raises(ConfigurationError, match="parent has ended by itself"):
            processes.wait()
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_and_when_the_block_ends_with_an_error(processes: Processes) -> None:
    def fail() -> None:
        with processes:
            processes.start("sleeper", python(f"import os; print(os.getpid()); {SLEEPING}"))
            said(processes, "sleeper", 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not psutil.pid_exists(int(said(processes, "sleeper")[0]))


def test_one_that_ignores_the_interrupt_is_terminated(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odoo_pipelines.commands.processes.STOP_SECONDS", 0.1)
    with processes:
        processes.start("deaf", python(f"{DEAF} import os; print(os.getpid()); {SLEEPING}"))
        pid = int(said(processes, "deaf", 2)[0])
    assert not psutil.pid_exists(pid)


def test_output_goes_to_a_log_and_the_environment_is_the_one_given(processes: Processes, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['GREETING']); print('oh', file=sys.stderr)"
    assert processes.run("say hello", python(code), quiet=True)
    assert processes.log_of("say hello") == tmp_path / "logs" / "say-hello.log"
    assert sorted(said(processes, "say hello", 2)) == ["hello", "oh"]


def test_it_runs_where_no_env_file_of_the_user_is(processes: Processes, tmp_path: Path) -> None:
    processes.run("where", python("import os; print(os.getcwd())"), quiet=True)
    assert said(processes, "where") == [str(tmp_path / "logs")]


def test_a_quiet_one_that_fails_is_an_error_that_names_its_log(processes: Processes) -> None:
    with pytest.raises(ConfigurationError, match=r"prepare failed; its output is in .*prepare\.log"):
        processes.run("prepare", python("raise SystemExit(3)"), quiet=True)


def test_a_loud_one_that_fails_is_told(processes: Processes) -> None:
    assert processes.run("sync", python("raise SystemExit(1)"), quiet=False) is False
    assert processes.run("sync", python(""), quiet=False) is True


def test_a_port_is_free_until_somebody_listens_there() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)


def test_a_child_has_a_group_of_its_own_so_that_ctrl_c_reaches_it_only_through_us(processes: Processes) -> None:
    with processes:
        processes.start("sleeper", python(f"import os; print(os.getpgid(0)); {SLEEPING}"))
        group = int(said(processes, "sleeper", 2)[0])
        assert group != os.getpgid(0)
        os.killpg(group, signal.SIGKILL)
