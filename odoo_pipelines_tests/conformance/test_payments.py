"""Payments: journals, states, names, journal entries, and what Odoo loses on the way."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.conformance.wire import Refusal, Wire, unique, xmlid

COLUMNS = (
    "id",
    "payment_type",
    "partner_type",
    "partner_id/.id",
    "amount",
    "currency_id/.id",
    "date",
    "memo",
    "journal_id/.id",
)
DAY = "2024-03-05"
LATER = "2024-04-06"
OTHER_YEAR = "2023-01-01"
INVOICING = "account.group_account_invoice"
EVERYTHING = "read write create unlink"


class Books:
    """Payments of one database."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def payment(self, **vals: Any) -> int:
        """Creates a draft of 10 in the first bank journal."""
        return self.wire.create("account.payment", **{"amount": 10.0, "date": DAY, **vals})

    def posted(self, **vals: Any) -> int:
        """Creates one and posts it."""
        payment = self.payment(**vals)
        assert self.act("post", payment) is None
        return payment

    def act(self, action: str, *payments: int) -> Any:
        """Calls an action."""
        return self.wire.json2("account.payment", f"action_{action}", ids=payments)

    def write(self, payment: int, **vals: Any) -> Any:
        """Writes a payment."""
        return self.wire.write("account.payment", payment, **vals)

    def read(self, payment: int, *fields: str) -> tuple[Any, ...]:
        """Values of a payment."""
        return tuple(self.wire.read("account.payment", payment, *fields).values())

    def value(self, payment: int, name: str) -> Any:
        """One value of a payment."""
        return self.wire.value("account.payment", payment, name)

    def entry(self, payment: int, *fields: str) -> tuple[Any, ...]:
        """Values of a payment's journal entry."""
        return tuple(self.wire.read("account.move", self.value(payment, "move_id"), *fields).values())

    def bank_of_its_own(self) -> int:
        """A new bank journal, so that numbers start with 1."""
        return self.wire.create("account.journal", name=unique("Bank"), type="bank")

    def chart(self, name: str) -> int:
        """An account or journal of the generic chart."""
        [_, found] = self.wire.json2("ir.model.data", "check_object_reference", module="account", xml_id=f"1_{name}")
        return int(found)


@pytest.fixture(scope="module")
def books(own_odoo: Wire) -> Books:
    """A company that has just begun."""
    return Books(own_odoo)


@pytest.fixture
def guest(own_odoo: Wire) -> int:
    """A contact."""
    return own_odoo.create("res.partner", name=unique("Ann"))


@pytest.fixture(scope="module")
def custom(books: Books) -> str:
    """A custom field on payments."""
    [model] = books.wire.search("ir.model", ["model", "=", "account.payment"])
    name = f"x_{unique().replace('-', '_')}"
    books.wire.create("ir.model.fields", name=name, model_id=model, ttype="char", field_description="Test")
    return name


@pytest.fixture(scope="module")
def clerk(books: Books) -> Wire:
    """Somebody with Accounting / Invoicing and nothing else."""
    return books.wire.as_user("base.group_user", INVOICING)


@pytest.fixture(scope="module")
def seller(books: Books) -> Wire:
    """Somebody who sells."""
    return books.wire.as_user("base.group_user", "sales_team.group_sale_salesman_all_leads")


