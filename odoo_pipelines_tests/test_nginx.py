"""The nginx examples of the docs, as they stand there, in front of small servers.

They need nginx, as the tests on the real Odoo need Odoo, and so they run with those; without nginx they fail.
"""

from __future__ import annotations

import base64
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from odoo_pipelines_tests.http.server import Reply, Server, serving
from odoo_pipelines_tests.webhooks.site import MemoryStore, body_of, served, signed, status_of

pytestmark = pytest.mark.odoo  # it needs none, but nginx, which `make test` has to do without

ROOT = Path(__file__).resolve().parents[1]
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"ann:pass-0921").decode()}
OURS = {"Origin": "https://dagster.example.com", "Sec-Fetch-Site": "same-origin"}
BLOCK = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
GRAPHQL_BY_GET = "/graphql?query=mutation%7BterminateRun%7D"


@dataclass(frozen=True)
class Nginx:
    """One that runs.

    Attributes:
        name: that its certificate and its server have.
        port: of the loopback interface.
        certificate: that it is known by.
    """

    name: str
    port: int
    certificate: Path

    @contextmanager
    def connected(self, name: str = "") -> Iterator[ssl.SSLSocket]:
        """A connection to it, under its own name or another."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=name or self.name) as connection,
        ):
            yield connection

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> int:
        """The status that it answers with."""
        with self.connected() as connection:
            lines = {"Host": self.name, "Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
            head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
            connection.sendall("\r\n".join(head).encode() + body)
            answer = connection.recv(65536)
        return status_of(answer) if answer else 0  # 0: closed without an answer


@contextmanager
def running(folder: Path, document: str, name: str, upstream: str) -> Iterator[Nginx]:
    """nginx with the one example of a document; only the places of its files and its ports are others."""
    program = shutil.which("nginx")
    assert program, "nginx is not installed: apt-get install --no-install-recommends nginx-light"
    [block] = BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    certificate, key = folder / "cert.pem", folder / "cert.key"
    _make_certificate(certificate, key, name)
    (folder / "htpasswd").write_text("ann:{PLAIN}pass-0921\n", encoding="utf-8")
    replaced = (
        (r"listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (r"ssl_certificate +\S+;", f"ssl_certificate {certificate};"),
        (r"ssl_certificate_key +\S+;", f"ssl_certificate_key {key};"),
        (r"auth_basic_user_file +\S+;", f"auth_basic_user_file {folder / 'htpasswd'};"),
        (r"proxy_pass http://127\.0\.0\.1:\d+;", f"proxy_pass {upstream};"),
        (r"client_header_timeout 10s;", "client_header_timeout 1s;"),
    )
    for pattern, text in replaced:
        block = re.sub(pattern, text, block)
    kept = "\n".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if folder.owner() == "root" else ""
    frame = f"pid {folder / 'nginx.pid'};\nerror_log {folder / 'error.log'};\nevents {{ worker_connections 512; }}\n"
    configuration = folder / "nginx.conf"
    http = f"http {{\naccess_log off;\n{kept}\n{block}\n}}\n"
    configuration.write_text(f"{user}daemon off;\nworker_processes 1;\n{frame}{http}", encoding="utf-8")
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")])  # noqa: S603
    try:
        _wait_for(port, process, folder / "error.log")
        yield Nginx(name, port, certificate)
    finally:
        process.terminate()
        process.wait(30)


def _make_certificate(certificate: Path, key: Path, name: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    subprocess.run([*command, *names, "-out", str(certificate), "-keyout", str(key)], check=True, capture_output=True)  # noqa: S603


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="module")
def dagster() -> Iterator[Server]:
    """Stands for Dagster's webserver."""
    with serving() as server:
        server.answer = lambda _: Reply(200, b"{}")
        yield server


@pytest.fixture(scope="module")
def before_dagster(tmp_path_factory: pytest.TempPathFactory, dagster: Server) -> Iterator[Nginx]:
    with running(tmp_path_factory.mktemp("nginx"), "README.md", "dagster.example.com", dagster.url) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def before_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    with served(MemoryStore()) as url, running(folder, "docs/webhooks.md", "hooks.example.com", url) as nginx:
        yield nginx


