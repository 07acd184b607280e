"""Who else in a load holds an address: read from the batch files, once, and only when it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.claims import BatchClaims
from odoo_pipelines.stores.rows import mapped_schema, to_columns
from odoo_pipelines.systems.base import MappedRow, RejectedRow, Value
from odoo_pipelines.systems.pms.targets import PARTNER

FIRST: list[MappedRow | RejectedRow] = [
    MappedRow("guest", "1", None, {"name": "Ann", "email": "a@example.com", "phone": "+431"}),
    MappedRow("guest", "1", None, {"name": "Ann", "email": "a@example.com", "phone": "+431", "city": "Wien"}),
    MappedRow("guest", "2", None, {"name": "Bob", "phone": "+431"}),
    RejectedRow("guest", "3", None, RowRejectedError("name", "missing", "no name"), "{}"),
]
SECOND: list[MappedRow | RejectedRow] = [MappedRow("guest", "4", None, {"name": "Ann", "email": "a@example.com"})]


@pytest.fixture
def store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path)


@pytest.fixture
def claims(store: BatchStore) -> BatchClaims:
    for path, rows in (("1", FIRST), ("2", SECOND)):
        with store.writer(path, mapped_schema(PARTNER)) as writer:
            writer.write([to_columns(row, PARTNER) for row in rows])
    return BatchClaims(store, ["1", "2"], PARTNER)


def holders(claims: BatchClaims, entity: str = "guest", **wanted: set[str]) -> list[tuple[str, Value]]:
    return sorted((key, values["name"]) for key, values in claims.holding(entity, wanted))


def test_all_batches_are_asked_for_any_of_the_values(claims: BatchClaims) -> None:
    assert holders(claims, email={"a@example.com"}) == [("1", "Ann"), ("4", "Ann")]
    assert holders(claims, email={"a@example.com", "b@example.com"}, phone={"+431"}) == [
        ("1", "Ann"),
        ("2", "Bob"),
        ("4", "Ann"),
    ]
    assert holders(claims, email={"x@example.com"}, phone=set()) == []
    assert holders(claims, "agency", email={"a@example.com"}) == []


def test_the_files_are_read_once(claims: BatchClaims, store: BatchStore) -> None:
    holders(claims, phone={"+431"})
    for path in ("1", "2"):
        store.remove(path)
    assert holders(claims, phone={"+431"}) == [("1", "Ann"), ("2", "Bob")]


def test_a_load_without_rows_claims_nothing(store: BatchStore) -> None:
    assert holders(BatchClaims(store, [], PARTNER), phone={"+431"}) == []