class TestAFreshDatabase:
    def test_a_bank_journal_is_there_and_no_cash_journal(self, books: Books) -> None:
        domain = [["type", "in", ["bank", "cash", "credit"]], ["id", "<", 7]]
        found = books.wire.json2("account.journal", "search_read", domain=domain, fields=["code", "name", "type"])
        assert [(row["code"], row["name"], row["type"]) for row in found] == [("BNK1", "Bank", "bank")]

    def test_sales_and_purchases_have_journals_that_take_no_payment(self, books: Books) -> None:
        sales = books.wire.search("account.journal", ["code", "=", "INV"])
        assert books.wire.search("account.payment.method.line", ["journal_id", "in", sales]) == []
        refused = books.wire.json2("account.payment", "create", vals_list=[{"amount": 1, "journal_id": sales[0]}])
        assert (refused.name, refused.message) == (
            "odoo.exceptions.ValidationError",
            "Please define a payment method line on your payment.",
        )

    def test_codes_are_found_as_they_are_written(self, books: Books) -> None:
        assert books.wire.search("account.journal", ["code", "=", "bnk1"]) == []

    def test_the_chart_has_accounts_for_money_that_is_on_its_way(self, books: Books) -> None:
        accounts = {
            name: books.wire.read("account.account", books.chart(name), "name", "account_type", "reconcile")
            for name in ("account_journal_payment_debit_account_id", "account_journal_payment_credit_account_id")
        }
        expected = {"account_type": "asset_current", "reconcile": True}
        assert list(accounts.values()) == [
            {"name": "Outstanding Receipts", **expected},
            {"name": "Outstanding Payments", **expected},
        ]
        assert books.wire.value("res.company", 1, "transfer_account_id") == books.chart("transfer_account_id")

    def test_the_banks_payment_methods_have_no_account(self, books: Books) -> None:
        fields = ["name", "payment_type", "code", "journal_id", "payment_account_id", "company_id"]
        domain = [["journal_id.code", "=", "BNK1"]]
        lines = books.wire.json2("account.payment.method.line", "search_read", domain=domain, fields=fields)
        bank = [books.chart("bank"), "Bank"]
        assert [{name: line[name] for name in fields} for line in lines] == [
            {
                "name": "Manual Payment",
                "payment_type": kind,
                "code": "manual",
                "journal_id": bank,
                "payment_account_id": False,
                "company_id": [1, books.wire.value("res.company", 1, "name")],
            }
            for kind in ("inbound", "outbound")
        ]

    def test_a_new_journal_gets_code_account_and_payment_methods(self, books: Books) -> None:
        cash = books.wire.create("account.journal", name="Till", type="cash")
        journal = books.wire.read("account.journal", cash, "code", "active", "payment_sequence", "currency_id")
        assert journal == {"code": "CSH1", "active": True, "payment_sequence": True, "currency_id": False}
        account = books.wire.value("account.journal", cash, "default_account_id")
        assert books.wire.read("account.account", account, "name", "code", "account_type", "reconcile") == {
            "name": "Till",
            "code": "101501",
            "account_type": "asset_cash",
            "reconcile": False,
        }
        domain = [["journal_id", "=", cash]]
        fields = ["payment_type", "payment_account_id", "display_name"]
        lines = books.wire.json2("account.payment.method.line", "search_read", domain=domain, fields=fields)
        assert [(line["payment_type"], line["payment_account_id"], line["display_name"]) for line in lines] == [
            ("inbound", False, "Manual Payment (Till)"),
            ("outbound", False, "Manual Payment (Till)"),
        ]

    def test_a_code_is_used_once(self, books: Books) -> None:
        vals = {"name": "Again", "type": "bank", "code": "BNK1"}
        refused = books.wire.json2("account.journal", "create", vals_list=[vals])
        assert "Journal codes must be unique per company." in refused.message


