"""What Odoo has to make of records is looked for among those of the integration, and only where it is due."""

from __future__ import annotations

from odoo_pipelines.pipeline.requirements import Required, examine_requirement
from odoo_pipelines_tests.defs.stage import Stage, flow_named

PAYMENT = "account.payment"
ORDERS, PAYMENTS = flow_named("orders"), flow_named("payments")


def paid(stage: Stage, key: str, *, loses_its_entry: bool = False, post: bool = True) -> None:
    """A payment; a partner that is written to a draft costs it its entry."""
    partner = stage.odoo("res.partner", "create", vals_list=[{"name": "Ann"}])[0]
    vals = {"amount": 5, "partner_id": partner, "x_sync_key": key}
    [payment] = stage.odoo(PAYMENT, "create", vals_list=[vals])
    if loses_its_entry:
        stage.odoo(PAYMENT, "write", ids=[payment], vals={"partner_id": partner})
    if post:
        stage.odoo(PAYMENT, "action_post", ids=[payment])


def test_a_posted_payment_without_its_entry_is_found_by_its_key(stage: Stage) -> None:
    paid(stage, "pms.payment.sound")
    paid(stage, "pms.payment.hollow", loses_its_entry=True)
    paid(stage, "pms.payment.draft", post=False)
    paid(stage, "other.payment.hollow", loses_its_entry=True)
    session = stage.session()
    try:
        assert examine_requirement(session, PAYMENTS) == Required(2, 1, ("pms.payment.hollow",))
        assert examine_requirement(session, ORDERS) == Required()
    finally:
        session.close()
