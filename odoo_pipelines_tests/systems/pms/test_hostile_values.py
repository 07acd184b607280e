"""Whatever stands in a field: only what a row cannot do without costs the row, and what is mapped can be loaded.

The fields are those of the models, so a new one is tried without a word here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path as Folder
from typing import Any

import pyarrow as pa
import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.values import cast
from odoo_pipelines.pipeline.extraction import raw_row
from odoo_pipelines.pipeline.payloads import payload_of
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import from_columns, mapped_schema, raw_schema, to_columns
from odoo_pipelines.systems.base import Flow, MappedRow
from odoo_pipelines.systems.payload import SourceRecord
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.pms.models import ORDER_NEEDS, PAYMENT_NEEDS, ROOM_TYPE_NEEDS
from odoo_pipelines.systems.targets import TargetField
from odoo_pipelines_tests.systems.pms import payloads
from odoo_pipelines_tests.systems.pms.hostile import VALUES, Path, fields, with_value

ROOM_TYPE = {
    "id": 5,
    "name": "Deluxe",
    "price_per_night": 100,
    "max_occupancy": 2,
    "updated_at": "2026-04-01T08:00:00Z",
}
BASE: dict[str, Callable[[], dict[str, Any]]] = {
    "rooms": lambda: dict(ROOM_TYPE),
    "guests": payloads.guest,
    "bookings": payloads.booking,
    "payments": lambda: payloads.payment(refunded_amount=10),
}
NEEDS = {
    "partners": frozenset[str](),
    "products": ROOM_TYPE_NEEDS,
    "orders": ORDER_NEEDS | {"total_amount"},  # which may not be negative
    "payments": PAYMENT_NEEDS | {"transaction_id"},  # where no id tells it apart
}


def read(stream: str, payload: dict[str, Any]) -> SourceRecord:
    """As it comes out of a batch."""
    model: type[SourceRecord] = SYSTEM.streams[stream].payload
    row = raw_row(payload, SYSTEM.streams[stream].id_of)
    row["payload"].encode()
    return model.parse(payload_of(row["payload"]))


def mapped(flow: Flow, stream: str, record: SourceRecord) -> list[MappedRow]:
    return list(flow.mappers[stream](record, payloads.DEFAULTS))


def load(flow: Flow, rows: list[MappedRow]) -> None:
    """Through a file's columns, and cast for Odoo as far as nothing has to be looked up."""
    table = pa.Table.from_pylist([to_columns(row, flow.target) for row in rows], schema=columns_of(flow.name))
    for row in (from_columns(each, flow.target) for each in table.to_pylist()):
        assert isinstance(row, MappedRow)
        for field in flow.target.fields:
            try_cast(field, row.values)
        for line in row.lines or ():
            for field in flow.target.lines.fields if flow.target.lines else ():
                try_cast(field, line.values)


@cache
def columns_of(flow: str) -> pa.Schema:
    return mapped_schema(next(each for each in SYSTEM.flows if each.name == flow).target)


def try_cast(field: TargetField, values: Any) -> None:
    named = field.references or field.lookup or field.related or field.language
    if field.name in values and not named:
        cast(values[field.name], FieldSchema(field.name, field.type, required=field.required))


@pytest.mark.parametrize("stream", SYSTEM.streams)
def test_only_what_a_row_cannot_do_without_costs_it(stream: str) -> None:
    flows = [flow for flow in SYSTEM.flows if stream in flow.mappers]
    taken: dict[str, list[MappedRow]] = {flow.name: [] for flow in flows}
    for path in fields(SYSTEM.streams[stream].payload):
        for name, value in VALUES.items():
            record = read_or_not(stream, with_value(BASE[stream](), path, value))
            if record is None:
                assert path == ("id",), (path, name)
                continue
            for flow in flows:
                rows = rows_or_none(flow, stream, record)
                taken[flow.name] += rows or []
                if rows is None:
                    assert ".".join(path) in NEEDS[flow.name], (flow.name, path, name)
                else:
                    assert_told(flow, stream, record, path, rows)
    for flow in flows:
        load(flow, taken[flow.name])


@pytest.mark.parametrize("stream", SYSTEM.streams)
def test_batch_files_give_back_what_was_put_in_them(stream: str, tmp_path: Folder) -> None:
    """Both layers: payloads as they came, and what was mapped of them."""
    store = BatchStore(tmp_path)
    sent = [
        with_value(BASE[stream](), path, value)
        for path in fields(SYSTEM.streams[stream].payload)
        for value in VALUES.values()
    ]
    raw = [raw_row(each, SYSTEM.streams[stream].id_of) for each in sent]
    kept = written_and_read(store, "raw.parquet", raw_schema(), raw)
    assert [(each["external_id"], each["hash"], each["payload"]) for each in kept] == [
        (each["external_id"], each["hash"], each["payload"]) for each in raw
    ]
    records = [record for each in kept if (record := record_or_none(stream, payload_of(each["payload"])))]
    for flow in (flow for flow in SYSTEM.flows if stream in flow.mappers):
        rows = [row for each in records for row in rows_or_none(flow, stream, each) or ()]
        columns = [to_columns(each, flow.target) for each in rows]
        read_again = written_and_read(store, f"{flow.name}.parquet", columns_of(flow.name), columns)
        assert [(each.external_id, each.values) for each in rows] == [
            (each.external_id, each.values)
            for each in (from_columns(row, flow.target) for row in read_again)
            if isinstance(each, MappedRow)
        ]


def written_and_read(
    store: BatchStore, path: str, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    with store.writer(path, schema) as writer:
        writer.write(rows)
    assert store.examine(path, schema, whole=True) == len(rows)
    return [row for some in store.rows(path, 500) for row in some]


def record_or_none(stream: str, payload: dict[str, Any]) -> SourceRecord | None:
    model: type[SourceRecord] = SYSTEM.streams[stream].payload
    try:
        return model.parse(payload)
    except RowRejectedError:
        return None


def read_or_not(stream: str, payload: dict[str, Any]) -> SourceRecord | None:
    try:
        return read(stream, payload)
    except RowRejectedError:
        return None


def rows_or_none(flow: Flow, stream: str, record: SourceRecord) -> list[MappedRow] | None:
    try:
        return mapped(flow, stream, record)
    except RowRejectedError:
        return None


def assert_told(flow: Flow, stream: str, record: SourceRecord, path: Path, rows: list[MappedRow]) -> None:
    """A value that was not read is among the warnings of the flow whose field it is."""
    faults = [fault for fault in record.faults if fault.field == ".".join(path)]
    if not faults or not rows or flow.entity != SYSTEM.entity_of(stream):
        return
    if path[0] == "guest" and flow.name != "partners":
        return
    told = {warning for row in rows for warning in row.warnings}
    assert {fault.warning for fault in faults} <= told, (path, faults)


def test_the_guest_of_a_booking_goes_through_whatever_else_is_wrong() -> None:
    flow = next(each for each in SYSTEM.flows if each.name == "partners")
    for path in fields(SYSTEM.streams["bookings"].payload):
        for value in VALUES.values() if path not in {("id",), ("guest",), ("guest", "id")} else ():
            assert mapped(flow, "bookings", read("bookings", with_value(BASE["bookings"](), path, value)))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_event_is_too_odd_to_be_read(value: Any) -> None:
    for name, reader in SYSTEM.events.items():
        stream = "payments" if name.startswith("payment") else "bookings"
        for path in fields(SYSTEM.streams[stream].payload):
            assert isinstance(reader(with_value(BASE[stream](), path, value)), tuple)
