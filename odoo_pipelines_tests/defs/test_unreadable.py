"""Batches whose files are gone or damaged: what they held comes again by itself, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from odoo_pipelines.pipeline.by_id import fetch_by_id
from odoo_pipelines.pipeline.by_id import register as register_fetched
from odoo_pipelines.pipeline.mapping import map_partition
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.systems.records import BY_ID, Batch
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage, flow_named, stream_named
from odoo_pipelines_tests.defs.test_posting import booking_of, recorded, register
from odoo_pipelines_tests.stores.builders import rows_of

Damage = Callable[[Path], Any]


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def overwritten_inside(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4:200] = bytes(196)
    file.write_bytes(content)


def of_another_form(file: Path) -> None:
    pq.write_table(pa.table({"something": ["else"]}), file)


def with_rows_missing(file: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.slice(1), file)


DAMAGES: dict[str, Damage] = {
    "truncated": truncated,
    "deleted": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "overwritten inside": overwritten_inside,
    "of another form": of_another_form,
}


def damage(batch: Batch, how: Damage) -> None:
    how(Path(load_settings().data) / batch.path)


def awaited(stage: Stage) -> list[Batch]:
    """All that a mapping or a load has still to do."""
    flows = [flow_named(name) for name in ("partners", "products", "orders", "payments")]
    external = [
        batch
        for flow in flows
        for batch in stage.state.pending("pms", "external", list(flow.mappers), f"mapped/{flow.name}")
    ]
    return [*external, *(batch for flow in flows for batch in stage.pending(flow.name))]


def bookings_in_odoo(stage: Stage) -> set[str]:
    rows = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "!=", False]], fields=["x_external_id"])
    return {row["x_external_id"] for row in rows}


def assert_all_there(stage: Stage, result: dg.ExecuteInProcessResult, engine: sa.Engine) -> None:
    assert result.success
    assert bookings_in_odoo(stage) == {str(each["id"]) for each in stage.served()}
    assert awaited(stage) == []
    runs = rows_of(engine, "select run_id, status from odoo_pipelines.sync_run")
    assert {run["status"] for run in runs if run["run_id"] == result.run_id} == {"succeeded"}


@pytest.mark.parametrize("how", [*DAMAGES.values(), with_rows_missing], ids=[*DAMAGES, "with rows missing"])
def test_an_extracted_batch_is_extracted_again_by_the_next_delta(
    stage: Stage, engine: sa.Engine, how: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    first = stage.keys[0]
    stage.materialize(stage.extracted("bookings"), partition=first)
    stage.materialize(stage.extracted("bookings"), partition=stage.keys[-1])
    [lost] = [batch for batch in stage.batches("external", "bookings") if batch.partition == first]
    assert lost.rows
    damage(lost, how)

    result = stage.sync("delta")

    assert_all_there(stage, result, engine)
    [said] = {record.message for record in caplog.records if "cannot be read" in record.message}
    assert all(word in said for word in (lost.path, "external/bookings", first, lost.run_id, "is extracted again"))


@pytest.mark.parametrize("how", DAMAGES.values(), ids=DAMAGES)
def test_a_mapped_batch_is_mapped_again_from_what_was_extracted(
    stage: Stage, engine: sa.Engine, how: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.refuse_logins()
    assert not stage.sync("full").success
    stage.allow_logins()
    lost = next(batch for batch in stage.pending("orders") if batch.rows)
    damage(lost, how)
    carried = len(stage.batches("external", "bookings"))

    result = stage.sync("delta")

    assert_all_there(stage, result, engine)
    assert any("is mapped again" in record.message for record in caplog.records)
    again = stage.batches("external", "bookings")[carried:]
    assert not any(batch.complete and batch.partition == stage.keys[0] for batch in again)


def test_where_the_batches_that_it_was_mapped_from_are_gone_too_their_partition_is_extracted_again(
    stage: Stage, engine: sa.Engine
) -> None:
    stage.refuse_logins()
    assert not stage.sync("full").success
    stage.allow_logins()
    for batch in [*stage.pending("orders"), *stage.batches("external", "bookings")]:
        damage(batch, Path.unlink)

    assert_all_there(stage, stage.sync("delta"), engine)


@pytest.mark.usefixtures("synced")
def test_what_an_earlier_run_had_begun_to_load_is_finished_from_what_is_mapped_again(
    stage: Stage, engine: sa.Engine
) -> None:
    stage.edit(stage.confirmed()["id"], special_requests="Late")
    stage.state.begin("odoo/sale_order", [batch.id for batch in stage.batches("mapped", "orders")])
    for batch in stage.pending("orders"):
        assert batch.begun
        damage(batch, truncated)

    assert stage.sync("delta").success
    assert awaited(stage) == []
    assert bookings_in_odoo(stage) == {str(each["id"]) for each in stage.served()}


def test_as_long_as_the_source_cannot_be_asked_nothing_is_given_up(stage: Stage, engine: sa.Engine) -> None:
    stage.materialize(stage.extracted("bookings"), partition=stage.keys[0])
    [lost] = stage.batches("external", "bookings")
    damage(lost, Path.unlink)
    stage.pms_fault(kind="status", status=400, path="/bookings")
    assert not stage.sync("delta").success
    assert lost.id in {batch.id for batch in awaited(stage)}

    stage.pms.sandbox.faults.faults.clear()
    assert_all_there(stage, stage.sync("delta"), engine)


@pytest.mark.usefixtures("synced")
def test_single_records_of_an_earlier_version_come_with_the_next_full_sync_and_hold_up_nothing_until_then(
    stage: Stage, engine: sa.Engine
) -> None:
    with_rows = stage.batches("external", "bookings")[0]
    single = Batch(0, "pms", "external", "bookings", "by_id", "an-earlier-run", "gone.parquet", 1, None)
    stage.state.register(single, awaited_by=["mapped/orders", "mapped/partners", "mapped/products"])
    assert with_rows.rows

    assert stage.sync("delta").success
    assert {batch.path for batch in awaited(stage)} == {"gone.parquet"}
    assert_all_there(stage, stage.sync("full"), engine)


@pytest.mark.usefixtures("synced")
def test_the_watermark_does_not_keep_the_partition_from_being_read_as_a_whole(stage: Stage) -> None:
    stage.advance(new_bookings=2)
    stage.materialize(stage.extracted("bookings"), partition=stage.keys[-1])
    newest = stage.batches("external", "bookings")[-1]
    damage(newest, truncated)

    assert stage.sync("delta").success
    again = stage.batches("external", "bookings")[-1]
    assert (again.complete, again.partition) == (True, newest.partition)
    assert len(bookings_in_odoo(stage)) == BOOKINGS + 2


@pytest.mark.usefixtures("synced")
def test_payments_that_wait_to_be_sent_are_read_out_of_odoo_again(stage: Stage) -> None:
    booking = booking_of(stage)
    register(stage, booking)
    stage.pms_fault(kind="status", status=400, path=f"/bookings/{booking}/payments", times=None)
    stage.sync("outbound")
    stage.pms.sandbox.faults.faults.clear()
    waiting = stage.state.batches("pms", "odoo", ["payments_out"])
    assert waiting
    stage.state.begin("external/payments_out", [batch.id for batch in waiting])
    for batch in waiting:
        damage(batch, truncated)

    assert stage.sync("outbound").success
    assert len(recorded(stage)) == 1
    assert stage.state.pending("pms", "odoo", ["payments_out"], "external/payments_out") == []


@pytest.mark.parametrize("mapped", [False, True], ids=["extracted", "and what was mapped of it"])
def test_records_that_were_fetched_one_by_one_are_asked_for_again_by_the_next_delta(
    stage: Stage, engine: sa.Engine, *, mapped: bool
) -> None:
    stage.sync("full")
    booking = str(stage.confirmed()["id"])
    stage.edit(booking, special_requests="A quiet room")
    fetch(stage, booking, mapped=mapped)
    single = [each for each in stage.batches("external", "bookings") if each.partition == "by_id"]
    assert [each.records for each in single] == [(("booking", booking),)]
    for each in [*single, *(each for each in stage.pending("orders") if each.partition == "by_id")]:
        damage(each, Path.unlink)
    with engine.begin() as connection:  # nothing else would ask for it
        connection.execute(sa.text("update odoo_pipelines.watermark set value = now() + interval '1 day'"))

    assert stage.sync("delta").success
    assert awaited(stage) == []
    [order] = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking]], fields=["note"])
    assert "A quiet room" in order["note"]


def fetch(stage: Stage, booking: str, *, mapped: bool) -> None:
    """A run fetches a booking, maybe maps it, and ends."""
    session = stage.session()
    try:
        fetched = fetch_by_id(session, stream_named("bookings"), {booking})
        assert fetched.batch
        register_fetched(session, stream_named("bookings"), fetched.batch)
        for flow in session.system.flows if mapped else ():
            map_partition(session, flow, BY_ID)
    finally:
        session.close()


def test_rows_that_were_to_be_tried_again_are_looked_for_again_by_the_next_delta(stage: Stage) -> None:
    stage.sync("full")
    booking = str(stage.confirmed()["id"])
    records = (("booking", booking),)
    lost = Batch(0, "pms", "mapped", "orders", "replay", "earlier", "gone.parquet", 1, None, records=records)
    stage.state.register(lost)

    assert stage.sync("delta").success
    assert awaited(stage) == []
    [again] = [each for each in stage.batches("mapped", "orders") if each.partition == "replay"][1:]
    assert again.records == lost.records


def test_damage_within_the_run_that_wrote_the_batch_ends_it_with_batch_and_cure_and_the_next_run_goes_on(
    stage: Stage, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = BatchStore.writer

    @contextmanager
    def damaging(store: BatchStore, path: str, schema: pa.Schema) -> Iterator[Any]:
        with writer(store, path, schema) as writing:
            yield writing
        if "/mapped/orders/" in path:
            truncated(Path(load_settings().data) / path)

    with monkeypatch.context() as patched:
        patched.setattr(BatchStore, "writer", damaging)
        result = stage.sync("full")
    assert not result.success
    [failed] = [each for each in result.all_events if each.is_step_failure][:1]
    said = str(failed.step_failure_data.error)
    assert "/mapped/orders/" in said
    assert "The next sync makes it again" in said
    assert_all_there(stage, stage.sync("delta"), engine)
