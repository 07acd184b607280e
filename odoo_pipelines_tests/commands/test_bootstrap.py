"""Bootstrap shows what Odoo lacks, journals and their accounts included, creates it, and may be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr
from rich.console import Console

from odoo_pipelines.commands.bootstrap import lacking_in, run_bootstrap
from odoo_pipelines.errors import OdooAccessError
from odoo_pipelines.integration import ExternalSettings, Integration, OdooSettings
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.settings import DatabaseSettings, Settings
from odoo_pipelines.systems import get_system
from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.serving import running

KEY = "sandbox-api-key"
ACCESS_RIGHTS = ("base.group_user", "base.group_erp_manager", "product.group_product_manager")
ACCOUNTANT = ("base.group_user", "account.group_account_manager")
JOURNAL_LINES = (
    "cash journal Cash, with the accounts Outstanding Receipts and Outstanding Payments on its payment methods",
    "account Outstanding Receipts on the inbound payment method of journal BNK1",
    "account Outstanding Payments on the outbound payment method of journal BNK1",
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """An Odoo as it comes."""

    url: str
    home: Path

    def bootstrap(
        self, *, login: str = "admin", key: str = KEY, journals: Mapping[str, str] | None = None
    ) -> tuple[bool, str]:
        """Whether nothing is missing any more, and what was shown."""
        integration = Integration(
            name="pms",
            external=ExternalSettings(url="http://127.0.0.1:1", api_key=SecretStr("x")),
            odoo=OdooSettings(url=self.url, db="odoo", username=login, api_key=SecretStr(key)),
            journals=dict(journals or {}),
        )
        settings = Settings({"pms": integration}, DatabaseSettings(None, self.home), f"disk://{self.home}", self.home)
        shown = StringIO()
        done = run_bootstrap(settings, "pms", Console(file=shown, width=500), assume_yes=True)
        return done, shown.getvalue()

    def bootstrap_as(self, *groups: str) -> tuple[bool, str]:
        """The same by somebody with these groups only."""
        user = requests.post(f"{self.url}/sandbox/users", json={"groups": groups}, timeout=10).json()
        return self.bootstrap(login=user["login"], key=user["api_key"])

    def client(self) -> OdooClient:
        return OdooClient(OdooConnection(self.url, "odoo", "admin", SecretStr(KEY)))

    def journals(self) -> list[str]:
        """Codes of the journals that take payments."""
        rows = self.client().search_read("account.journal", [("type", "in", ["bank", "cash"])], ["code"])
        return sorted(row["code"] for row in rows)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    with running(create_app()) as url:
        yield Fresh(url, tmp_path)


def test_journal_and_accounts_are_shown_and_made_with_the_fields(fresh: Fresh) -> None:
    done, shown = fresh.bootstrap()
    assert done
    assert [line for line in shown.splitlines() if "journal" in line] == list(JOURNAL_LINES)
    assert "field account.payment.x_sync_key (char, indexed): Sync key" in shown.splitlines()
    assert "field product.product.x_room_count (integer): Number of rooms" in shown.splitlines()
    assert fresh.journals() == ["BNK1", "CSH1"]
    assert lacking_in(fresh.client(), get_system("pms"), {}).is_empty


def test_a_repetition_finds_nothing_to_do(fresh: Fresh) -> None:
    fresh.bootstrap()
    assert fresh.bootstrap() == (True, "Nothing is missing.\n")
    assert fresh.journals() == ["BNK1", "CSH1"]


def test_no_cash_journal_is_made_where_cash_goes_to_another(fresh: Fresh) -> None:
    assert fresh.bootstrap(journals={"cash": "BNK1"})[0]
    assert fresh.journals() == ["BNK1"]


def test_a_journal_of_the_settings_that_is_not_there_is_a_problem_and_the_rest_is_made(fresh: Fresh) -> None:
    done, shown = fresh.bootstrap(journals={"paypal": "PPL"})
    assert not done
    assert "problem: payment journals: 'PPL' is the code of no active journal for payments; " in shown
    assert fresh.journals() == ["BNK1", "CSH1"]
    again, shown = fresh.bootstrap(journals={"paypal": "PPL"})
    assert (again, "Nothing is missing." in shown) == (False, False)


def test_two_people_may_share_the_work(fresh: Fresh) -> None:
    """Fields need other rights than journals, and few people have both."""
    done, shown = fresh.bootstrap_as(*ACCESS_RIGHTS)
    assert not done
    assert "problem: payment journals: hidden; give the user the group 'Accounting / Invoicing'" in shown
    assert fresh.journals() == ["BNK1"]
    done, shown = fresh.bootstrap_as(*ACCOUNTANT)
    assert (done, shown.splitlines()) == (True, [*JOURNAL_LINES, "Created."])
    assert fresh.journals() == ["BNK1", "CSH1"]


def test_without_the_right_to_make_journals_it_says_so(fresh: Fresh) -> None:
    fresh.bootstrap_as(*ACCESS_RIGHTS)
    with pytest.raises(OdooAccessError):
        fresh.bootstrap_as("base.group_user", "account.group_account_invoice")