class TestDagster:
    @pytest.fixture
    def nginx(self, before_dagster: Nginx) -> Nginx:
        return before_dagster

    @pytest.fixture
    def upstream(self, dagster: Server) -> Server:
        dagster.received.clear()
        return dagster

    @pytest.mark.parametrize(
        "request_",
        [
            ("GET", "/", {}),
            ("GET", "/runs/1", {**OURS}),
            ("GET", "/runs/1", {"Sec-Fetch-Site": "cross-site"}),  # a link in a mail, or on another page
            ("GET", "/assets", {"Sec-Fetch-Site": "none"}),
            ("POST", "/graphql", {**OURS}),
            ("POST", "/graphql", {}),  # a program, which has the login of its own
            ("POST", "/report_asset_materialization/a", {**OURS}),
            ("GET", "/graphql", {**OURS, "Upgrade": "websocket", "Connection": "Upgrade"}),
        ],
    )
    def test_what_the_ui_and_programs_do_gets_through(
        self, nginx: Nginx, upstream: Server, request_: tuple[str, str, dict[str, str]]
    ) -> None:
        method, path, headers = request_
        assert nginx.ask(method, path, {**LOGIN, **headers}) == 200
        [received] = upstream.received
        assert (received.method, received.target) == (method, path)
        assert received.headers["Host"] == "dagster.example.com"
        assert received.headers.get("Upgrade") == headers.get("Upgrade")
        assert (received.headers.get("Connection") == "upgrade") == ("Upgrade" in headers)

    @pytest.mark.parametrize(
        "request_",
        [
            ("GET", GRAPHQL_BY_GET, {}, 405),
            ("GET", GRAPHQL_BY_GET, {**OURS}, 405),
            ("GET", GRAPHQL_BY_GET, {"Origin": "https://evil.example"}, 405),
            ("GET", GRAPHQL_BY_GET.replace("/g", "//g"), {}, 405),
            ("GET", GRAPHQL_BY_GET.replace("/graphql", "/%67raphql/"), {}, 405),
            ("GET", GRAPHQL_BY_GET, {"Upgrade": "h2c", "Connection": "Upgrade"}, 405),
            ("HEAD", GRAPHQL_BY_GET, {}, 405),
            ("PUT", "/graphql", {}, 405),
            ("POST", "/graphql", {"Origin": "https://evil.example"}, 403),
            ("POST", "/graphql", {"Origin": "null"}, 403),
            ("POST", "/graphql", {"Origin": "http://dagster.example.com"}, 403),
            ("POST", "/graphql", {"Origin": "https://dagster.example.com.evil.example"}, 403),
            ("POST", "/graphql", {"Sec-Fetch-Site": "cross-site"}, 403),
            ("POST", "/graphql", {**OURS, "Sec-Fetch-Site": "same-site"}, 403),
            ("POST", "/report_asset_materialization/a", {"Origin": "https://evil.example"}, 403),
            ("DELETE", "/anything", {"Sec-Fetch-Site": "cross-site"}, 403),
            (
                "GET",
                "/graphql",
                {"Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade"},
                403,
            ),
        ],
    )
    def test_mutations_by_get_and_all_that_comes_from_other_pages_are_refused(
        self, nginx: Nginx, upstream: Server, request_: tuple[str, str, dict[str, str], int]
    ) -> None:
        method, path, headers, status = request_
        assert nginx.ask(method, path, {**LOGIN, **headers}) == status
        assert upstream.received == []

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "dagster.example.com.evil.example"])
    def test_other_names_are_not_served(self, nginx: Nginx, upstream: Server, host: str) -> None:
        assert nginx.ask("POST", "/graphql", {**LOGIN, "Host": host}) in (0, 421)
        with pytest.raises(ssl.SSLError), nginx.connected("evil.example"):
            pass
        assert upstream.received == []

    def test_without_the_login_nothing_is_served(self, nginx: Nginx, upstream: Server) -> None:
        assert [nginx.ask("GET", path) for path in ("/", "/graphql")] == [401, 405]
        assert nginx.ask("POST", "/graphql") == 401
        assert upstream.received == []


class TestReceiver:
    @pytest.fixture
    def nginx(self, before_receiver: Nginx) -> Nginx:
        return before_receiver

    def test_webhooks_get_through_as_they_were_signed(self, nginx: Nginx) -> None:
        body = body_of()
        assert nginx.ask("POST", "/api/v1/webhook/hotel", signed(body), body) == 200
        assert nginx.ask("POST", "/api/v1/webhook/hotel", signed(b"other"), body) == 401

    def test_only_the_api_is_passed_on(self, nginx: Nginx) -> None:
        paths = ("/", "/docs", "/metrics", "/readyz", "/openapi.json", "/api/v1/../../metrics")
        assert {nginx.ask("GET", path) for path in paths} == {404}

    def test_a_body_that_is_too_large_is_refused_by_nginx(self, nginx: Nginx) -> None:
        large = {"Content-Length": str(2 * 1024 * 1024)}
        assert nginx.ask("POST", "/api/v1/webhook/hotel", large) == 413

    def test_one_address_has_a_hundred_connections(self, nginx: Nginx) -> None:
        body = body_of()
        head = f"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: {nginx.name}\r\nContent-Length: 1000\r\n\r\n".encode()
        with ExitStack() as open_ones:
            for _ in range(100):
                open_ones.enter_context(nginx.connected()).sendall(head)
            while (status := nginx.ask("POST", "/api/v1/webhook/hotel", signed(body), body)) == 200:
                pass  # until nginx has read all the heads
            assert status == 503
        while nginx.ask("POST", "/api/v1/webhook/hotel", signed(body), body) != 200:
            pass  # until it has seen that they are gone

    def test_half_a_head_is_not_waited_for(self, nginx: Nginx) -> None:
        """For ten seconds in the example, for one here."""
        with nginx.connected() as connection:
            connection.sendall(b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: x")
            assert connection.recv(1000) == b""
