"""Another importer for comparison: odoo_import_export_client, in an environment of its own, as its users call it."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.report import Measurement
from odoo_pipelines.odoo.client import BASE_CONTEXT
from odoo_pipelines.odoo.connection import OdooConnection

PEER = "odoo_import_export_client"
_VERSION = "3.0.0"
_TOOK = re.compile(r"^(\d+) \S+ imported, total time ([\d.]+) second", re.MULTILINE)


class Peer:
    """Imports files into one database; installed from the package registry when first used.

    Args:
        folder: for its environment and its files.
        connection: to the database.
        uid: of the connection's user.
        batch: records in one call.
        threads: calls at a time.
    """

    def __init__(self, folder: Path, connection: OdooConnection, uid: int, batch: int, threads: int) -> None:
        self._folder = folder
        self._connection = connection
        self._uid = uid
        self._batch = batch
        self._threads = threads

    def load(self, work: str, model: str, rows: Sequence[Mapping[str, str]]) -> Measurement:
        """Imports rows, given as cells by column; the time is what it tells itself, without its start.

        Raises:
            AssertionError: it left rows out.
            RuntimeError: it failed.
        """
        file = self._folder / "peer.csv"
        _write(file, rows)
        script = self._python.with_name("odoo_import_thread.py")
        sizes = ["--worker", str(self._threads), "--size", str(self._batch), "--context", repr(dict(BASE_CONTEXT))]
        arguments = ["--config", str(self._config()), "--file", str(file), "--model", model, *sizes]
        output = _run([str(self._python), str(script), *arguments])
        left_out = file.with_name(f"{file.name}.fail").read_text(encoding="utf-8").splitlines()[1:]
        took = _TOOK.search(output)
        if took is None or left_out:
            raise AssertionError(f"{work}: the peer left out {len(left_out)} of {len(rows)} rows")
        return Measurement(work, PEER, len(rows), float(took[2]))

    @cached_property
    def _python(self) -> Path:
        home = self._folder / "peer"
        _run([sys.executable, "-m", "venv", str(home)])
        python = home / "bin" / "python"
        _run([str(python), "-m", "pip", "install", "--quiet", f"{PEER}=={_VERSION}"])
        return python

    def _config(self) -> Path:
        address = urlsplit(self._connection.url)
        secure = address.scheme == "https"
        parser = RawConfigParser()
        parser["Connection"] = {
            "hostname": str(address.hostname),
            "port": str(address.port or (443 if secure else 80)),
            "protocol": "xmlrpcs" if secure else "xmlrpc",
            "database": self._connection.database,
            "login": self._connection.username,
            "password": self._connection.secret.get_secret_value(),
            "uid": str(self._uid),
        }
        path = self._folder / "peer.conf"
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8") as file:
            parser.write(file)
        return path


def _write(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]), delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
    return done.stdout
