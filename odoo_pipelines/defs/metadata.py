"""Metadata of materializations: numbers that the UI plots, schemas, lineage; never a value of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from odoo_pipelines.engine.report import FlowReport, Rejection
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.by_id import Fetched
from odoo_pipelines.pipeline.extraction import Extracted
from odoo_pipelines.pipeline.loading import FlowLoad
from odoo_pipelines.pipeline.mapping import Mapped
from odoo_pipelines.systems.base import Flow
from odoo_pipelines.systems.records import Counts
from odoo_pipelines.systems.targets import TargetField

RawMetadata = dict[str, Any]


def extracted_metadata(extracted: Extracted) -> RawMetadata:
    """Of one extracted partition."""
    window = extracted.window
    return {
        "dagster/partition_row_count": extracted.rows,
        "pages": extracted.pages,
        "window": f"{window.since or 'beginning'} to {window.before or 'now'}",
        "newest": str(extracted.newest or "nothing"),
        "batch": extracted.path or "none: no rows",
    }


def fetched_metadata(fetched: Fetched) -> RawMetadata:
    """Of records that were fetched one by one."""
    return {
        "dagster/row_count": fetched.rows,
        "asked": fetched.asked,
        "not_found": fetched.not_found,
        "batch": fetched.batch.path if fetched.batch else "none: no rows",
    }


def mapped_metadata(mapped: Mapped) -> RawMetadata:
    """Of one mapped partition."""
    return {
        "dagster/partition_row_count": mapped.rows,
        "rows_in": mapped.rows_in,
        "rejected": mapped.rejected,
        "batches": mapped.sources,
        "batch": mapped.path or "none: nothing new",
        **tally_metadata("rejections", mapped.rejections),
        **tally_metadata("warnings", mapped.warnings),
    }


def loaded_metadata(report: FlowReport) -> RawMetadata:
    """Of one loaded partition, or of all of them together."""
    return {
        **counts_metadata(report.counts),
        "dagster/partition_row_count": report.counts.extracted,
        "adopted": report.adopted,
        "possible_duplicates": report.possible_duplicates,
        **rejections_metadata(report.rejections),
        **tally_metadata("warnings", report.warnings),
        **({"fields_odoo_lacks": ", ".join(report.missing_fields)} if report.missing_fields else {}),
    }


def run_metadata(load: FlowLoad) -> RawMetadata:
    """Of all partitions of a run together; repeated on each of their events."""
    numbers = {f"run_{name}": count for name, count in load.report.counts.as_dict().items()}
    return {**numbers, "requests": load.requests, "duration_seconds": round(load.seconds, 3)}


def counts_metadata(counts: Counts) -> RawMetadata:
    """Rows in and outcomes out, one number each, so that each has a plot."""
    return dict(counts.as_dict())


def schema_metadata(integration: Integration, flow: Flow) -> RawMetadata:
    """Columns of a mapped asset, and what each is made of."""
    lines = flow.target.lines.fields if flow.target.lines else ()
    prefix = f"{flow.target.lines.field}." if flow.target.lines else ""
    named = [*((each.name, each) for each in flow.target.fields), *((f"{prefix}{each.name}", each) for each in lines)]
    return {
        "dagster/column_schema": dg.TableSchema([_column(name, each) for name, each in named]),
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                name: [_dependency(integration, source) for source in each.sources]
                for name, each in named
                if each.sources
            }
        ),
    }


def _column(name: str, each: TargetField) -> dg.TableColumn:
    notes = [
        each.label,
        "personal data" if each.personal else "",
        "only with new records" if each.only_on_create else "",
    ]
    return dg.TableColumn(name, each.type, description="; ".join(note for note in notes if note) or None)


def _dependency(integration: Integration, source: str) -> dg.TableColumnDep:
    stream, _, path = source.partition(".")
    return dg.TableColumnDep(dg.AssetKey([integration.name, "external", stream]), path)


def tally_metadata(name: str, tally: Mapping[str, int]) -> RawMetadata:
    """How many rows of each kind, as a table; nothing where there are none."""
    if not tally:
        return {}
    records = [dg.TableRecord({"kind": kind, "rows": rows}) for kind, rows in sorted(tally.items())]
    columns = [dg.TableColumn("kind", "string"), dg.TableColumn("rows", "int")]
    return {name: dg.MetadataValue.table(records, dg.TableSchema(columns))}


def rejections_metadata(sample: Sequence[Rejection]) -> RawMetadata:
    """Rows that were rejected or in conflict, without a value, as a table; nothing where there are none."""
    if not sample:
        return {}
    records = [
        dg.TableRecord({"external_id": each.external_id, "field": each.field, "code": each.code}) for each in sample
    ]
    columns = [dg.TableColumn(column, "string") for column in ("external_id", "field", "code")]
    return {"rejections_sample": dg.MetadataValue.table(records, dg.TableSchema(columns))}
