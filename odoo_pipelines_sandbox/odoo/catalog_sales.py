"""Models of Odoo 19's product, sale and account modules, as far as the pipelines use them."""

from __future__ import annotations

from odoo_pipelines_sandbox.odoo.schema import Field, delegating, model

QUANTITY_DIGITS = (16, 2)
ORDER_STATES = (("draft", "Quotation"), ("sent", "Quotation Sent"), ("sale", "Sales Order"), ("cancel", "Cancelled"))

UOM = model("uom.uom", "Product Unit of Measure", Field("name", "char", "Unit Name", required=True))
TAX = model(
    "account.tax",
    "Tax",
    Field("name", "char", "Tax Name", required=True),
    Field(
        "type_tax_use",
        "selection",
        "Tax Type",
        required=True,
        selection=(("sale", "Sales"), ("purchase", "Purchases"), ("none", "None")),
        default="sale",
    ),
    Field(
        "amount_type",
        "selection",
        "Tax Computation",
        required=True,
        selection=(
            ("group", "Group of Taxes"),
            ("fixed", "Fixed"),
            ("percent", "Percentage"),
            ("division", "Percentage Tax Included"),
        ),
        default="percent",
    ),
    Field("amount", "float", "Amount", required=True, digits=(16, 4)),
    Field("price_include", "boolean", "Price Include", readonly=True),
    Field("active", "boolean", "Active", default=True),
    Field("company_id", "many2one", "Company", required=True, readonly=True, relation="res.company", default=1),
    Field("sequence", "integer", "Sequence", required=True, default=1),
    order="sequence, id",
)
PRICELIST = model(
    "product.pricelist",
    "Pricelist",
    Field("name", "char", "Pricelist Name", required=True),
    Field("active", "boolean", "Active", default=True),
    Field("sequence", "integer", "Sequence", default=16),
    Field("currency_id", "many2one", "Currency", required=True, relation="res.currency", default=1),
    Field("company_id", "many2one", "Company", relation="res.company"),
    Field(
        "item_ids",
        "one2many",
        "Pricelist Rules",
        relation="product.pricelist.item",
        inverse="pricelist_id",
        stored=False,
    ),
    order="sequence, id, name",
    label="label",
)
PRICELIST_RULE = model(
    "product.pricelist.item",
    "Pricelist Rule",
    Field("pricelist_id", "many2one", "Pricelist", required=True, relation="product.pricelist"),
)
CATEGORY = model(
    "product.category",
    "Product Category",
    Field("name", "char", "Name", required=True),
    Field("complete_name", "char", "Complete Name", readonly=True),
    Field("parent_id", "many2one", "Parent Category", relation="product.category"),
    Field("child_id", "one2many", "Child Categories", relation="product.category", inverse="parent_id", stored=False),
    order="complete_name",
)
TEMPLATE = model(
    "product.template",
    "Product",
    Field("name", "char", "Name", required=True),
    Field("active", "boolean", "Active", default=True),
    Field(
        "type",
        "selection",
        "Product Type",
        required=True,
        selection=(("consu", "Goods"), ("service", "Service"), ("combo", "Combo")),
        default="consu",
    ),
    Field("list_price", "float", "Sales Price", default=1.0),
    Field("categ_id", "many2one", "Product Category", relation="product.category"),
    Field("uom_id", "many2one", "Unit", required=True, relation="uom.uom", default=1),
    Field("sale_ok", "boolean", "Sales", default=True),
    Field("purchase_ok", "boolean", "Purchase", default=True),
    Field("description_sale", "text", "Sales Description"),
    Field(
        "invoice_policy",
        "selection",
        "Invoicing Policy",
        selection=(("order", "Ordered quantities"), ("delivery", "Delivered quantities")),
        default="order",
    ),
    Field("taxes_id", "many2many", "Sales Taxes", relation="account.tax", default=(1,)),
    Field(
        "product_variant_ids",
        "one2many",
        "Products",
        relation="product.product",
        inverse="product_tmpl_id",
        stored=False,
    ),
    order="name",
)
PRODUCT = delegating(
    model(
        "product.product",
        "Product Variant",
        Field("product_tmpl_id", "many2one", "Product Template", required=True, relation="product.template"),
        Field("active", "boolean", "Active", default=True),
        Field("default_code", "char", "Internal Reference"),
        Field("barcode", "char", "Barcode"),
        Field("standard_price", "float", "Cost"),
        Field("weight", "float", "Weight", digits=(16, 2)),
        order="default_code, name, id",
        label="label",
    ),
    TEMPLATE,
    via="product_tmpl_id",
)
ORDER = model(
    "sale.order",
    "Sales Order",
    Field("name", "char", "Order Reference", required=True),
    Field("partner_id", "many2one", "Customer", required=True, relation="res.partner"),
    Field("partner_invoice_id", "many2one", "Invoice Address", required=True, relation="res.partner"),
    Field("partner_shipping_id", "many2one", "Delivery Address", required=True, relation="res.partner"),
    Field("company_id", "many2one", "Company", required=True, relation="res.company", default=1),
    Field("state", "selection", "Status", readonly=True, selection=ORDER_STATES, default="draft"),
    Field("locked", "boolean", "Locked"),
    Field("client_order_ref", "char", "Customer Reference"),
    Field("origin", "char", "Source Document"),
    Field("date_order", "datetime", "Order Date", required=True),
    Field("validity_date", "date", "Expiration"),
    Field("commitment_date", "datetime", "Delivery Date"),
    Field("note", "html", "Terms and conditions"),
    Field("user_id", "many2one", "Salesperson", relation="res.users"),
    Field("pricelist_id", "many2one", "Pricelist", relation="product.pricelist"),
    Field("currency_id", "many2one", "Currency", readonly=True, relation="res.currency"),
    Field("order_line", "one2many", "Order Lines", relation="sale.order.line", inverse="order_id", stored=False),
    Field("amount_untaxed", "monetary", "Untaxed Amount", readonly=True),
    Field("amount_tax", "monetary", "Taxes", readonly=True),
    Field("amount_total", "monetary", "Total", readonly=True),
    order="date_order desc, id desc",
)
ORDER_LINE = model(
    "sale.order.line",
    "Sales Order Line",
    Field("order_id", "many2one", "Order Reference", required=True, relation="sale.order"),
    Field("sequence", "integer", "Sequence", default=10),
    Field("product_id", "many2one", "Product", relation="product.product"),
    Field("name", "text", "Description", required=True),
    Field("product_uom_qty", "float", "Quantity", required=True, digits=QUANTITY_DIGITS, default=1.0),
    Field("product_uom_id", "many2one", "Unit", relation="uom.uom"),
    Field("price_unit", "float", "Unit Price", required=True),
    Field("technical_price_unit", "float", "Technical Price Unit"),
    Field("discount", "float", "Discount (%)", digits=QUANTITY_DIGITS),
    Field("tax_ids", "many2many", "Taxes", relation="account.tax"),
    Field(
        "display_type",
        "selection",
        "Display Type",
        selection=(("line_section", "Section"), ("line_subsection", "Subsection"), ("line_note", "Note")),
    ),
    Field("qty_delivered", "float", "Delivery Quantity", digits=QUANTITY_DIGITS),
    Field("qty_invoiced", "float", "Invoiced Quantity", digits=QUANTITY_DIGITS),
    Field("customer_lead", "float", "Lead Time", required=True),
    Field("price_subtotal", "monetary", "Subtotal", readonly=True),
    Field("price_tax", "float", "Total Tax", readonly=True),
    Field("price_total", "monetary", "Total", readonly=True),
    Field("company_id", "many2one", "Company", readonly=True, relation="res.company", default=1),
    Field("currency_id", "many2one", "Currency", readonly=True, relation="res.currency"),
    Field("state", "selection", "Order Status", readonly=True, selection=ORDER_STATES),
    order="order_id, sequence, id",
)

MODELS = (UOM, TAX, PRICELIST, PRICELIST_RULE, CATEGORY, TEMPLATE, PRODUCT, ORDER, ORDER_LINE)
