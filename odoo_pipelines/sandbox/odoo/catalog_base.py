"""Models of Odoo 19's base and contacts modules, as far as the pipelines use them."""

from __future__ import annotations

from odoo_pipelines.sandbox.odoo.schema import Field, delegating, model

PARTNER = model(
    "res.partner",
    "Contact",
    Field("name", "char", "Name"),
    Field("complete_name", "char", "Complete Name", readonly=True),
    Field("active", "boolean", "Active", default=True),
    Field("parent_id", "many2one", "Related Company", relation="res.partner"),
    Field("child_ids", "one2many", "Contact", relation="res.partner", inverse="parent_id", stored=False),
    Field("commercial_partner_id", "many2one", "Commercial Entity", readonly=True, relation="res.partner"),
    Field("company_name", "char", "Company Name"),
    Field("company_id", "many2one", "Company", relation="res.company"),
    Field("is_company", "boolean", "Is a Company"),
    Field(
        "type",
        "selection",
        "Address Type",
        selection=(("contact", "Contact"), ("invoice", "Invoice"), ("delivery", "Delivery"), ("other", "Other")),
        default="contact",
    ),
    Field("ref", "char", "Reference"),
    Field("lang", "selection", "Language", any_value=True),
    Field("tz", "selection", "Timezone", any_value=True),
    Field("user_id", "many2one", "Salesperson", relation="res.users"),
    Field("vat", "char", "Tax ID"),
    Field("website", "char", "Website Link"),
    Field("comment", "html", "Notes"),
    Field("category_id", "many2many", "Tags", relation="res.partner.category"),
    Field("function", "char", "Job Position"),
    Field("street", "char", "Street"),
    Field("street2", "char", "Street2"),
    Field("zip", "char", "Zip"),
    Field("city", "char", "City"),
    Field("country_id", "many2one", "Country", relation="res.country"),
    Field("email", "char", "Email"),
    Field("email_normalized", "char", "Normalized Email", readonly=True),
    Field("phone", "char", "Phone"),
    Field("phone_sanitized", "char", "Sanitized Number", readonly=True),
    Field("customer_rank", "integer", "Customer Rank"),
    Field("supplier_rank", "integer", "Supplier Rank"),
    order="complete_name, id desc",
    label="complete_name",
)
PARTNER_TAG = model("res.partner.category", "Partner Tags", Field("name", "char", "Name", required=True), order="name")
COUNTRY = model(
    "res.country",
    "Country",
    Field("name", "char", "Country Name", required=True),
    Field("code", "char", "Country Code", required=True),
    Field("phone_code", "integer", "Country Calling Code"),
    order="name, id",
)
CURRENCY = model(
    "res.currency",
    "Currency",
    Field("name", "char", "Currency", required=True),
    Field("symbol", "char", "Symbol", required=True),
    Field("rounding", "float", "Rounding Factor", digits=(12, 6), default=0.01),
    Field("decimal_places", "integer", "Decimal Places", readonly=True, default=2),
    Field("active", "boolean", "Active", default=True),
    order="active desc, name",
)
LANGUAGE = model(
    "res.lang",
    "Languages",
    Field("name", "char", "Name", required=True),
    Field("code", "char", "Locale Code", required=True),
    Field("iso_code", "char", "ISO code"),
    Field("url_code", "char", "URL Code", required=True),
    Field("active", "boolean", "Active"),
    order="active desc, name",
)
COMPANY = model(
    "res.company",
    "Companies",
    Field("name", "char", "Company Name", required=True),
    Field("partner_id", "many2one", "Partner", required=True, relation="res.partner"),
    Field("currency_id", "many2one", "Currency", required=True, relation="res.currency"),
    Field("country_id", "many2one", "Country", relation="res.country"),
    Field("account_sale_tax_id", "many2one", "Default Sale Tax", relation="account.tax"),
    Field("transfer_account_id", "many2one", "Inter-Banks Transfer Account", relation="account.account"),
)
GROUP = model(
    "res.groups",
    "Access Groups",
    Field("name", "char", "Name", required=True),
    Field("full_name", "char", "Group Name", readonly=True),
    Field("implied_ids", "many2many", "Implied Groups", relation="res.groups"),
    Field("api_key_duration", "float", "API Keys maximum duration days"),
    order="name",
    label="full_name",
)
USER = delegating(
    model(
        "res.users",
        "User",
        Field("partner_id", "many2one", "Related Partner", required=True, relation="res.partner"),
        Field("login", "char", "Login", required=True),
        Field("password", "char", "Password"),
        Field("active", "boolean", "Active", default=True),
        Field("company_id", "many2one", "Company", required=True, relation="res.company", default=1),
        Field("company_ids", "many2many", "Companies", relation="res.company", default=(1,)),
        Field("group_ids", "many2many", "Groups", relation="res.groups"),
        order="name, login",
    ),
    PARTNER,
    via="partner_id",
)
API_KEY = model(
    "res.users.apikeys",
    "Users API Keys",
    Field("name", "char", "Description", required=True, readonly=True),
    Field("user_id", "many2one", "User", required=True, readonly=True, relation="res.users"),
    Field("scope", "char", "Scope", readonly=True),
    Field("expiration_date", "datetime", "Expiration Date", readonly=True),
)
_TTYPES = ("boolean", "char", "date", "datetime", "float", "html", "integer", "many2many", "many2one", "monetary")
MODEL = model(
    "ir.model",
    "Models",
    Field("name", "char", "Model Description", required=True),
    Field("model", "char", "Model", required=True),
    Field("state", "selection", "Type", selection=(("manual", "Custom Object"), ("base", "Base Object"))),
    order="model",
)
MODEL_FIELD = model(
    "ir.model.fields",
    "Fields",
    Field("name", "char", "Field Name", required=True, default="x_"),
    Field("model", "char", "Model Name", required=True),
    Field("model_id", "many2one", "Model", required=True, relation="ir.model"),
    Field("field_description", "char", "Field Label", required=True, default=""),
    Field(
        "ttype",
        "selection",
        "Field Type",
        required=True,
        selection=tuple((name, name) for name in (*_TTYPES, "one2many", "selection", "text")),
    ),
    Field("relation", "char", "Related Model"),
    Field("relation_field", "char", "Relation Field"),
    Field("selection", "char", "Selection Options (Deprecated)"),
    Field("index", "boolean", "Indexed"),
    Field("copied", "boolean", "Copied", default=True),
    Field("required", "boolean", "Required"),
    Field("readonly", "boolean", "Readonly"),
    Field("store", "boolean", "Stored", default=True),
    Field("size", "integer", "Size"),
    Field(
        "state",
        "selection",
        "Type",
        readonly=True,
        selection=(("manual", "Custom Field"), ("base", "Base Field")),
        default="manual",
    ),
    order="name, id",
    label="field_description",
)
MODEL_DATA = model(
    "ir.model.data",
    "Model Data",
    Field("name", "char", "External Identifier", required=True),
    Field("module", "char", "Module", required=True, default=""),
    Field("model", "char", "Model Name", required=True),
    Field("res_id", "integer", "Record ID"),
    Field("noupdate", "boolean", "Non Updatable"),
    order="module, model, name",
)

MODELS = (
    PARTNER,
    PARTNER_TAG,
    COUNTRY,
    CURRENCY,
    LANGUAGE,
    COMPANY,
    GROUP,
    USER,
    API_KEY,
    MODEL,
    MODEL_FIELD,
    MODEL_DATA,
)
