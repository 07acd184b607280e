"""`odoo-pipelines demo`: everything on this machine, without an Odoo, and a first full sync to look at."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from rich.console import Console
from rich.panel import Panel

from odoo_pipelines.commands.instance import CONFIGURATION
from odoo_pipelines.commands.processes import STOP_SECONDS, Processes, free_port, is_free
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import inherited_environment
from odoo_pipelines.stores.private_files import make_file, make_folder, make_passable

MARKER = ".odoo-pipelines-demo"
PMS_PORT, ODOO_PORT, RECEIVER_PORT = 8700, 8769, 8780
PEOPLE = "odoo_pipelines.commands.demo_people"
OUTPUT = "output"
"""Not `logs`: that folder of its home is what Dagster sends away as telemetry."""
STARTUP_SECONDS = 120.0
_KEY, _SECRET = "demo", "webhooks-of-the-demo"
HISTORY_DAYS = 60
INTEGRATIONS = "integrations.yaml"
_INTEGRATION = """\
integrations:
  pms:
    number: 1
    history_start: {history_start}
    external: {{url: "${{PMS_URL}}", api_key: "${{PMS_API_KEY}}", requests_per_second: 200}}
    odoo: {{url: "${{ODOO_URL}}", db: odoo, username: admin, api_key: "${{ODOO_API_KEY}}"}}
    webhook_secrets: ["${{PMS_WEBHOOK_SECRETS}}"]
    delta_cron: "{delta} * * * *"
    outbound_cron: "{outbound} * * * *"
"""
"""As the environment alone would have it, but for the sandbox's short history and its patience; and schedules that come
when the demo's own first syncs are over, or its tables would show less.
"""
_PMS, _ODOO, _DAGSTER, _RECEIVER = "sandbox PMS", "Odoo stand-in", "Dagster", "webhook receiver"


def run_demo(*, bookings: int, home: Path, port: int, console: Console, once: bool) -> bool:
    """Runs the demo until Ctrl-C, or until the first sync is done.

    Args:
        bookings: that the sandbox PMS has.
        home: a folder of the demo's own; what an earlier demo left in it is removed.
        port: of the Dagster UI.
        console: shows what happens.
        once: do not wait for Ctrl-C.

    Returns:
        Whether the first sync succeeded.

    Raises:
        ConfigurationError: the port is taken, or the folder holds something else.
    """
    if not is_free(port):
        raise ConfigurationError([f"--port: {port} is taken on this machine; choose another one"])
    _prepare(home)
    wanted = (PMS_PORT, ODOO_PORT, RECEIVER_PORT)
    pms_port, odoo_port, receiver_port = (each if is_free(each) else free_port() for each in wanted)
    environment = _environment(home, pms_port, odoo_port)
    # Started in the background of a script, SIGINT may be ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    succeeded = False
    with _stopping_cleanly(console), Processes(environment, home / OUTPUT) as processes:
        _start_sandboxes(processes, bookings, (pms_port, odoo_port), receiver_port)
        with console.status("starting the database, Dagster and the receiver of webhooks"):
            _start_dagster(processes, port)
            _start_receiver(processes, receiver_port)
        processes.run("preparing Odoo", _cli("bootstrap", "--yes"), quiet=True)
        succeeded = processes.run("first full sync", _cli("sync", "--mode", "full"), quiet=False)
        if succeeded:
            processes.run("people in Odoo", [sys.executable, "-m", PEOPLE], quiet=True)
            succeeded = processes.run("first outbound sync", _cli("sync", "--mode", "outbound"), quiet=False)
        console.print(_panel(port, pms_port, succeeded=succeeded))
        if not once:
            processes.wait()
    return succeeded


def _prepare(home: Path) -> None:
    """Both sandboxes live in memory only, so the state of an earlier demo would tell of records that are gone."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise ConfigurationError([f"--home: {home} is not empty, and no earlier demo made it"])
    if os.name == "posix":
        _refuse_if_used(home)
    shutil.rmtree(home, ignore_errors=True)
    make_passable(home)
    (home / MARKER).touch()
    configuration = Path.cwd() / CONFIGURATION
    if not configuration.exists():
        raise ConfigurationError([f"run the demo in the project's folder: there is no {CONFIGURATION} in {Path.cwd()}"])
    (home / CONFIGURATION).symlink_to(configuration)
    make_folder(home / OUTPUT)
    make_file(home / INTEGRATIONS)
    (home / INTEGRATIONS).write_text(_integration(datetime.now(UTC)), encoding="utf-8")


