"""A model of a real Odoo 19 as a destination: what the engine writes there, as another client reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.loader import FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.custom_fields import SYNC_KEY, apply_bootstrap, plan_bootstrap
from odoo_pipelines.odoo.model import OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.targets import Action, Lookup, Target, TargetField
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.memory import MemoryState
from odoo_pipelines_tests.engine.sales import hashed
from odoo_pipelines_tests.real_odoo import RealOdoo

pytestmark = pytest.mark.odoo

MEMBER = Target(
    "res.partner",
    (
        TargetField("name", "char"),
        TargetField("category_id", "many2many", lookup=Lookup("res.partner.category", "name")),
    ),
)
TAG = Target(
    "res.partner.category", (TargetField("name", "char"), TargetField("partner_ids", "many2many", references="member"))
)


class Scene:
    """An integration of its own and the Odoo that all share."""

    def __init__(self, odoo: RealOdoo) -> None:
        self.odoo = odoo
        self.client = OdooClient(OdooConnection(odoo.url, odoo.database, odoo.login, SecretStr(odoo.api_key)))
        self.name = f"club{uuid4().hex[:8]}"
        self.state = MemoryState()

    def load(self, target: Target, *rows: MappedRow, verify: bool = False) -> dict[str, int]:
        schemas = Schemas(self.client)
        context = FlowContext(self.name, target, schemas, self.state, PlanOptions(verify=verify))
        rows = tuple(hashed(row) for row in rows)
        data = ReferenceData(self.client, schemas, self.client.company_id())
        model = OdooModel(context, self.client, data, RowClaims(rows))
        counts = FlowLoader(context, model, still_writer=lambda: None).load(rows).counts
        return {str(outcome): count for outcome, count in counts.by_outcome.items() if count}

    def held(self, model: str, entity: str, external_id: str, fields: Sequence[str]) -> dict[str, Any]:
        domain = [[SYNC_KEY_FIELD, "=", f"{self.name}.{entity}.{external_id}"]]
        [row] = self.odoo.call(model, "search_read", domain=domain, fields=list(fields))
        found: dict[str, Any] = row
        return found


@pytest.fixture
def scene(real_odoo: RealOdoo) -> Scene:
    made = Scene(real_odoo)
    apply_bootstrap(made.client, plan_bootstrap(made.client, dict.fromkeys((MEMBER.model, TAG.model), (SYNC_KEY,))))
    return made


def member(external_id: str, **values: Any) -> MappedRow:
    return MappedRow("member", external_id, None, {"name": f"Member {external_id}", **values})


def test_tags_are_found_by_name_and_those_that_odoo_lacks_are_left_out(scene: Scene) -> None:
    names = [f"{scene.name} {each}" for each in ("gold", "silver")]
    gold, silver = scene.odoo.call("res.partner.category", "create", vals_list=[{"name": each} for each in names])
    unheard = f"{scene.name} unheard of"

    assert scene.load(MEMBER, member("1", category_id=[names[0], unheard])) == {"created": 1}
    assert scene.held("res.partner", "member", "1", ["category_id"])["category_id"] == [gold]
    assert scene.load(MEMBER, member("1", category_id=[*names, unheard])) == {"updated": 1}
    assert sorted(scene.held("res.partner", "member", "1", ["category_id"])["category_id"]) == [gold, silver]
    assert scene.load(MEMBER, member("1", category_id=[unheard]), verify=True) == {"unchanged": 1}
    assert sorted(scene.held("res.partner", "member", "1", ["category_id"])["category_id"]) == [gold, silver]
    assert scene.load(MEMBER, member("1", category_id=[])) == {"updated": 1}
    assert scene.held("res.partner", "member", "1", ["category_id"])["category_id"] == []


def test_a_field_may_refer_to_several_records_of_the_integration(scene: Scene) -> None:
    assert scene.load(MEMBER, member("1"), member("2")) == {"created": 2}
    ids = {each: scene.held("res.partner", "member", each, ["id"])["id"] for each in ("1", "2")}

    def tag(*members: str) -> MappedRow:
        return MappedRow("tag", "t", None, {"name": f"{scene.name} tag", "partner_ids": list(members)})

    assert scene.load(TAG, tag("2", "3")) == {"rejected": 1}
    assert scene.load(TAG, tag("2")) == {"created": 1}
    assert scene.held(TAG.model, "tag", "t", ["partner_ids"])["partner_ids"] == [ids["2"]]
    assert scene.load(TAG, tag("1", "2")) == {"updated": 1}
    assert sorted(scene.held(TAG.model, "tag", "t", ["partner_ids"])["partner_ids"]) == sorted(ids.values())
    assert scene.load(TAG, tag("1", "2"), verify=True) == {"unchanged": 1}


def test_an_action_that_opens_a_wizard_has_done_nothing(scene: Scene) -> None:
    assert scene.load(MEMBER, member("1")) == {"created": 1}
    customer = scene.held("res.partner", "member", "1", ["id"])["id"]
    [order] = scene.odoo.call("sale.order", "create", vals_list=[{"partner_id": customer}])

    writing = Writing(scene.client, Retries(lambda _: None))
    failures = writing.call("sale.order", Action("action_open_discount_wizard"), [order], list)

    assert failures.keys() == {order}
    assert "opens the wizard sale.order.discount" in failures[order].odoo_message
