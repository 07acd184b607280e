"""A real Odoo 19 to test against: the server that ODOO_TEST_URL names, or one put up by tools/odoo19.

Without ODOO_TEST_URL a session gets a database of its own on the local server and drops it at the end. The server is
started by the first session that finds it down and stopped by the last one that leaves, if a session started it.
Everything else goes over HTTP, so that it works on any server.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

TOOLS = Path(__file__).resolve().parent.parent / "tools" / "odoo19"
HOME = Path(os.environ.get("ODOO_HOME", Path.home() / ".cache" / "odoo19"))
WORKERS = "2"
TIMEOUT = (5, 300)


@dataclass(frozen=True, slots=True)
class OdooUser:
    """Somebody who may call Odoo; `api_key` also serves as the password of /jsonrpc."""

    login: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RealOdoo:
    """One database of a running Odoo 19 and its administrator.

    Attributes:
        url: without a trailing slash.
        database: name.
        login: of the administrator.
        password: of the administrator.
        api_key: of the administrator; serves as the bearer of /json/2 and as the password of /jsonrpc.
        managed: whether the server is ours: a local one on which databases may be made and dropped.
    """

    url: str
    database: str
    login: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    managed: bool

    def call(self, model: str, method: str, **params: Any) -> Any:
        """Calls a method by JSON-2 as the administrator; raises requests.HTTPError."""
        headers = {"Authorization": f"bearer {self.api_key}", "X-Odoo-Database": self.database}
        answer = requests.post(f"{self.url}/json/2/{model}/{method}", json=params, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def user(self, *groups: str) -> OdooUser:
        """Makes a user who has these groups (xmlids such as "base.group_user") and nothing else."""
        login = f"user-{uuid.uuid4().hex[:12]}"
        password = uuid.uuid4().hex
        group_ids = [self._group(xmlid) for xmlid in groups]
        self.call("res.users", "create", vals_list={"name": login, "login": login, "password": password})
        [user_id] = self.call("res.users", "search", domain=[["login", "=", login]])
        self.call("res.users", "write", ids=[user_id], vals={"group_ids": [[6, 0, group_ids]]})
        return OdooUser(login, make_api_key(self.url, self.database, login, password, days="1"))

    @contextmanager
    def fresh_database(self) -> Iterator[RealOdoo]:
        """A database that nobody has used, dropped afterwards; on a server that is not ours, this same database."""
        if not self.managed:
            yield self
            return
        database = f"test_{uuid.uuid4().hex[:12]}"
        _tool("reset", "--db", database, "--new")
        try:
            key = make_api_key(self.url, database, self.login, self.password)
            yield replace(self, database=database, api_key=key)
        finally:
            _tool("drop", "--db", database)

    @contextmanager
    def backup(self) -> Iterator[RealOdoo]:
        """A database with what is in this one now, as if restored from a backup of this moment; dropped afterwards."""
        if not self.managed:
            pytest.skip("databases of a server that is not ours cannot be copied")
        database = f"test_{uuid.uuid4().hex[:12]}"
        _tool("copy", "--from", self.database, "--db", database)
        try:
            yield replace(self, database=database)
        finally:
            _tool("drop", "--db", database)

    def _group(self, xmlid: str) -> int:
        module, name = xmlid.split(".")
        domain = [["module", "=", module], ["name", "=", name], ["model", "=", "res.groups"]]
        [row] = self.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])
        return int(row["res_id"])


@pytest.fixture(scope="session")
def real_odoo() -> Iterator[RealOdoo]:
    """A database on a real Odoo 19, one per test process; put up and taken down as needed."""
    with open_real_odoo() as odoo:
        yield odoo


@contextmanager
def open_real_odoo() -> Iterator[RealOdoo]:
    """The same for programs that are no tests."""
    if url := os.environ.get("ODOO_TEST_URL"):
        yield _given_server(url.rstrip("/"))
        return
    with _local_server() as url:
        server = RealOdoo(url, "", "admin", "admin", "", managed=True)
        with server.fresh_database() as odoo:
            yield odoo


def make_api_key(url: str, database: str, login: str, password: str, *, days: str = "0") -> str:
    """Makes an API key as a person does it in the web client, the only way that Odoo offers over HTTP.

    Args:
        url: of the server.
        database: name.
        login: of the user who gets the key.
        password: of that user; an API key will not do.
        days: how long the key lives; "0", for ever, is for administrators only.
    """
    with requests.Session() as session:
        web = _WebClient(session, url)
        web.authenticate(database, login, password)
        key_id = web.call("res.users.apikeys.description", "create", {"name": "tests", "duration": days})
        check = web.call("res.users.apikeys.description", "make_key", [key_id])
        check_id, asked = [check["res_id"]], {"password": password}
        web.call("res.users.identitycheck", "write", check_id, asked)
        shown = web.call("res.users.identitycheck", "run_check", check_id, context=asked)
        return str(shown["context"]["default_key"])


def _given_server(url: str) -> RealOdoo:
    names = ("ODOO_TEST_DB", "ODOO_TEST_USERNAME", "ODOO_TEST_PASSWORD")
    if missing := [name for name in names if not os.environ.get(name)]:
        pytest.fail(f"ODOO_TEST_URL is set, so these must be set too: {', '.join(missing)}")
    database, login, password = (os.environ[name] for name in names)
    key = make_api_key(url, database, login, password)
    return RealOdoo(url, database, login, password, key, managed=False)


@contextmanager
def _local_server() -> Iterator[str]:
    """Joins the sessions that use the local server: the first starts it, the last stops it."""
    HOME.mkdir(parents=True, exist_ok=True)
    with _register() as register:
        _forget_the_dead(register)
        url = _running_url()
        if url is None:
            _tool("install")
            _tool("up", "--workers", WORKERS)
            register["started"] = True
            url = _running_url()
        register["pids"].append(os.getpid())
    try:
        yield str(url)
    finally:
        with _register() as register:
            # One process may have joined several times: only this once is over.
            register["pids"].remove(os.getpid())
            _forget_the_dead(register)
            if register["started"] and not register["pids"]:
                _tool("down")
                register["started"] = False


def _forget_the_dead(register: dict[str, Any]) -> None:
    register["pids"] = [pid for pid in register["pids"] if psutil.pid_exists(pid)]


@contextmanager
def _register() -> Iterator[dict[str, Any]]:
    with (HOME / "tests.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        register = json.loads(file.read() or '{"started": false, "pids": []}')
        yield register
        file.seek(0)
        file.truncate()
        json.dump(register, file)


def _running_url() -> str | None:
    answer = subprocess.run([TOOLS / "status"], capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or None


def _tool(name: str, *args: str) -> None:
    # Output goes to a file: the server inherits it and would keep a pipe open.
    log = HOME / "tests.log"
    with log.open("a") as output:
        done = subprocess.run([TOOLS / name, *args], stdout=output, stderr=output, check=False)  # noqa: S603
    if done.returncode:
        pytest.fail(f"tools/odoo19/{name} failed, see {log}")


class _WebClient:
    """What a browser does."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self._session = session
        self._url = url

    def authenticate(self, database: str, login: str, password: str) -> None:
        self._post("/web/session/authenticate", {"db": database, "login": login, "password": password})

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self._post("/web/dataset/call_kw", params)

    def _post(self, path: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "method": "call", "params": params}
        answer = self._session.post(self._url + path, json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        content = answer.json()
        if "error" in content:
            pytest.fail(f"{path} answered {content['error']['data']['name']}")
        return content["result"]