class TestCreating:
    def test_an_amount_is_all_that_is_needed(self, books: Books) -> None:
        payment = books.wire.create("account.payment", amount=10.005)
        [company] = books.wire.json2("res.company", "read", ids=[1], fields=["currency_id"], load=None)
        assert books.wire.read(
            "account.payment",
            payment,
            "name",
            "display_name",
            "state",
            "amount",
            "payment_type",
            "partner_type",
            "journal_id",
            "currency_id",
            "outstanding_account_id",
            "move_id",
            "memo",
        ) == {
            "name": False,
            "display_name": "Draft Payment",
            "state": "draft",
            "amount": 10.01,
            "payment_type": "inbound",
            "partner_type": "customer",
            "journal_id": books.chart("bank"),
            "currency_id": company["currency_id"],
            "outstanding_account_id": books.chart("account_journal_payment_debit_account_id"),
            "move_id": False,
            "memo": False,
        }

    @pytest.mark.parametrize(
        ("direction", "account"),
        [
            ("inbound", "account_journal_payment_debit_account_id"),
            ("outbound", "account_journal_payment_credit_account_id"),
        ],
    )
    def test_the_outstanding_account_is_odoos_choice(self, books: Books, direction: str, account: str) -> None:
        payment = books.payment(payment_type=direction, outstanding_account_id=books.chart("transfer_account_id"))
        assert books.value(payment, "outstanding_account_id") == books.chart(account)

    @pytest.mark.parametrize(
        ("kind", "with_partner", "without"),
        [("customer", "receivable", "pos_receivable"), ("supplier", "payable", "payable")],
    )
    def test_the_other_side_is_the_partners_account(
        self, books: Books, guest: int, kind: str, with_partner: str, without: str
    ) -> None:
        paid = books.payment(partner_type=kind, partner_id=guest)
        anonymous = books.payment(partner_type=kind)
        assert books.value(paid, "destination_account_id") == books.chart(with_partner)
        assert books.value(anonymous, "destination_account_id") == books.chart(without)

    def test_amounts_are_rounded_to_their_currency(self, books: Books) -> None:
        [yen] = books.wire.search("res.currency", ["name", "=", "JPY"], ["active", "in", [True, False]])
        assert books.value(books.payment(amount=3.5, currency_id=yen), "amount") == 4.0

    def test_a_negative_amount_is_refused(self, books: Books, guest: int) -> None:
        message = "The payment amount cannot be negative."
        payment = books.payment()
        for refused in (
            books.wire.json2("account.payment", "create", vals_list=[{"amount": -1}]),
            books.write(payment, amount=-1),
        ):
            assert (refused.status, refused.message) == (422, f"The operation cannot be completed: {message}")
        row = [xmlid(), "inbound", "customer", str(guest), "-1", "1", DAY, "", str(books.chart("bank"))]
        [told] = books.wire.load("account.payment", COLUMNS, row)["messages"]
        assert (told["message"], told["field"], told["record"]) == (message, "amount", 0)

    @pytest.mark.parametrize(("name", "label"), [("journal_id", "Journal"), ("date", "Date")])
    def test_what_a_payment_must_have(self, books: Books, name: str, label: str) -> None:
        refused = books.wire.json2("account.payment", "create", vals_list=[{"amount": 1, name: False}])
        assert refused.name == "odoo.exceptions.ValidationError"
        assert f"Missing required value for the field '{label}' ({name})." in refused.message

    def test_ref_is_gone(self, books: Books) -> None:
        refused = books.wire.json2("account.payment", "create", vals_list=[{"amount": 1, "ref": "x"}])
        assert refused.message == "Invalid field 'ref' in 'account.payment'"

    def test_load_takes_technical_names_as_well_as_labels(self, books: Books, guest: int) -> None:
        rest = [str(guest), "120.5", "1", DAY, "PMS 1", str(books.chart("bank"))]
        rows = [[xmlid(), "outbound", "customer", *rest], [xmlid(), "Send", "Customer", *rest]]
        for payment in books.wire.loaded("account.payment", COLUMNS, *rows):
            assert books.read(payment, "payment_type", "amount", "date", "memo", "partner_id", "state") == (
                "outbound",
                120.5,
                DAY,
                "PMS 1",
                guest,
                "draft",
            )


