"""What only a real Odoo 19 can prove: that its values, errors and rights are the ones that this package counts on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import OdooAccessError, OdooAuthenticationError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.custom_fields import SYNC_KEY, BootstrapPlan, CustomField, apply_bootstrap, plan_bootstrap
from odoo_pipelines.odoo.schema import ModelSchema, read_schema
from odoo_pipelines_tests.real_odoo import RealOdoo

pytestmark = pytest.mark.odoo

PARTNER = "res.partner"
CUSTOM = {
    "x_op_char": "char",
    "x_op_text": "text",
    "x_op_integer": "integer",
    "x_op_float": "float",
    "x_op_boolean": "boolean",
    "x_op_date": "date",
    "x_op_datetime": "datetime",
}
WANTED = {PARTNER: (SYNC_KEY, *(CustomField(name, type_, name) for name, type_ in CUSTOM.items()))}  # type: ignore[arg-type]
CHARACTERS = "ab é\n\t\r\a\v\f\x85\x80\x81\xa0\u200b\u2028\ufeff😀<>&\"'-_;#/:=.,|*`\\{}[]()%$@!?~^+0123\x7f\u0301"

Connect: TypeAlias = Callable[..., OdooClient]


@pytest.fixture(scope="module")
def connect(real_odoo: RealOdoo) -> Connect:
    def build(username: str = real_odoo.login, secret: str = real_odoo.api_key, **changes: Any) -> OdooClient:
        database = changes.pop("database", real_odoo.database)
        return OdooClient(OdooConnection(real_odoo.url, database, username, SecretStr(secret), **changes))

    return build


@pytest.fixture(scope="module", params=["json2", "jsonrpc"])
def client(request: pytest.FixtureRequest, connect: Connect) -> OdooClient:
    return connect(transport=request.param)


@pytest.fixture(scope="module")
def partner(client: OdooClient) -> ModelSchema:
    apply_bootstrap(client, plan_bootstrap(client, WANTED))
    return read_schema(client, PARTNER)


@pytest.fixture
def records(client: OdooClient, partner: ModelSchema) -> Iterator[list[dict[str, Any]]]:
    """Partners with values at the edges of what the fields take, as they are cast."""
    tag_ids = client.create("res.partner.category", [{"name": f"tag {number}"} for number in range(4)])
    countries = client.search("res.country", [], limit=5)
    edges = random.Random(19)  # noqa: S311
    yield [
        {name: partner.caster(name)(value) for name, value in _edge_values(edges, tag_ids, countries).items()}
        for _ in range(150)
    ]
    client.unlink("res.partner.category", tag_ids)


def _edge_values(edges: random.Random, tag_ids: list[int], countries: list[int]) -> dict[str, Any]:
    def text(length: int = 40) -> str:
        return "".join(edges.choices(CHARACTERS, k=edges.randint(0, length)))

    return {
        "name": f"Ann {text()} Miller",
        "ref": edges.choice([text(), "False", "None", "0", " ", ""]),
        "comment": text(),
        "partner_latitude": edges.choice([1.123456789, 2.0000000499, 12.00000005, -7.99999995]),
        "country_id": edges.choice([*countries, None]),
        "category_id": edges.sample(tag_ids, edges.randint(0, len(tag_ids))),
        "type": edges.choice(["contact", "invoice", None]),
        "x_op_char": edges.choice([text(), "  x  ", None]),
        "x_op_text": text(),
        "x_op_integer": edges.choice([0, 1, 2**31 - 1, 1 - 2**31, None]),
        "x_op_float": edges.choice([0, 1e-9, 0.1 + 0.2, 1e21, 123456789.123456789, None]),
        "x_op_boolean": edges.choice([True, False, None]),
        "x_op_date": edges.choice(["2024-02-29", "1000-01-01", "9999-12-31", None]),
        "x_op_datetime": edges.choice(["2024-02-29 23:59:59", "1000-01-01 00:00:00", "2025-03-30 02:30:00", None]),
    }


def _as_read(client: OdooClient, partner: ModelSchema, ids: list[int], names: list[str]) -> list[dict[str, Any]]:
    rows = client.read(PARTNER, ids, names)
    return [{name: partner.canonical(name, row[name]) for name in names} for row in rows]


def test_what_is_created_or_written_reads_back_unchanged(
    client: OdooClient, partner: ModelSchema, records: list[dict[str, Any]]
) -> None:
    names = list(records[0])
    sent = [{name: partner.written(name, value) for name, value in record.items()} for record in records]

    ids = client.create(PARTNER, sent)
    assert _as_read(client, partner, ids, names) == records

    client.web_save_multi(PARTNER, ids, sent[::-1])
    assert _as_read(client, partner, ids, names) == records[::-1]
    client.unlink(PARTNER, ids)


def test_what_is_loaded_reads_back_unchanged(
    client: OdooClient, partner: ModelSchema, records: list[dict[str, Any]]
) -> None:
    names = list(records[0])
    rows = [partner.cells(record) for record in records]

    loaded = client.load(PARTNER, list(rows[0]), [list(row.values()) for row in rows])

    assert loaded.messages == ()
    assert loaded.ids is not None
    assert _as_read(client, partner, loaded.ids, names) == records
    client.unlink(PARTNER, loaded.ids)


def test_two_bootstraps_at_once_create_everything_once(connect: Connect) -> None:
    fields = {"product.product": (SYNC_KEY, CustomField("x_op_probe", "date", "Probe"))}
    clients = [connect(), connect(transport="jsonrpc")]
    plan = plan_bootstrap(clients[0], fields, ["Probe rooms"])

    with ThreadPoolExecutor() as pool:
        list(pool.map(apply_bootstrap, clients, [plan, plan]))

    assert plan_bootstrap(clients[0], fields, ["Probe rooms"]) == BootstrapPlan({}, (), ())
    assert clients[0].search_count("product.category", [["name", "=", "Probe rooms"]]) == 1
    [made] = clients[0].search_read(
        "ir.model.fields", [["model", "=", "product.product"], ["name", "=", "x_sync_key"]], ["index", "copied"]
    )
    assert (made["index"], made["copied"]) == (True, False)


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
def test_a_missing_right_is_an_access_error_in_load_too(real_odoo: RealOdoo, connect: Connect, transport: str) -> None:
    user = real_odoo.user("base.group_user")
    client = connect(user.login, user.api_key, transport=transport)

    assert not client.has_access(PARTNER, "create")
    with pytest.raises(OdooAccessError):
        client.load(PARTNER, ["name"], [["Ann"]])
    with pytest.raises(OdooAccessError):
        client.create(PARTNER, [{"name": "Ann"}])
    with pytest.raises(OdooAccessError):
        apply_bootstrap(client, BootstrapPlan(WANTED, (), ()))


def test_a_password_goes_over_json_rpc_and_a_key_over_json2(real_odoo: RealOdoo, connect: Connect) -> None:
    assert connect().transport == "json2"
    assert connect(secret=real_odoo.password).transport == "jsonrpc"
    assert connect(secret=real_odoo.password).authenticate() == connect().authenticate()


@pytest.mark.parametrize("transport", ["auto", "json2", "jsonrpc"])
@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"username": "nobody"}, {"database": "no_such_database"}])
def test_wrong_credentials_are_refused(connect: Connect, transport: str, wrong: dict[str, str]) -> None:
    with pytest.raises(OdooAuthenticationError):
        connect(transport=transport, **wrong).authenticate()
