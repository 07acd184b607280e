"""A sync's result, for programs and for people."""

from __future__ import annotations

from rich.console import Console

from odoo_pipelines.commands.sync import outcome_table, result_document
from odoo_pipelines.defs.launch import SyncResult
from odoo_pipelines.systems.records import Counts, Outcome


def result(*, succeeded: bool = True) -> SyncResult:
    orders = Counts(extracted=12_500)
    orders.add(Outcome.CREATED, 12_400)
    orders.add(Outcome.REJECTED, 100)
    return SyncResult("a-run", succeeded, {"partners": Counts(), "orders": orders}, "" if succeeded else "it broke")


def test_the_document_has_the_run_its_status_and_every_count_of_every_flow() -> None:
    words = ["extracted", "created", "updated", "unchanged", "conflict", "rejected", "superseded"]
    nothing = dict.fromkeys(words, 0)
    assert result_document(result()) == {
        "run_id": "a-run",
        "status": "success",
        "flows": {"partners": nothing, "orders": nothing | {"extracted": 12_500, "created": 12_400, "rejected": 100}},
    }
    assert result_document(result(succeeded=False))["status"] == "failure"


def test_the_table_has_a_line_for_each_flow_and_a_column_for_each_outcome() -> None:
    console = Console(width=120)
    with console.capture() as shown:
        console.print(outcome_table(result()))
    text = shown.get()
    assert "Run a-run" in text
    assert all(outcome.value in text for outcome in Outcome)
    [orders] = [line for line in text.splitlines() if "orders" in line]
    assert [number in orders for number in ("12,500", "12,400", "100")] == [True, True, True]