class TestPosting:
    def test_a_posted_payment_has_an_entry_and_is_called_as_it(self, books: Books, guest: int) -> None:
        bank = books.bank_of_its_own()
        code = books.wire.value("account.journal", bank, "code")
        payment = books.posted(partner_id=guest, memo="S00012 - t1", journal_id=bank)
        name = f"P{code}/2024/00001"
        assert books.read(payment, "name", "display_name", "state") == (name, name, "in_process")
        fields = ("name", "state", "move_type", "journal_id", "date", "ref", "amount_total", "partner_id")
        assert books.entry(payment, *fields) == (name, "posted", "entry", bank, DAY, "S00012 - t1", 10.0, guest)
        assert books.entry(payment, "origin_payment_id") == (payment,)

    def test_numbers_are_counted_by_journal_and_year(self, books: Books) -> None:
        bank = books.bank_of_its_own()
        code = books.wire.value("account.journal", bank, "code")
        days = (DAY, LATER, OTHER_YEAR, DAY)
        names = [books.value(books.posted(journal_id=bank, date=day), "name") for day in days]
        assert [name.removeprefix(f"P{code}/") for name in names] == [
            "2024/00001",
            "2024/00002",
            "2023/00001",
            "2024/00003",
        ]

    def test_money_paid_back_counts_in_the_same_row(self, books: Books) -> None:
        bank = books.bank_of_its_own()
        books.posted(journal_id=bank)
        refund = books.posted(journal_id=bank, payment_type="outbound")
        assert books.value(refund, "name").endswith("/2024/00002")
        assert books.entry(refund, "amount_total") == (10.0,)

    def test_a_journal_without_a_sequence_for_payments_leaves_out_the_p(self, books: Books) -> None:
        vals = {"name": unique(), "type": "bank", "code": "NSQ", "payment_sequence": False}
        payment = books.posted(journal_id=books.wire.create("account.journal", **vals))
        assert books.value(payment, "name") == "NSQ/2024/00001"

    def test_a_list_may_hold_payments_in_any_state(self, books: Books) -> None:
        draft, posted, paid, cancelled = books.payment(), books.posted(), books.posted(), books.payment()
        books.act("validate", paid)
        books.act("cancel", cancelled)
        assert books.act("post", draft, posted, paid, cancelled) is None
        states = [books.value(payment, "state") for payment in (draft, posted, paid, cancelled)]
        assert states == ["in_process", "in_process", "paid", "canceled"]

    def test_an_inactive_currency_is_refused_and_with_it_the_whole_list(self, books: Books) -> None:
        [euro] = books.wire.search("res.currency", ["name", "=", "EUR"], ["active", "in", [True, False]])
        good, bad = books.payment(), books.payment(currency_id=euro)
        refused = books.act("post", good, bad)
        assert (refused.name, refused.message) == (
            "odoo.exceptions.UserError",
            "You cannot validate a document with an inactive currency: EUR",
        )
        assert books.read(good, "state", "move_id") == ("draft", False)

    def test_writing_a_posted_state_posts_a_draft(self, books: Books) -> None:
        payment = books.payment()
        assert books.write(payment, state="paid") is True
        assert books.value(payment, "state") == "paid"
        assert books.entry(payment, "state", "amount_total") == ("posted", 10.0)

    def test_creating_a_posted_state_makes_no_entry(self, books: Books) -> None:
        payment = books.payment(state="in_process")
        name, entry = books.read(payment, "name", "move_id")
        assert (name[:5], entry) == ("PAY00", False)
        books.act("post", payment)
        assert books.value(payment, "name").startswith("PBNK1/2024/")

    def test_the_partner_and_its_company_rise_with_every_posting(self, books: Books) -> None:
        company = books.wire.create("res.partner", name=unique(), is_company=True)
        contact = books.wire.create("res.partner", name=unique(), parent_id=company)
        payment = books.posted(partner_id=contact)
        books.act("draft", payment)
        books.act("post", payment)
        books.posted(partner_id=contact, payment_type="outbound")
        books.posted(partner_id=contact, partner_type="supplier")
        for partner in (contact, company):
            ranks = books.wire.read("res.partner", partner, "customer_rank", "supplier_rank")
            assert ranks == {"customer_rank": 3, "supplier_rank": 1}

    def test_posting_changes_the_partners_write_date(self, books: Books, guest: int) -> None:
        payment = books.payment(partner_id=guest)
        created = books.wire.value("res.partner", guest, "write_date")
        while books.value(payment, "write_date") <= created:
            books.write(payment, memo="later")
        books.act("post", payment)
        assert books.wire.value("res.partner", guest, "write_date") > created

    def test_an_amount_of_zero_and_no_partner_are_posted(self, books: Books) -> None:
        assert books.entry(books.posted(amount=0), "state", "amount_total") == ("posted", 0.0)


