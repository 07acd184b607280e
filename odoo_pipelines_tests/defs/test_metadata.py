"""What the UI shows: numbers that plot, schemas and lineage; and never a value of a person or a secret."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from dagster._serdes import serialize_value

from odoo_pipelines.defs.keys import mapped_key
from odoo_pipelines.defs.metadata import schema_metadata
from odoo_pipelines.integration import Integration
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines_tests.defs.stage import BOOKINGS, ODOO_KEY, PMS_KEY, Stage, flow_named

CANARY = "Zaphodcanary"
PERSONAL = {
    "first_name": f"{CANARY}first",
    "last_name": f"{CANARY}last",
    "email": f"{CANARY}@hotel.example",
    "phone": f"{CANARY}-phone",
    "language": f"{CANARY}-language",
    "country": f"{CANARY}-country",
    "document_number": f"{CANARY}-document",
    "address": {"street": f"{CANARY} street", "city": f"{CANARY} city"},
    "updated_at": None,  # so it is as new as its booking, and newer than the guest's own record
}


def everything_recorded(stage: Stage, result: dg.ExecuteInProcessResult) -> str:
    """All that Dagster keeps of a run: events, log lines, metadata, tags, config."""
    entries = [serialize_value(entry) for entry in stage.instance.all_logs(result.run_id)]
    run = stage.instance.get_run_by_id(result.run_id)
    assert entries
    assert run is not None
    return "\n".join([*entries, serialize_value(run)])


def metadata_of(result: dg.ExecuteInProcessResult, step: str, partition: str | None = None) -> dict[str, Any]:
    events = result.asset_materializations_for_node(f"pms__{step}")
    [event] = [each for each in events if partition is None or each.partition == partition]
    return {name: entry.value for name, entry in event.metadata.items()}


class TestPrivacy:
    @pytest.fixture(autouse=True)
    def _recording(self, stage: Stage) -> None:
        stage.keep_events()

    def test_no_personal_value_and_no_secret_is_recorded_anywhere(
        self, stage: Stage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level("DEBUG")
        dropped, rejected = [row for row in stage.served() if row["status"] in {"confirmed", "pending"}][:2]
        stage.edit(dropped["id"], guest={**dropped["guest"], **PERSONAL}, special_requests=f"{CANARY} likes tea")
        guest = {**rejected["guest"], **PERSONAL}
        stage.edit(rejected["id"], guest=guest, check_in=f"{CANARY}-date", special_requests=CANARY)
        first, second = stage.sync("full"), stage.sync("full")
        told = "\n".join(
            [*(everything_recorded(stage, each) for each in (first, second)), caplog.text, *capfd.readouterr()]
        )
        assert [secret for secret in (CANARY, PMS_KEY, ODOO_KEY) if secret in told] == []
        assert [letter.external_id for letter in stage.state.letters(LetterFilter("pms", "orders"))] == [
            str(rejected["id"])
        ]
        assert stage.odoo("res.partner", "search_count", domain=[["name", "ilike", CANARY]]) == 2

    def test_neither_is_when_odoo_refuses_a_row_with_its_values(self, stage: Stage) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests=f"{CANARY} likes tea", booking_reference="REF-POISONED")
        stage.odoo_fault(kind="bad_row", model="sale.order", method="load", contains="REF-POISONED", times=None)
        result = stage.sync("full")
        assert stage.counts(result)["rejected"] == 1
        assert CANARY not in everything_recorded(stage, result)

    def test_a_failed_run_tells_no_secret(self, stage: Stage) -> None:
        stage.refuse_logins()
        told = everything_recorded(stage, stage.sync("full"))
        assert "OdooAuthenticationError" in told
        assert [secret for secret in (PMS_KEY, ODOO_KEY) if secret in told] == []


class TestNumbers:
    @pytest.mark.parametrize("pms", [{"bad_rows": 2}], indirect=True)
    def test_every_asset_tells_its_rows_by_partition_and_all_together(self, stage: Stage) -> None:
        result = stage.sync("full")
        rows = {
            step: sum(metadata_of(result, step, key)["dagster/partition_row_count"] for key in stage.keys)
            for step in ("external__bookings", "odoo__sale_order")
        }
        assert rows == {"external__bookings": BOOKINGS, "odoo__sale_order": BOOKINGS}
        mapped = [metadata_of(result, "mapped__orders", key) for key in stage.keys]
        assert sum(each["dagster/partition_row_count"] + each["rejected"] for each in mapped) == BOOKINGS
        assert sum(each["rows_in"] for each in mapped) == BOOKINGS

        extracted = metadata_of(result, "external__bookings", stage.keys[0])
        assert extracted["window"].startswith("beginning to ")
        assert (extracted["dagster/row_count"], extracted["requests_repeated"]) == (BOOKINGS, 0)
        assert extracted["requests"] > 0
        assert extracted["watermark"] == str(stage.watermark("bookings"))
        assert metadata_of(result, "external__bookings", stage.keys[-1])["window"].endswith(" to now")

        loaded = [metadata_of(result, "odoo__sale_order", key) for key in stage.keys]
        for each in loaded:
            assert each["extracted"] == sum(
                each[word] for word in stage.counts(result, "orders") if word != "extracted"
            )
            assert each["run_extracted"] == BOOKINGS
            assert (each["run_created"], each["run_rejected"]) == (BOOKINGS - 2, 2)
            assert each["requests"] > 0
            assert each["duration_seconds"] > 0
        samples = [
            record.data
            for each in loaded
            if "rejections_sample" in each
            for record in each["rejections_sample"].records
        ]
        assert len(samples) == 2
        assert all(set(sample) == {"external_id", "field", "code"} for sample in samples)

    def test_a_stream_without_partitions_tells_the_same(self, stage: Stage) -> None:
        told = metadata_of(stage.materialize(stage.extracted("rooms")), "external__rooms")
        assert told["dagster/row_count"] == len(stage.served("rooms"))
        assert told["batch"].startswith("pms/external/rooms/")

    def test_nothing_new_is_told_as_nothing(self, stage: Stage) -> None:
        result = stage.materialize(stage.mapped("orders"), partition=stage.keys[0])
        told = metadata_of(result, "mapped__orders", stage.keys[0])
        assert (told["dagster/partition_row_count"], told["batch"]) == (0, "none: nothing new")


class TestSchema:
    ORDERS = schema_metadata(Integration(name="grand-hotel"), flow_named("orders"))

    def test_it_has_a_column_for_every_field_of_the_target_and_its_lines(self) -> None:
        schema = self.ORDERS["dagster/column_schema"]
        assert {"partner_id", "x_check_in_date", "order_line.product_id"} <= {column.name for column in schema.columns}

    def test_personal_data_are_marked(self) -> None:
        partners = schema_metadata(Integration(name="pms"), flow_named("partners"))["dagster/column_schema"]
        marked = {column.name for column in partners.columns if "personal data" in (column.description or "")}
        assert {"name", "email", "phone", "street", "x_date_of_birth", "x_document_number"} <= marked

    def test_columns_know_what_they_are_made_of(self) -> None:
        lineage = self.ORDERS["dagster/column_lineage"].deps_by_column
        assert [(dep.asset_key.path, dep.column_name) for dep in lineage["x_number_of_nights"]] == [
            (["grand-hotel", "external", "bookings"], "check_in"),
            (["grand-hotel", "external", "bookings"], "check_out"),
        ]
        assert {dep.column_name for dep in lineage["order_line.product_id"]} >= {"rooms.room_type_id", "extras.name"}

    @pytest.mark.parametrize("flow", ["partners", "products", "orders"])
    def test_they_are_in_the_catalogue_of_every_mapped_asset(self, stage: Stage, flow: str) -> None:
        found = next(
            asset for asset in stage.assets() if mapped_key(stage.integration, flow) in asset.keys
        ).metadata_by_key[stage.mapped(flow)]
        assert {"dagster/column_schema", "dagster/column_lineage"} <= set(found)