def _refuse_if_used(home: Path) -> None:
    """Another demo there would lose its database while it runs; that of one that has just ended stops in a moment."""
    from odoo_pipelines.stores.embedded import wait_until_unused  # noqa: PLC0415 - its locks are POSIX's

    if not wait_until_unused(home / "postgres", STOP_SECONDS):
        raise ConfigurationError([f"--home: another demo runs in {home}; stop it, or choose another folder"])


def _integration(now: datetime) -> str:
    return _INTEGRATION.format(
        history_start=now.date() - timedelta(days=HISTORY_DAYS),
        delta=_every_half_hour((now.minute + 15) % 30),
        outbound=_every_half_hour((now.minute + 25) % 30),
    )


def _every_half_hour(minute: int) -> str:
    return f"{minute},{minute + 30}"


def _environment(home: Path, pms_port: int, odoo_port: int) -> dict[str, str]:
    """Nothing of the user's own configuration: a demo must not reach a real Odoo."""
    return {
        **inherited_environment(),
        "DAGSTER_HOME": str(home),
        "ODOO_PIPELINES_CONFIG": str(home / INTEGRATIONS),
        "PMS_URL": f"http://127.0.0.1:{pms_port}",
        "PMS_API_KEY": _KEY,
        "ODOO_URL": f"http://127.0.0.1:{odoo_port}",
        "ODOO_API_KEY": "admin",
        "PMS_WEBHOOK_SECRETS": _SECRET,
    }


def _start_sandboxes(processes: Processes, bookings: int, ports: tuple[int, int], receiver_port: int) -> None:
    pms_port, odoo_port = ports
    receiver = f"http://127.0.0.1:{receiver_port}/api/v1/webhook/pms"
    pms = [sys.executable, "-m", "odoo_pipelines_sandbox.pms", "--port", str(pms_port), "--bookings", str(bookings)]
    history = ["--days", str(HISTORY_DAYS), "--api-key", _KEY]
    events = ["--webhook-url", receiver, "--webhook-secret", _SECRET]
    processes.start(_PMS, [*pms, *history, *events])
    processes.start(_ODOO, [sys.executable, "-m", "odoo_pipelines_sandbox.odoo", "--port", str(odoo_port)])
    _wait_until_it_answers(processes, _PMS, f"http://127.0.0.1:{pms_port}/sandbox/stats")
    _wait_until_it_answers(processes, _ODOO, f"http://127.0.0.1:{odoo_port}/web/version")


def _start_dagster(processes: Processes, port: int) -> None:
    dagster = [sys.executable, "-m", "dagster", "dev", "-m", "odoo_pipelines.definitions"]
    processes.start(_DAGSTER, [*dagster, "--host", "127.0.0.1", "--port", str(port)])
    _wait_until_it_answers(processes, _DAGSTER, f"http://127.0.0.1:{port}/server_info")


def _start_receiver(processes: Processes, port: int) -> None:
    processes.start(_RECEIVER, _cli("serve", "--host", "127.0.0.1", "--port", str(port)))
    _wait_until_it_answers(processes, _RECEIVER, f"http://127.0.0.1:{port}/readyz")


def _wait_until_it_answers(processes: Processes, name: str, url: str) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        processes.check()
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise ConfigurationError([f"{name} does not answer at {url}; its output is in {processes.log_of(name)}"])


def _cli(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "odoo_pipelines.cli", *arguments]


def _panel(port: int, pms_port: int, *, succeeded: bool) -> Panel:
    lines = [
        f"Dagster UI    http://127.0.0.1:{port}",
        f"Sandbox PMS   http://127.0.0.1:{pms_port}  (what came from Odoo; change bookings there, and see runs begin)",
        "Ctrl-C stops everything.",
    ]
    return Panel.fit("\n".join(lines), title="running" if succeeded else "a sync failed")


@contextmanager
def _stopping_cleanly(console: Console) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped.")