class TestOtherStates:
    def test_validated_payments_are_paid(self, books: Books) -> None:
        posted, draft = books.posted(), books.payment()
        assert books.act("validate", posted, draft) is None
        assert [books.value(payment, "state") for payment in (posted, draft)] == ["paid", "paid"]
        assert books.entry(draft, "state") == ("posted",)

    def test_back_to_draft_the_entry_stays_and_keeps_its_name(self, books: Books) -> None:
        payment = books.posted()
        name = books.value(payment, "name")
        books.act("draft", payment)
        assert books.read(payment, "state", "name") == ("draft", name)
        assert books.entry(payment, "state", "name") == ("draft", name)
        books.act("post", payment)
        assert books.read(payment, "state", "name") == ("in_process", name)

    def test_a_cancelled_payment_keeps_its_entry_cancelled(self, books: Books) -> None:
        payment = books.posted()
        assert books.act("cancel", payment) is None
        assert books.value(payment, "state") == "canceled"
        assert books.entry(payment, "state") == ("cancel",)
        again = books.act("cancel", payment)
        assert (again.name, again.message) == (
            "odoo.exceptions.UserError",
            "Only draft journal entries can be cancelled.",
        )

    def test_a_draft_that_is_cancelled_loses_its_entry_and_keeps_the_name(self, books: Books) -> None:
        payment = books.posted()
        name = books.value(payment, "name")
        books.act("draft", payment)
        books.act("cancel", payment)
        assert books.read(payment, "state", "move_id", "name") == ("canceled", False, name)

    def test_a_draft_without_entry_may_be_made_a_draft_one_with_entry_may_not(self, books: Books) -> None:
        fresh, reset = books.payment(), books.posted()
        books.act("draft", reset)
        assert books.act("draft", fresh) is None
        refused = books.act("draft", reset)
        assert (refused.name, refused.message) == (
            "odoo.exceptions.UserError",
            "Only posted/cancelled journal entries can be reset to draft.",
        )

    def test_a_cancelled_payment_comes_back_through_draft(self, books: Books) -> None:
        payment = books.payment()
        for action, state in (("cancel", "canceled"), ("post", "canceled"), ("draft", "draft"), ("post", "in_process")):
            assert books.act(action, payment) is None
            assert books.value(payment, "state") == state

    def test_a_rejected_payment_keeps_its_posted_entry(self, books: Books) -> None:
        payment = books.posted()
        books.act("reject", payment)
        assert books.value(payment, "state") == "rejected"
        assert books.entry(payment, "state") == ("posted",)

    def test_actions_on_a_payment_that_is_gone(self, books: Books) -> None:
        refused = books.act("post", 999_999)
        assert (refused.status, refused.name) == (404, "odoo.exceptions.MissingError")


class TestNamesThatComeTwice:
    def test_the_last_number_is_given_again_after_a_deletion(self, books: Books) -> None:
        bank = books.bank_of_its_own()
        books.posted(journal_id=bank)
        last = books.posted(journal_id=bank)
        name = books.value(last, "name")
        assert books.wire.json2("account.payment", "unlink", ids=[last]) is True
        assert books.value(books.posted(journal_id=bank), "name") == name

    def test_a_number_in_between_is_not(self, books: Books) -> None:
        bank = books.bank_of_its_own()
        first = books.posted(journal_id=bank)
        books.posted(journal_id=bank)
        books.wire.json2("account.payment", "unlink", ids=[first])
        assert books.value(books.posted(journal_id=bank), "name").endswith("/00003")

    def test_a_cancelled_draft_and_a_new_payment_may_bear_the_same_name(self, books: Books) -> None:
        bank = books.bank_of_its_own()
        cancelled = books.posted(journal_id=bank)
        name = books.value(cancelled, "name")
        books.act("draft", cancelled)
        books.act("cancel", cancelled)
        successor = books.posted(journal_id=bank)
        assert books.wire.search("account.payment", ["name", "=", name], order="id") == [cancelled, successor]
        books.act("draft", cancelled)
        books.act("post", cancelled)
        assert books.value(cancelled, "name").endswith("/00002")


