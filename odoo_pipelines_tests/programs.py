"""A stand-in for the Python interpreter: servers that commands start answer at once, chosen programs end at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

PROGRAM = """#!%(python)s -SI
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Yes(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

with open(%(calls)r, "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if "--port" in sys.argv:
    HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Yes).serve_forever()
answers = json.loads(%(answers)r)
name = sys.argv[min(3, len(sys.argv) - 1)]
if name not in answers:
    os.execv(%(python)r, [%(python)r, *sys.argv[1:]])
code, output = answers[name]
print(output)
sys.exit(code)
"""


class Programs:
    """Puts itself in the interpreter's place; a port that a program was to serve answers with an empty 200.

    Args:
        monkeypatch: of the test.
        folder: an empty one.
        answers: exit code and output by the first argument after the module's name, or that name where there is none;
            other programs are run.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, answers: Mapping[str, tuple[int, str]]) -> None:
        self._calls = folder / "calls"
        program = folder / "python"
        given = orjson.dumps(answers).decode()
        program.write_text(PROGRAM % {"python": sys.executable, "calls": str(self._calls), "answers": given})
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    def calls(self, module: str) -> list[list[str]]:
        """The arguments that a module was started with, one list for every start."""
        calls = [orjson.loads(line) for line in self._calls.read_text().splitlines()]
        return [arguments for flag, named, *arguments in calls if (flag, named) == ("-m", module)]
