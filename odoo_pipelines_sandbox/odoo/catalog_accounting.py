"""Models of Odoo 19's account module around payments, as far as the pipelines use them."""

from __future__ import annotations

from odoo_pipelines_sandbox.odoo.schema import Field, model

PAYMENT_TYPES = (("outbound", "Send"), ("inbound", "Receive"))

ACCOUNT = model(
    "account.account",
    "Account",
    Field("name", "char", "Account Name", required=True),
    Field("code", "char", "Code"),
    Field(
        "account_type",
        "selection",
        "Type",
        required=True,
        selection=(
            ("asset_receivable", "Receivable"),
            ("asset_cash", "Bank and Cash"),
            ("asset_current", "Current Assets"),
            ("liability_payable", "Payable"),
            ("liability_credit_card", "Credit Card"),
            ("liability_current", "Current Liabilities"),
            ("income", "Income"),
            ("expense", "Expenses"),
        ),
    ),
    Field("reconcile", "boolean", "Allow Reconciliation"),
    Field("active", "boolean", "Active", default=True),
    Field("company_ids", "many2many", "Companies", required=True, relation="res.company", default=(1,)),
    order="code",
)
JOURNAL = model(
    "account.journal",
    "Journal",
    Field("name", "char", "Journal Name", required=True),
    Field("code", "char", "Sequence Prefix", required=True),
    Field("active", "boolean", "Active", default=True),
    Field(
        "type",
        "selection",
        "Type",
        required=True,
        selection=(
            ("sale", "Sales"),
            ("purchase", "Purchase"),
            ("cash", "Cash"),
            ("bank", "Bank"),
            ("credit", "Credit Card"),
            ("general", "Miscellaneous"),
        ),
    ),
    Field("sequence", "integer", "Sequence", default=10),
    Field("currency_id", "many2one", "Currency", relation="res.currency"),
    Field("company_id", "many2one", "Company", required=True, readonly=True, relation="res.company", default=1),
    Field("default_account_id", "many2one", "Default Account", relation="account.account"),
    Field("payment_sequence", "boolean", "Dedicated Payment Sequence"),
    order="sequence, type, code",
)
PAYMENT_METHOD = model(
    "account.payment.method",
    "Payment Methods",
    Field("name", "char", "Name", required=True),
    Field("code", "char", "Code", required=True),
    Field(
        "payment_type",
        "selection",
        "Payment Type",
        required=True,
        selection=(("inbound", "Inbound"), ("outbound", "Outbound")),
    ),
)
METHOD_LINE = model(
    "account.payment.method.line",
    "Payment Methods",
    Field("name", "char", "Name"),
    Field("sequence", "integer", "Sequence", default=10),
    Field("payment_method_id", "many2one", "Payment Method", required=True, relation="account.payment.method"),
    Field("payment_account_id", "many2one", "Payment Account", relation="account.account"),
    Field("journal_id", "many2one", "Journal", relation="account.journal"),
    Field("code", "char", "Code", readonly=True, via="payment_method_id"),
    Field(
        "payment_type",
        "selection",
        "Payment Type",
        readonly=True,
        selection=(("inbound", "Inbound"), ("outbound", "Outbound")),
        via="payment_method_id",
    ),
    Field("company_id", "many2one", "Company", readonly=True, relation="res.company", via="journal_id"),
    order="sequence, id",
)
ENTRY = model(
    "account.move",
    "Journal Entry",
    Field("name", "char", "Number"),
    Field(
        "state",
        "selection",
        "Status",
        required=True,
        readonly=True,
        selection=(("draft", "Draft"), ("posted", "Posted"), ("cancel", "Cancelled")),
        default="draft",
    ),
    Field("move_type", "selection", "Type", required=True, selection=(("entry", "Journal Entry"),), default="entry"),
    Field("journal_id", "many2one", "Journal", required=True, relation="account.journal"),
    Field("date", "date", "Date", required=True),
    Field("ref", "char", "Reference"),
    Field("partner_id", "many2one", "Partner", relation="res.partner"),
    Field("company_id", "many2one", "Company", relation="res.company", default=1),
    Field("currency_id", "many2one", "Currency", required=True, relation="res.currency"),
    Field("amount_total", "monetary", "Total", readonly=True),
    Field("origin_payment_id", "many2one", "Payment", relation="account.payment"),
    order="date desc, name desc, id desc",
)
PAYMENT = model(
    "account.payment",
    "Payments",
    Field("name", "char", "Number", readonly=True),
    Field("date", "date", "Date", required=True),
    Field("move_id", "many2one", "Journal Entry", relation="account.move"),
    Field("journal_id", "many2one", "Journal", required=True, relation="account.journal"),
    Field("company_id", "many2one", "Company", required=True, relation="res.company", default=1),
    Field(
        "state",
        "selection",
        "State",
        required=True,
        selection=(
            ("draft", "Draft"),
            ("in_process", "In Process"),
            ("paid", "Paid"),
            ("canceled", "Canceled"),
            ("rejected", "Rejected"),
        ),
        default="draft",
    ),
    Field("payment_method_line_id", "many2one", "Payment Method", relation="account.payment.method.line"),
    Field("amount", "monetary", "Amount"),
    Field("payment_type", "selection", "Payment Type", required=True, selection=PAYMENT_TYPES, default="inbound"),
    Field(
        "partner_type",
        "selection",
        "Partner Type",
        required=True,
        selection=(("customer", "Customer"), ("supplier", "Vendor")),
        default="customer",
    ),
    Field("memo", "char", "Memo"),
    Field("payment_reference", "char", "Payment Reference"),
    Field("currency_id", "many2one", "Currency", relation="res.currency"),
    Field("partner_id", "many2one", "Customer/Vendor", relation="res.partner"),
    Field("outstanding_account_id", "many2one", "Outstanding Account", readonly=True, relation="account.account"),
    Field("destination_account_id", "many2one", "Destination Account", relation="account.account"),
    order="date desc, name desc",
)

MODELS = (ACCOUNT, JOURNAL, PAYMENT_METHOD, METHOD_LINE, ENTRY, PAYMENT)
