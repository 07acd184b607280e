"""The doctor: everything that a sync needs is looked at, and what is wrong comes with a fix."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
from fastapi import FastAPI
from pydantic import SecretStr
from typer.testing import CliRunner

from odoo_pipelines.cli import app
from odoo_pipelines.commands.bootstrap import lacking_in, needed_fields
from odoo_pipelines.commands.doctor_odoo import odoo_findings
from odoo_pipelines.commands.findings import Finding
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.records import Batch
from odoo_pipelines_sandbox.odoo.app import create_app as create_odoo
from odoo_pipelines_sandbox.odoo.server import Options
from odoo_pipelines_sandbox.pms.app import create_app as create_pms
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.conftest import _database
from odoo_pipelines_tests.environment import unset_all

ROOT = Path(__file__).resolve().parents[2]
PMS_KEY = "pms-key-0815-confidential"
ODOO_KEY = "odoo-key-4711-confidential"
SECRETS = (PMS_KEY, ODOO_KEY, "wrong-key-confidential", "database-password-confidential")
SYSTEM = get_system("pms")
EMPLOYEE = "base.group_user"
ALL_ORDERS = "sales_team.group_sale_salesman_all_leads"
OWN_ORDERS = "sales_team.group_sale_salesman"
CONTACTS = "base.group_partner_manager"
PRODUCTS = "product.group_product_manager"
INVOICING = "account.group_account_invoice"


@dataclass(frozen=True, slots=True)
class Standin:
    """An Odoo that only one test uses."""

    url: str

    def client(self, key: str = ODOO_KEY, login: str = "admin") -> OdooClient:
        return OdooClient(OdooConnection(self.url, "odoo", login, SecretStr(key)))

    def client_with(self, *groups: str, key_ends: str | None = None) -> OdooClient:
        content = {"groups": groups, "key_ends": key_ends}
        user = requests.post(f"{self.url}/sandbox/users", json=content, timeout=10).json()
        return self.client(user["api_key"], user["login"])

    def findings(self, client: OdooClient | None = None) -> dict[str, Finding]:
        return {each.check: each for each in odoo_findings(client or self.client(), SYSTEM, {})}


@dataclass(frozen=True, slots=True)
class Report:
    """What the command printed."""

    code: int
    document: list[dict[str, Any]]

    def __getitem__(self, check: str) -> dict[str, Any]:
        [found] = [finding for finding in self.document if finding["check"] == check]
        return found

    @property
    def failed(self) -> list[str]:
        return [finding["check"] for finding in self.document if not finding["passed"]]


@pytest.fixture(scope="module")
def environment(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Both sides, a database and a home, with nothing to complain about."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(ROOT / "dagster.yaml", home)
    pms = create_pms(SandboxOptions(bookings=3, api_key=SecretStr(PMS_KEY)))
    with running(pms) as pms_url, running(prepared_odoo()) as odoo_url, _database(server_url, template) as database:
        prepare(odoo_url)
        yield {
            "DAGSTER_HOME": str(home),
            "ODOO_PIPELINES_DATABASE_URL": database,
            "PMS_URL": pms_url,
            "PMS_API_KEY": PMS_KEY,
            "ODOO_URL": odoo_url,
            "ODOO_DB": "odoo",
            "ODOO_USERNAME": "admin",
            "ODOO_API_KEY": ODOO_KEY,
        }


@pytest.fixture
def doctor(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., Report]]:
    """Runs the command; named variables differ from the usual ones."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # the command line takes over the root logger
    monkeypatch.chdir(tmp_path)

    def run(**changed: str) -> Report:
        unset_all(monkeypatch)
        for variable, value in {**environment, **changed}.items():
            monkeypatch.setenv(variable, value)
        result = CliRunner().invoke(app, ["doctor", "--json"])
        assert not [secret for secret in SECRETS if secret in result.output]
        report = Report(result.exit_code, json.loads(result.stdout))
        assert_well_formed(report.document)
        return report

    yield run
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def odoo() -> Iterator[Standin]:
    """A prepared Odoo of the test's own."""
    with running(prepared_odoo()) as url:
        prepare(url)
        yield Standin(url)


