"""python -m odoo_pipelines_sandbox.odoo"""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import requests


def test_one_line_tells_where_it_listens_and_an_interrupt_ends_it() -> None:
    command = [sys.executable, "-m", "odoo_pipelines_sandbox.odoo", "--port", "0", "--database", "demo"]
    with subprocess.Popen([*command, "--seed-fields"], stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        headers = {"Authorization": "bearer sandbox-api-key", "X-Odoo-Database": "demo"}
        url = f"{found.group()}/json/2/sale.order.line/fields_get"
        fields = requests.post(url, json={"allfields": ["x_sync_key"]}, headers=headers, timeout=10).json()
        assert fields["x_sync_key"]["type"] == "char"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 0