class TestLostAccounts:
    """Without an account on the payment method, Odoo forgets the one that it chose itself."""

    @pytest.mark.parametrize(
        ("field", "lost"),
        [
            ("partner_id", True),
            ("journal_id", True),
            ("currency_id", True),
            ("payment_type", True),
            ("payment_method_line_id", True),
            ("amount", False),
            ("date", False),
            ("memo", False),
            ("partner_type", False),
            ("payment_reference", False),
        ],
    )
    def test_writing_the_same_value_takes_the_outstanding_account(
        self, books: Books, guest: int, *, field: str, lost: bool
    ) -> None:
        payment = books.payment(partner_id=guest)
        assert books.write(payment, **{field: books.value(payment, field)}) is True
        assert (books.value(payment, "outstanding_account_id") is False) is lost

    def test_such_a_payment_is_posted_without_entry_under_another_kind_of_name(self, books: Books, guest: int) -> None:
        payment = books.payment(partner_id=guest)
        books.write(payment, partner_id=guest)
        assert books.act("post", payment) is None
        name, state, entry = books.read(payment, "name", "state", "move_id")
        assert (name[:5], state, entry) == ("PAY00", "in_process", False)
        assert books.act("draft", payment) is None
        assert books.value(payment, "name") == name

    def test_a_repeated_load_does_the_same(self, books: Books, guest: int) -> None:
        row = [xmlid(), "inbound", "customer", str(guest), "7", "1", DAY, "M", str(books.chart("bank"))]
        [payment] = books.wire.loaded("account.payment", COLUMNS, row)
        assert books.value(payment, "outstanding_account_id")
        assert books.wire.loaded("account.payment", COLUMNS, row) == [payment]
        assert books.value(payment, "outstanding_account_id") is False

    @pytest.mark.parametrize("field", ["partner_id", "journal_id"])
    def test_partner_and_journal_take_the_currency_along(self, books: Books, guest: int, field: str) -> None:
        [euro] = books.wire.search("res.currency", ["name", "=", "EUR"], ["active", "in", [True, False]])
        payment = books.payment(partner_id=guest, currency_id=euro)
        books.write(payment, **{field: books.value(payment, field)})
        assert books.value(payment, "currency_id") == books.wire.read("res.company", 1, "currency_id")["currency_id"]

    def test_with_a_draft_entry_it_is_refused(self, books: Books, guest: int) -> None:
        payment = books.posted(partner_id=guest)
        books.act("draft", payment)
        refused = books.write(payment, partner_id=guest)
        assert refused.name == "odoo.exceptions.UserError"
        assert refused.message == (
            "You can't create a new payment without an outstanding payments/receipts account set either on the company "
            "or the Manual Payment payment method in the Bank journal."
        )


class TestAccountsOnThePaymentMethod:
    @pytest.fixture
    def journal(self, books: Books) -> int:
        """A bank whose payment methods have the chart's accounts."""
        journal = books.bank_of_its_own()
        for kind, name in (("inbound", "debit"), ("outbound", "credit")):
            self.set_account(books, journal, kind, books.chart(f"account_journal_payment_{name}_account_id"))
        return journal

    @staticmethod
    def set_account(books: Books, journal: int, kind: str, account: int) -> None:
        lines = "account.payment.method.line"
        [line] = books.wire.search(lines, ["journal_id", "=", journal], ["payment_type", "=", kind])
        assert books.wire.write(lines, line, payment_account_id=account) is True

    def test_nothing_is_lost_any_more(self, books: Books, guest: int, journal: int) -> None:
        payment = books.payment(partner_id=guest, journal_id=journal)
        books.write(payment, partner_id=guest, journal_id=journal)
        account = books.chart("account_journal_payment_debit_account_id")
        assert books.value(payment, "outstanding_account_id") == account
        books.act("post", payment)
        assert books.entry(payment, "state", "amount_total") == ("posted", 10.0)

    def test_a_new_journal_on_a_draft_with_entry_gives_a_new_name(self, books: Books, journal: int) -> None:
        payment = books.posted()
        books.act("draft", payment)
        assert books.write(payment, journal_id=journal) is True
        books.act("post", payment)
        code = books.wire.value("account.journal", journal, "code")
        assert books.value(payment, "name") == f"P{code}/2024/00001"
        assert books.entry(payment, "journal_id") == (journal,)

    def test_the_banks_own_account_makes_payments_paid_at_once(self, books: Books, journal: int) -> None:
        self.set_account(books, journal, "inbound", books.wire.value("account.journal", journal, "default_account_id"))
        payment = books.posted(journal_id=journal)
        assert books.value(payment, "state") == "paid"
        assert books.entry(payment, "state") == ("posted",)