def prepared_odoo() -> FastAPI:
    fields = {model: {each.name: each.type for each in some} for model, some in needed_fields(SYSTEM).items()}
    return create_odoo(Options(api_key=ODOO_KEY, custom_fields=fields))


def prepare(url: str) -> None:
    client = Standin(url).client()
    lacking_in(client, SYSTEM, {}).apply(client)


def assert_well_formed(document: list[dict[str, Any]]) -> None:
    for finding in document:
        assert list(finding) == ["check", "status", "detail", "fix", "passed"]
        assert finding["passed"] is (finding["status"] != "problem")
        assert bool(finding["fix"]) is (finding["status"] != "ok"), finding


@contextmanager
def nobody_listens() -> Iterator[str]:
    """A URL where connections are refused, as long as the context lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class TestTheCommand:
    def test_when_all_is_well_nothing_needs_a_cure(self, doctor: Callable[..., Report]) -> None:
        report = doctor()
        assert (report.code, report.failed) == (0, [])
        assert {finding["status"] for finding in report.document} == {"ok"}
        checks = [finding["check"] for finding in report.document]
        assert checks[0] == "settings"
        last = ["payment journals", "database", "batches", "Dagster storage", "Dagster pool"]
        assert checks[-5:] == last
        assert {"pms API", "Odoo version", "Odoo login", "Odoo API key", "languages", "currencies"} < set(checks)
        assert {f"rights on {model}" for model in needed_fields(SYSTEM)} | {"orders of others"} < set(checks)

    def test_the_table_says_the_same_to_people(
        self, doctor: Callable[..., Report], environment: dict[str, str]
    ) -> None:
        report = doctor()
        result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})
        assert result.exit_code == 0
        assert all(finding["check"] in result.stdout for finding in report.document)
        assert environment["PMS_URL"] in result.stdout

    def test_missing_settings_are_all_named_and_nothing_else_is_tried(self, doctor: Callable[..., Report]) -> None:
        report = doctor(PMS_URL="", ODOO_API_KEY="")
        assert report.code == 1
        assert [finding["detail"] for finding in report.document] == ["PMS_URL is not set", "ODOO_API_KEY is not set"]

    def test_an_unknown_integration_is_told_with_the_known_ones(self, doctor: Callable[..., Report]) -> None:
        doctor()
        result = CliRunner().invoke(app, ["doctor", "--integration", "spa", "--json"])
        assert result.exit_code == 1
        assert json.loads(result.stdout)[0]["detail"] == "there is no integration 'spa'; configured: pms"

    def test_one_side_is_looked_at_whatever_the_other_says(self, doctor: Callable[..., Report]) -> None:
        report = doctor(
            PMS_API_KEY="wrong-key-confidential",
            ODOO_DB="elsewhere",
            ODOO_PIPELINES_DATABASE_URL="postgresql://u:database-password-confidential@127.0.0.1:1/none",
        )
        assert report.code == 1
        assert report.failed == ["pms API", "Odoo login", "database"]


class TestFiles:
    def test_batches_that_other_accounts_may_read_are_found_with_the_command_that_closes_them(
        self, doctor: Callable[..., Report], tmp_path: Path
    ) -> None:
        folder = tmp_path / "data here/pms/external/bookings"
        folder.mkdir(parents=True)
        (folder / "a.parquet").write_text("rows")
        for each in (*reversed(folder.parents[:3]), folder):
            each.chmod(0o750)
        report = doctor(ODOO_PIPELINES_DATA=str(tmp_path / "data here"))
        assert (report.code, report["files"]["status"]) == (0, "warning")
        assert "may read 5 folders and files, such as" in report["files"]["detail"]
        subprocess.run(report["files"]["fix"], shell=True, check=True)  # noqa: S602 - what a person would do
        assert doctor(ODOO_PIPELINES_DATA=str(tmp_path / "data here"))["files"]["status"] == "ok"

    def test_a_folder_that_cannot_be_looked_into_is_a_finding(
        self, doctor: Callable[..., Report], tmp_path: Path
    ) -> None:
        (tmp_path / "data").write_text("a file")
        report = doctor(ODOO_PIPELINES_DATA=str(tmp_path / "data"))
        assert report["files"]["status"] == "warning"
        assert "Not a directory" in report["files"]["detail"]

    def test_batches_elsewhere_are_not_looked_at(self, doctor: Callable[..., Report]) -> None:
        assert doctor(ODOO_PIPELINES_DATA="memory://bucket")["files"]["status"] == "ok"


class TestBatches:
    def test_one_that_waits_and_whose_file_is_gone_is_named_with_what_to_do(
        self, doctor: Callable[..., Report], environment: dict[str, str]
    ) -> None:
        doctor()
        engine = connect(environment["ODOO_PIPELINES_DATABASE_URL"])
        try:
            batch = Batch(0, "pms", "external", "bookings", "2026-01-01", "a-run", "gone.parquet", 3, None)
            registered = State(engine).register(batch)
            finding = doctor()["batches"]
            State(engine).forget_batches([registered.id])
        finally:
            engine.dispose()
        assert "gone.parquet cannot be read" in finding["detail"]
        assert "1 of 1" in finding["detail"]
        assert "`odoo-pipelines batches list --integration pms`" in finding["fix"]
        assert doctor()["batches"]["detail"] == "none waits"


class TestTheExternalSystem:
    def test_a_wrong_key(self, doctor: Callable[..., Report]) -> None:
        report = doctor(PMS_API_KEY="wrong-key-confidential")
        assert (report.code, report.failed) == (1, ["pms API"])
        assert report["pms API"]["fix"] == "check the API key, and the secret if there is one"

    def test_a_server_that_is_down(self, doctor: Callable[..., Report]) -> None:
        with nobody_listens() as nobody:
            report = doctor(PMS_URL=nobody)
        assert (report.code, report.failed) == (1, ["pms API"])
        assert "check the URL" in report["pms API"]["fix"]

    def test_plain_http_to_another_machine_works_but_should_not_stay_so(self, doctor: Callable[..., Report]) -> None:
        report = doctor(PMS_URL="http://pms.invalid", ODOO_ENABLED="false")
        plain = [finding for finding in report.document if "plain http" in finding["detail"]]
        assert [(finding["status"], finding["fix"]) for finding in plain] == [("warning", "use https")]


class TestOdooFromTheCommand:
    def test_a_server_that_is_down(self, doctor: Callable[..., Report]) -> None:
        with nobody_listens() as nobody:
            report = doctor(ODOO_URL=nobody)
        assert (report.code, report.failed) == (1, ["Odoo"])
        assert "check ODOO_URL" in report["Odoo"]["fix"]

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"ODOO_API_KEY": "wrong-key-confidential"}, id="key"),
            pytest.param({"ODOO_DB": "elsewhere"}, id="database"),
        ],
    )
    def test_credentials_that_are_refused(self, doctor: Callable[..., Report], changed: dict[str, str]) -> None:
        report = doctor(**changed)
        assert (report.code, report.failed) == (1, ["Odoo login"])
        assert report["Odoo login"]["fix"] == "check ODOO_DB, ODOO_USERNAME and ODOO_API_KEY"

    def test_switched_off_it_is_not_asked(self, doctor: Callable[..., Report]) -> None:
        with nobody_listens() as nobody:
            report = doctor(ODOO_ENABLED="false", ODOO_URL=nobody)
        assert (report.code, report.failed) == (0, [])
        assert (report["Odoo"]["status"], report["Odoo"]["fix"]) == ("warning", "set ODOO_ENABLED=true to load")


class TestTheDatabaseAndDagster:
    def test_a_database_that_cannot_be_reached(self, doctor: Callable[..., Report]) -> None:
        url = "postgresql://u:database-password-confidential@127.0.0.1:1/none"
        report = doctor(ODOO_PIPELINES_DATABASE_URL=url)
        assert (report.code, report.failed) == (1, ["database"])
        assert "check ODOO_PIPELINES_DATABASE_URL" in report["database"]["fix"]

    def test_a_dagster_yaml_that_is_not_this_projects(self, doctor: Callable[..., Report], tmp_path: Path) -> None:
        (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        report = doctor(DAGSTER_HOME=str(tmp_path))
        assert report.code == 1
        assert "Dagster storage" in report.failed
        assert "this project's dagster.yaml" in report["Dagster storage"]["fix"]

    def test_a_dagster_yaml_that_cannot_be_read(self, doctor: Callable[..., Report], tmp_path: Path) -> None:
        (tmp_path / "dagster.yaml").write_text("storage: {custom: {module: nowhere, class: Storage, config: {}}}\n")
        report = doctor(DAGSTER_HOME=str(tmp_path))
        assert (report.code, report.failed) == (1, ["Dagster"])
        assert "check DAGSTER_HOME" in report["Dagster"]["fix"]

    def test_a_folder_without_dagster_yaml(self, doctor: Callable[..., Report], tmp_path: Path) -> None:
        report = doctor(DAGSTER_HOME=str(tmp_path / "new"))
        assert (report.code, report.failed) == (1, ["Dagster"])

    def test_a_pool_that_lets_two_runs_write(self, doctor: Callable[..., Report]) -> None:
        doctor()
        with dg.DagsterInstance.get() as instance:
            instance.event_log_storage.set_concurrency_slots("odoo_pipelines/pms", 2)
            report = doctor()
            instance.event_log_storage.set_concurrency_slots("odoo_pipelines/pms", 1)
        assert (report.code, report.failed) == (1, ["Dagster pool"])
        assert report["Dagster pool"]["fix"] == "dagster instance concurrency set odoo_pipelines/pms 1"


class TestOdoo:
    @pytest.mark.parametrize(
        ("groups", "lacking"),
        [
            pytest.param((EMPLOYEE, ALL_ORDERS, CONTACTS, PRODUCTS, INVOICING), {}, id="the documented ones"),
            pytest.param(
                (EMPLOYEE, CONTACTS, PRODUCTS, INVOICING),
                {
                    "rights on sale.order": "Sales / User: All Documents",
                    "rights on sale.order.line": "Sales / User: All Documents",
                    "orders of others": "Sales / User: All Documents",
                },
                id="no sales",
            ),
            pytest.param(
                (EMPLOYEE, OWN_ORDERS, CONTACTS, PRODUCTS, INVOICING),
                {"orders of others": "Sales / User: All Documents"},
                id="own orders only",
            ),
            pytest.param(
                (EMPLOYEE, ALL_ORDERS, CONTACTS, INVOICING),
                {"rights on product.product": "Products / Create"},
                id="no products",
            ),
            pytest.param(
                (EMPLOYEE, ALL_ORDERS, CONTACTS, PRODUCTS),
                {"rights on account.payment": "Accounting / Invoicing"},
                id="no payments",
            ),
            pytest.param(
                (EMPLOYEE, CONTACTS, PRODUCTS),
                {
                    "rights on sale.order": "Sales / User: All Documents",
                    "rights on sale.order.line": "Sales / User: All Documents",
                    "orders of others": "Sales / User: All Documents",
                    "rights on account.payment": "Accounting / Invoicing",
                    "payment journals": "Accounting / Invoicing",
                },
                id="neither sales nor payments",
            ),
        ],
    )
    def test_every_right_that_is_missing_is_named_with_its_group(
        self, odoo: Standin, groups: tuple[str, ...], lacking: dict[str, str]
    ) -> None:
        findings = odoo.findings(odoo.client_with(*groups))
        failed = {check: finding for check, finding in findings.items() if not finding.passed}
        assert failed.keys() == lacking.keys()
        assert all(f"'{lacking[check]}'" in finding.fix for check, finding in failed.items())

    def test_a_model_that_is_not_installed(self, odoo: Standin) -> None:
        flow = SYSTEM.flows[0]
        system = replace(SYSTEM, flows=(replace(flow, target=replace(flow.target, model="hotel.folio")),))
        findings = {each.check: each for each in odoo_findings(odoo.client(), system, {})}
        finding = findings["rights on hotel.folio"]
        assert (finding.passed, finding.fix) == (False, "install the app that brings hotel.folio")

    def test_missing_fields_and_categories_are_named_and_bootstrap_makes_them(self) -> None:
        with running(create_odoo(Options(api_key=ODOO_KEY))) as url:
            finding = Standin(url).findings()["custom fields"]
        assert not finding.passed
        assert "res.partner.x_sync_key" in finding.detail
        assert "more" in finding.detail
        assert "odoo-pipelines bootstrap" in finding.fix

    def test_a_field_of_another_type_is_a_problem_that_bootstrap_cannot_cure(self) -> None:
        fields = {"res.partner": {"x_loyalty_points": "char"}}
        with running(create_odoo(Options(api_key=ODOO_KEY, custom_fields=fields))) as url:
            found = [each for each in odoo_findings(Standin(url).client(), SYSTEM, {}) if each.check == "custom fields"]
        [wrong] = [each for each in found if "x_loyalty_points" in each.detail and each.fix == "correct it in Odoo"]
        assert not wrong.passed

    def test_a_fresh_odoo_lacks_a_cash_journal_and_outstanding_accounts(self) -> None:
        with running(create_odoo(Options(api_key=ODOO_KEY))) as url:
            findings = Standin(url).findings()
        journals, accounts = findings["payment journals"], findings["outstanding accounts"]
        assert (journals.passed, journals.detail) == (False, "missing: cash journal")
        assert "bootstrap` as somebody with Accounting / Administrator" in journals.fix
        assert (accounts.passed, accounts.detail.partition(":")[0]) == (False, "none on BNK1 inbound, BNK1 outbound")
        assert accounts.fix == "run `odoo-pipelines bootstrap` as somebody with Accounting / Invoicing"

    def test_with_accounts_everywhere_the_journals_are_named(self, odoo: Standin) -> None:
        finding = odoo.findings()["payment journals"]
        assert (finding.status, finding.detail) == ("ok", "BNK1, CSH1, all with outstanding accounts")

    def test_a_journal_of_the_settings_that_odoo_lacks(self, odoo: Standin) -> None:
        journals = {"paypal": "PPL", "cash": "BNK1", "check": "INV"}
        found = [each for each in odoo_findings(odoo.client(), SYSTEM, journals) if each.check == "payment journals"]
        assert [finding.detail for finding in found] == [
            f"'{code}' is the code of no active journal for payments" for code in ("INV", "PPL")
        ]
        assert {finding.fix for finding in found} == {"correct the setting `journals`, or create the journal in Odoo"}

    @pytest.mark.parametrize(("days", "status"), [(3, "warning"), (60, "ok")])
    def test_a_key_that_runs_out_soon_is_a_warning(self, odoo: Standin, days: int, status: str) -> None:
        end = datetime.now(UTC) + timedelta(days=days)
        client = odoo.client_with(
            EMPLOYEE, ALL_ORDERS, CONTACTS, PRODUCTS, INVOICING, key_ends=f"{end:%Y-%m-%d %H:%M:%S}"
        )
        finding = odoo.findings(client)["Odoo API key"]
        assert (finding.status, f"{end:%Y-%m-%d}" in finding.detail) == (status, True)

    def test_the_language_in_which_calls_are_made_has_to_be_active(self, odoo: Standin) -> None:
        client = odoo.client()
        [german] = client.search("res.lang", [("code", "=", "de_DE"), ("active", "in", [True, False])])
        client.write("res.lang", [german], {"active": True})
        client.write("res.lang", client.search("res.lang", [("code", "=", "en_US")]), {"active": False})
        finding = odoo.findings()["languages"]
        assert (finding.passed, finding.detail) == (False, "active: de_DE")
        assert "activate en_US" in finding.fix

    def test_a_user_of_several_companies_has_to_name_one_before_anything_is_looked_up(self, odoo: Standin) -> None:
        client = odoo.client()
        own = client.read("res.company", [1], ["partner_id", "currency_id"])[0]
        vals = {"name": "Beach Ltd", "partner_id": own["partner_id"], "currency_id": own["currency_id"]}
        [second] = client.create("res.company", [vals])
        client.write("res.users", [client.authenticate()], {"company_ids": [[6, 0, [1, second]]]})
        findings = odoo.findings()
        finding = findings["Odoo company"]
        assert (finding.passed, "currencies" in findings) == (False, False)
        assert "2 companies" in finding.detail
        assert "set `company`" in finding.fix
