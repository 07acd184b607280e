"""What an external system sends is kept digit by digit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.http.json_text import read_json_text
from odoo_pipelines.pipeline.extraction import raw_row
from odoo_pipelines.pipeline.payloads import payload_of, payload_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(payload=JSON)
def test_there_and_back_nothing_changes(payload: Any) -> None:
    assert payload_of(payload_text(payload)) == payload


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**40, -(2**63) - 1, -(10**40)])
def test_long_integers_stay_exact(number: int) -> None:
    kept = payload_of(payload_text({"id": number}))["id"]
    assert (kept, type(kept)) == (number, int)


@given(payload=JSON | st.fixed_dictionaries({"id": JSON, "updated_at": JSON}))
def test_whatever_the_server_sends_has_a_row(payload: Any) -> None:
    row = raw_row(payload)
    assert payload_of(row["payload"]) == payload
    assert isinstance(row["external_id"], str)
    assert row["updated_at"] is None or row["updated_at"].tzinfo is not None


def test_a_stream_may_name_its_records_otherwise() -> None:
    payload = {"id": 7, "transaction_id": "tx-1"}
    otherwise = raw_row(payload, lambda record: str(record["transaction_id"]))
    assert (raw_row(payload)["external_id"], otherwise["external_id"]) == ("7", "tx-1")


@given(payload=JSON)
def test_equal_payloads_have_equal_hashes(payload: Any) -> None:
    assert raw_row(payload)["hash"] == raw_row(payload_of(payload_text(payload)))["hash"]


@pytest.mark.parametrize("place", ["id", "updated_at", "total_amount"])
def test_what_python_cannot_hold_is_kept_as_a_row_that_can_be_mapped(place: str) -> None:
    huge = read_json_text('{"id": 7, "updated_at": "2026-03-01T12:00:00Z", "total_amount": 1}')
    huge[place] = read_json_text("9" * 5_000)
    row = raw_row(huge)
    assert payload_of(row["payload"]) == huge
    assert row["external_id"] == ("" if place == "id" else "7")