class TestWritingAPostedPayment:
    def test_the_entry_keeps_the_old_values_without_an_error(self, books: Books, guest: int) -> None:
        payment = books.posted(partner_id=guest)
        assert books.write(payment, amount=99, date=LATER) is True
        assert books.read(payment, "amount", "date", "state") == (99.0, LATER, "in_process")
        assert books.entry(payment, "amount_total", "date", "state") == (10.0, DAY, "posted")
        for action in ("draft", "post"):
            books.act(action, payment)
        assert books.entry(payment, "amount_total", "date") == (10.0, DAY)

    def test_the_memo_reaches_the_entry(self, books: Books) -> None:
        payment = books.posted(memo="before")
        books.write(payment, memo="after")
        assert books.entry(payment, "ref") == ("after",)

    def test_in_draft_the_entry_follows(self, books: Books) -> None:
        payment = books.posted()
        name = books.value(payment, "name")
        books.act("draft", payment)
        books.write(payment, amount=77, date=LATER)
        assert books.entry(payment, "amount_total", "date", "state") == (77.0, LATER, "draft")
        books.act("post", payment)
        assert books.read(payment, "amount", "name") == (77.0, name)

    def test_a_day_of_another_year_does_not_fit_the_number(self, books: Books) -> None:
        payment = books.posted()
        name = books.value(payment, "name")
        books.act("draft", payment)
        assert books.write(payment, date=OTHER_YEAR) is True
        refused = books.act("post", payment)
        assert refused.name == "odoo.exceptions.ValidationError"
        assert refused.message.startswith(
            f"The Date (01/01/2023) you've entered isn't aligned with the existing sequence number ({name})."
        )

    def test_a_custom_field_is_written_and_nothing_else_changes(self, books: Books, custom: str) -> None:
        payment = books.posted()
        before = books.read(payment, "name", "state", "move_id", "amount", "outstanding_account_id")
        assert books.write(payment, **{custom: "t-1"}) is True
        assert books.value(payment, custom) == "t-1"
        assert books.read(payment, "name", "state", "move_id", "amount", "outstanding_account_id") == before
        assert books.wire.search("account.payment", [custom, "in", ["t-1"]]) == [payment]


class TestDeleting:
    @pytest.mark.parametrize("actions", [(), ("post",), ("post", "cancel"), ("post", "draft"), ("post", "validate")])
    def test_payments_may_be_deleted_in_any_state_and_their_entries_go_along(
        self, books: Books, actions: tuple[str, ...]
    ) -> None:
        payment = books.payment()
        for action in actions:
            books.act(action, payment)
        entry = books.value(payment, "move_id")
        assert books.wire.json2("account.payment", "unlink", ids=[payment]) is True
        assert books.wire.search("account.move", ["id", "=", entry]) == []

    def test_a_posted_entry_stays(self, books: Books) -> None:
        entry = books.value(books.posted(), "move_id")
        refused = books.wire.json2("account.move", "unlink", ids=[entry])
        assert refused.name == "odoo.exceptions.UserError"
        assert refused.message.startswith("You can't delete a posted journal item.")

    def test_an_entry_that_a_posted_payment_needs_stays(self, books: Books) -> None:
        payment = books.posted()
        entry = books.value(payment, "move_id")
        assert books.wire.json2("account.move", "button_draft", ids=[entry]) is None
        assert books.read(payment, "state", "move_id") == ("in_process", entry)
        refused = books.wire.json2("account.move", "unlink", ids=[entry])
        assert refused.message == (
            "A payment with an outstanding account cannot be confirmed without having a journal entry."
        )

    def test_a_partner_with_a_payment_stays(self, books: Books, guest: int) -> None:
        books.payment(partner_id=guest)
        refused = books.wire.json2("res.partner", "unlink", ids=[guest])
        assert refused.name == "odoo.exceptions.ValidationError"
        assert "The troublemaker is: 'Payments' (account.payment)" in refused.message


