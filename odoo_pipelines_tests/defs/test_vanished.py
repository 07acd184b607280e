"""A full sync finds what the external system has no more, and a mistake there does no harm in Odoo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.vanished import _are_many
from odoo_pipelines.stores.vanished import MissingRecords
from odoo_pipelines_sandbox.pms.events import Edit, edit, require
from odoo_pipelines_tests.defs.stage import BOOKINGS, Stage
from odoo_pipelines_tests.stores.builders import rows_of

CHECK = "vanished"
WRITTEN = (
    "select flow, entity, external_id, outcome, weight, code, changes from odoo_pipelines.outcome where weight = 0"
)


def configure(**settings: Any) -> None:
    """Changes the integration's settings."""
    file = Path(os.environ["ODOO_PIPELINES_CONFIG"])
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["integrations"]["pms"] |= settings
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def delete(stage: Stage, stream: Any, *ids: str | int) -> None:
    """The PMS has these records no more."""
    world = stage.pms.sandbox.world
    for each in ids:
        world.feeds[stream].delete(require(world, stream, each))


def bring_back(stage: Stage, stream: Any) -> None:
    """It has them again."""
    stage.pms.sandbox.world.feeds[stream]._deleted.clear()


def marked(stage: Stage, entity: str = "booking") -> tuple[str, ...]:
    return stage.state.vanished("pms", entity, 50).sample


def order(stage: Stage, booking: dict[str, Any]) -> dict[str, Any]:
    domain = [["x_external_id", "=", str(booking["id"])]]
    found: list[dict[str, Any]]
    found = stage.odoo("sale.order", "search_read", domain=domain, fields=["state", "locked", "write_date"])
    return found[0]


def check(result: dg.ExecuteInProcessResult, model: str = "sale_order") -> dg.AssetCheckEvaluation:
    [found] = [
        each
        for each in result.get_asset_check_evaluations()
        if (each.asset_key.path[-1], each.check_name) == (model, CHECK)
    ]
    return found