class TestRights:
    @pytest.mark.parametrize(
        ("model", "seller_may", "clerk_may"),
        [
            ("account.payment", "", EVERYTHING),
            ("account.move", "read", EVERYTHING),
            ("account.journal", "read", "read"),
            ("account.payment.method", "read", "read write unlink"),
            ("account.payment.method.line", "read", EVERYTHING),
            ("account.account", "read", "read"),
            ("account.tax", "read", "read"),
            ("sale.order", "read write create", "read write"),
            ("sale.order.line", EVERYTHING, "read write"),
        ],
    )
    def test_rights_by_group(self, seller: Wire, clerk: Wire, model: str, seller_may: str, clerk_may: str) -> None:
        assert self.rights(seller, model) == seller_may
        assert self.rights(clerk, model) == clerk_may

    @staticmethod
    def rights(user: Wire, model: str) -> str:
        answers = ((each, user.json2(model, "has_access", ids=[], operation=each)) for each in EVERYTHING.split())
        return " ".join(operation for operation, may in answers if may is True)

    def test_a_missing_right_is_told_with_the_group_that_has_it(self, books: Books, seller: Wire) -> None:
        refused = seller.json2("account.payment", "create", vals_list=[{"amount": 1}])
        assert isinstance(refused, Refusal)
        assert (refused.status, refused.name) == (403, "odoo.exceptions.AccessError")
        assert refused.message.startswith("You are not allowed to create 'Payments' (account.payment) records.")
        assert "\t- Accounting/Invoicing\n" in refused.message
        assert seller.json2("account.payment", "action_post", ids=[books.payment()]).status == 403

    def test_a_clerk_makes_posts_resets_cancels_and_deletes_payments(self, clerk: Wire, guest: int) -> None:
        payment = clerk.create("account.payment", amount=1, partner_id=guest)
        for action in ("post", "draft", "post", "cancel"):
            assert clerk.json2("account.payment", f"action_{action}", ids=[payment]) is None
        assert clerk.json2("account.payment", "unlink", ids=[payment]) is True

    def test_a_clerk_sets_the_account_of_a_payment_method(self, books: Books, clerk: Wire) -> None:
        journal = books.bank_of_its_own()
        [_, account] = clerk.json2(
            "ir.model.data",
            "check_object_reference",
            module="account",
            xml_id="1_account_journal_payment_debit_account_id",
        )
        lines = "account.payment.method.line"
        [line] = clerk.search(lines, ["journal_id", "=", journal], ["payment_type", "=", "inbound"])
        assert clerk.write(lines, line, payment_account_id=account) is True

    def test_a_journal_is_made_by_those_who_run_the_accounts(self, books: Books, clerk: Wire) -> None:
        vals = {"name": unique("Till"), "type": "cash"}
        assert clerk.json2("account.journal", "create", vals_list=[vals]).name == "odoo.exceptions.AccessError"
        chief = books.wire.as_user("base.group_user", "account.group_account_manager")
        assert chief.create("account.journal", **vals) > 0


class TestWriteDate:
    def test_every_write_and_action_counts_as_a_change_equal_values_included(self, books: Books) -> None:
        payment = books.payment()
        stamps = [books.value(payment, "write_date")]
        books.act("post", payment)
        stamps.append(books.value(payment, "write_date"))
        books.write(payment, memo=False)
        stamps.append(books.value(payment, "write_date"))
        assert stamps == sorted(stamps)
        domain = [["id", "=", payment], ["write_date", ">=", stamps[-1]]]
        assert books.wire.search("account.payment", *domain) == [payment]