def numbers(result: dg.ExecuteInProcessResult) -> tuple[Any, ...]:
    """Vanished in all, those that are new, and those that are back."""
    metadata = check(result).metadata
    return tuple(metadata[name].value for name in ("vanished", "vanished_new", "back"))


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The innermost errors of all failed steps."""
    texts = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            texts.append(error.message if error else "")
    return "\n".join(texts)


@pytest.mark.usefixtures("synced")
class TestReport:
    def test_a_record_that_is_missing_is_reported_until_it_is_back_and_left_alone_in_odoo(self, stage: Stage) -> None:
        configure(vanished_share_limit=0.5)
        booking = stage.confirmed()
        before = order(stage, booking)
        delete(stage, "bookings", booking["id"])
        first, second = stage.sync("full"), stage.sync("full")
        assert (numbers(first), numbers(second), numbers(stage.sync("delta"))) == ((1, 1, 0), (1, 0, 0), (1, 0, 0))
        assert (check(first).passed, check(first).severity) == (False, dg.AssetCheckSeverity.WARN)
        assert check(first).metadata["vanished_sample"].value == str(booking["id"])
        assert order(stage, booking) == before
        bring_back(stage, "bookings")
        again = stage.sync("full")
        assert (numbers(again), check(again).passed, marked(stage)) == ((0, 0, 1), True, ())

    def test_a_delta_that_brings_it_tells_that_it_is_back(self, stage: Stage) -> None:
        configure(vanished_share_limit=0.5)
        booking = stage.confirmed()
        stage.state.mark_vanished("pms", "booking", [str(booking["id"])])
        stage.edit(booking["id"], special_requests="A quiet room")
        assert numbers(stage.sync("delta")) == (0, 0, 1)

    def test_the_last_record_of_a_partition_is_missed_too(self, stage: Stage) -> None:
        configure(vanished_share_limit=1)
        everything = [each["id"] for each in stage.served()]
        delete(stage, "bookings", *everything)
        assert stage.sync("full").success
        assert len(marked(stage)) == BOOKINGS
        assert stage.sync("full").success
        assert len(marked(stage)) == BOOKINGS

    def test_a_guest_inside_a_booking_has_not_vanished(self, stage: Stage) -> None:
        configure(vanished_share_limit=0.5)
        delete(stage, "guests", stage.confirmed()["guest"]["id"])
        result = stage.sync("full")
        assert result.success
        assert marked(stage, "guest") == ()

    def test_a_rejected_row_has_not_vanished(self, stage: Stage) -> None:
        stage.edit(stage.confirmed()["id"], check_in="soon")
        assert stage.counts(stage.sync("full"))["rejected"] == 1
        assert marked(stage) == ()

    def test_a_row_that_hides_its_record_stops_the_search(self, stage: Stage) -> None:
        configure(vanished_share_limit=0.5)
        hidden, gone = [row for row in stage.served() if row["status"] == "confirmed"][:2]
        delete(stage, "bookings", gone["id"])
        edit(stage.pms.sandbox.world, Edit(id=hidden["id"], fields={"id": None}))
        result = stage.sync("full")
        assert result.success
        assert (marked(stage), check(result).metadata["checked_in_this_run"].value) == ((), False)


@pytest.mark.usefixtures("synced")
class TestOnlyWhatIsComplete:
    def test_one_partition_tells_nothing(self, stage: Stage) -> None:
        delete(stage, "bookings", *(each["id"] for each in stage.served()))
        result = stage.sync("full", (stage.keys[-1], stage.keys[-1]))
        assert result.success
        assert (marked(stage), check(result).metadata["checked_in_this_run"].value) == ((), False)

    def test_a_stream_that_could_not_be_extracted_stops_the_search(self, stage: Stage) -> None:
        delete(stage, "bookings", *(each["id"] for each in stage.served()))
        stage.pms_fault(kind="status", status=400, path="/rooms")
        result = stage.sync("full")
        assert not result.success
        assert "vanished" not in failure(result)
        assert marked(stage) == ()

    def test_everything_is_extracted_and_mapped_before_the_first_load(
        self, stage: Stage, synced: dg.ExecuteInProcessResult
    ) -> None:
        priorities = {asset.op.name.split("__")[1]: asset.op.tags.get("dagster/priority") for asset in stage.assets()}
        assert priorities == {"external": "2", "mapped": "1", "odoo": None}
        steps = [event.step_key or "" for event in synced.all_events if event.is_step_start]
        assert [step.split("__")[1] for step in steps] == ["external"] * 5 + ["mapped"] * 4 + ["odoo"] * 4


class TestBreaker:
    @pytest.mark.usefixtures("synced")
    def test_more_than_the_limit_stops_the_run_before_anything_is_written(
        self, stage: Stage, engine: sa.Engine
    ) -> None:
        configure(vanished_share_minimum=BOOKINGS)
        guest = stage.confirmed()["guest"]
        edit(stage.pms.sandbox.world, Edit(stream="guests", id=guest["id"], fields={"first_name": "Changed"}))
        delete(stage, "bookings", stage.confirmed()["id"])
        writes = stage.odoo_statistics()["writes"]
        result = stage.sync("full")
        assert not result.success
        text = failure(result)
        assert f"flow 'orders': 1 of {BOOKINGS} known records (8.3%)" in text
        assert all(part in text for part in ("the limit is 5.0%", "`vanished_share_limit`", "'pms'", "nothing was"))
        assert stage.odoo_statistics()["writes"] == writes
        assert marked(stage) == ()
        runs = rows_of(engine, "select distinct run_id from odoo_pipelines.sync_run")
        assert result.run_id not in {run["run_id"] for run in runs}

    @pytest.mark.usefixtures("synced")
    def test_a_higher_limit_lets_it_go_on_and_what_is_known_does_not_count_again(self, stage: Stage) -> None:
        first, second = [row["id"] for row in stage.served()][:2]
        delete(stage, "bookings", first)
        configure(vanished_share_limit=0.1, vanished_share_minimum=1)
        assert stage.sync("full").success
        assert marked(stage) == (str(first),)
        configure(vanished_share_limit=0.05)
        assert stage.sync("full").success
        delete(stage, "bookings", second)
        assert not stage.sync("full").success

    @pytest.mark.usefixtures("synced")
    def test_of_few_records_one_may_be_gone_but_not_most(self, stage: Stage) -> None:
        everything = [each["id"] for each in stage.served()]
        delete(stage, "bookings", everything[0])
        assert stage.sync("full").success
        assert marked(stage) == (str(everything[0]),)
        delete(stage, "bookings", *everything[1:])
        result = stage.sync("full")
        assert not result.success
        assert "half of fewer than 20" in failure(result)

    @pytest.mark.parametrize(
        ("known", "missing", "many"),
        [
            *[(1, 1, False), (2, 1, False), (2, 2, True), (3, 1, False), (3, 2, True), (15, 7, False), (15, 8, True)],
            *[(19, 9, False), (20, 1, False), (20, 2, True), (100, 5, False), (100, 6, True)],
        ],
    )
    def test_how_many_of_how_many(self, known: int, missing: int, *, many: bool) -> None:
        missing_records = MissingRecords(known, tuple(str(number) for number in range(missing)))
        assert _are_many(Integration(name="pms"), missing_records) is many

    def test_a_policy_that_the_model_does_not_allow_stops_the_run_before_anything_is_written(
        self, stage: Stage
    ) -> None:
        configure(vanished="archive")
        result = stage.sync("full")
        assert "records of sale.order cannot be archived" in failure(result)
        assert stage.odoo("sale.order", "search_count", domain=[]) == 0


@pytest.mark.usefixtures("synced")
class TestCancel:
    def test_the_order_is_cancelled_once_and_its_history_tells_it(self, stage: Stage, engine: sa.Engine) -> None:
        configure(vanished_share_limit=0.5, flows={"orders": {"vanished": "cancel"}})
        booking = stage.confirmed()
        delete(stage, "bookings", booking["id"])
        result = stage.sync("full")
        assert (result.success, check(result).passed, order(stage, booking)["state"]) == (True, True, "cancel")
        assert stage.counts(result) == {"extracted": BOOKINGS - 1, "unchanged": BOOKINGS - 1}
        change = {"field": "state", "before": "sale", "after": "cancel", "policy": "cancel"}
        names = {"flow": "orders", "entity": "booking", "external_id": str(booking["id"])}
        told = {**names, "outcome": "updated", "weight": 0, "code": "vanished_cancelled", "changes": [change]}
        assert rows_of(engine, WRITTEN) == [told]
        writes = stage.odoo_statistics()["writes"]
        assert stage.sync("full").success
        assert stage.odoo_statistics()["writes"] == writes
        bring_back(stage, "bookings")
        stage.sync("full")
        assert order(stage, booking)["state"] == "sale"


@pytest.mark.usefixtures("synced")
class TestArchive:
    def test_a_guest_is_archived_and_comes_back(self, stage: Stage) -> None:
        configure(vanished_share_limit=0.9, flows={"partners": {"vanished": "archive"}})
        guest = stage.confirmed()["guest"]["id"]
        delete(stage, "bookings", *(row["id"] for row in stage.served() if row["guest"]["id"] == guest))
        delete(stage, "guests", guest)
        assert stage.sync("full").success
        assert (marked(stage, "guest"), is_active(stage, guest)) == ((str(guest),), False)
        bring_back(stage, "guests")
        assert stage.sync("full").success
        assert (marked(stage, "guest"), is_active(stage, guest)) == ((), True)


def is_active(stage: Stage, guest: str | int) -> bool:
    domain = [["x_external_guest_id", "=", str(guest)], ["active", "in", [True, False]]]
    [row] = stage.odoo("res.partner", "search_read", domain=domain, fields=["active"])
    return bool(row["active"])
