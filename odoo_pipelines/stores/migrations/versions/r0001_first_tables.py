"""The first tables of the state."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

SCHEMA = "odoo_pipelines"
OUTCOMES = ("created", "updated", "unchanged", "conflict", "rejected", "superseded")


def upgrade() -> None:
    """Creates the tables."""
    _create_watermark()
    _create_batch()
    _create_batch_use()
    _create_record()
    _create_outcome()
    _create_dead_letter()
    _create_sync_run()


def downgrade() -> None:
    """Drops them, and with them everything that is known about bindings and batches."""
    for table in ("sync_run", "dead_letter", "outcome", "record", "batch_use", "batch", "watermark"):
        op.drop_table(table, schema=SCHEMA)


def _create_watermark() -> None:
    op.create_table(
        "watermark",
        _text("integration", "Name of the integration", primary_key=True),
        _text("stream", "Name of the stream", primary_key=True),
        _time("value", "Newest change time that is safely in a batch; a delta starts here, minus the overlap"),
        _now("moved_at", "When it was last moved"),
        schema=SCHEMA,
        comment="How far each stream has been extracted",
    )


def _create_batch() -> None:
    op.create_table(
        "batch",
        sa.Column(
            "id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number; older batches have lower ones"
        ),
        _text("integration", "Name of the integration"),
        _text("layer", "external: as extracted; mapped: as Odoo should have it"),
        _text("name", "Name of the stream or the flow"),
        _text("partition", "Partition key; empty for streams that are not partitioned"),
        _text("run_id", "Dagster run that wrote it"),
        _text("path", "Parquet file, below the data root"),
        sa.Column("rows", sa.BigInteger, nullable=False, comment="Extracted rows that it stands for"),
        _time("newest", "Newest change time in it", nullable=True),
        sa.Column(
            "complete", sa.Boolean, nullable=False, comment="Holds its whole partition: earlier ones say nothing more"
        ),
        _now("created_at", "When it was registered"),
        sa.UniqueConstraint("path", name="batch_path_key"),
        _one_of("layer", ("external", "mapped"), "batch_layer_check"),
        schema=SCHEMA,
        comment="Immutable files of rows: the unit of work between assets",
    )
    op.create_index("batch_by_source", "batch", ["integration", "layer", "name", "id"], schema=SCHEMA)


def _create_batch_use() -> None:
    op.create_table(
        "batch_use",
        sa.Column(
            "batch_id",
            sa.BigInteger,
            sa.ForeignKey(f"{SCHEMA}.batch.id", name="batch_use_batch_id_fkey", ondelete="CASCADE"),
            primary_key=True,
            comment="The batch",
        ),
        _text("consumer", "Who has done it, such as mapped/orders or odoo/sale_order", primary_key=True),
        _now("done_at", "When it was done"),
        schema=SCHEMA,
        comment="Which consumer has done which batch; a batch without its row here is still to be done",
    )


def _create_record() -> None:
    op.create_table(
        "record",
        _text("integration", "Name of the integration", primary_key=True),
        _text("entity", "Kind of external record", primary_key=True),
        _text("external_id", "Its id in the external system", primary_key=True),
        _text("model", "Odoo model"),
        sa.Column("odoo_id", sa.BigInteger, nullable=False, comment="Database id of the Odoo record"),
        _text("hash", "Of the mapped row on which both sides last agreed"),
        sa.Column("base", JSONB, nullable=False, comment="Values on which both sides last agreed, by Odoo field"),
        _text("write_date", "Of the Odoo record when they agreed, as Odoo prints it; empty if it was not read"),
        _time("updated_at", "Change time of that row in the external system", nullable=True),
        _text("run_id", "Dagster run that wrote it last"),
        _now("synced_at", "When it was written last"),
        schema=SCHEMA,
        comment="External records and the Odoo records that they are bound to",
    )
    op.create_index("record_odoo_id_key", "record", ["integration", "model", "odoo_id"], unique=True, schema=SCHEMA)


def _create_outcome() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, in the order of writing"),
        _text("run_id", "Dagster run"),
        _text("integration", "Name of the integration"),
        _text("flow", "Name of the flow"),
        sa.Column("attempt", sa.Integer, nullable=False, comment="Attempt of the run at this flow, from 1"),
        _text("entity", "Kind of external record"),
        _text("external_id", "Its id there; empty where it could not be read"),
        _text("outcome", "created, updated, unchanged (only with warnings), conflict, rejected or superseded"),
        sa.Column("weight", sa.BigInteger, nullable=False, comment="Extracted rows that it counts for"),
        _text("field", "Field at fault, for rejections and conflicts"),
        _text("code", "Short, stable reason, free of personal data"),
        _text("reason", "The whole sentence; may hold personal data"),
        sa.Column("warnings", JSONB, nullable=False, comment="Values that were dropped from the row"),
        _now("at", "When its chunk was committed"),
        _one_of("outcome", OUTCOMES, "outcome_outcome_check"),
        schema=SCHEMA,
        comment="What happened to each row in each run, for a limited time; unchanged rows are counted only",
    )
    op.create_index("outcome_by_run", "outcome", ["run_id", "integration", "flow"], schema=SCHEMA)
    op.create_index("outcome_by_record", "outcome", ["integration", "entity", "external_id"], schema=SCHEMA)
    op.create_index("outcome_by_time", "outcome", ["at"], postgresql_using="brin", schema=SCHEMA)


def _create_dead_letter() -> None:
    op.create_table(
        "dead_letter",
        _text("integration", "Name of the integration", primary_key=True),
        _text("flow", "Name of the flow", primary_key=True),
        _text("entity", "Kind of external record", primary_key=True),
        _text("key", "The external id, or the SHA-256 of the payload where none could be read", primary_key=True),
        _text("external_id", "Its id in the external system; empty where it could not be read"),
        _text("payload", "The newest row that was rejected, JSON; may hold personal data"),
        _text("code", "Short, stable reason, free of personal data"),
        _text("field", "Field at fault"),
        _text("reason", "The whole sentence; may hold personal data"),
        sa.Column("transient", sa.Boolean, nullable=False, comment="A later run may succeed without anybody's help"),
        sa.Column("attempts", sa.BigInteger, nullable=False, comment="How often it has been rejected"),
        _now("first_at", "When it was rejected first"),
        _now("last_at", "When it was rejected last"),
        _text("run_id", "Dagster run that rejected it last"),
        schema=SCHEMA,
        comment="Rows that did not get through, until they do",
    )


def _create_sync_run() -> None:
    op.create_table(
        "sync_run",
        _text("run_id", "Dagster run", primary_key=True),
        _text("integration", "Name of the integration", primary_key=True),
        _text("flow", "Name of the flow", primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False, comment="Attempt that the numbers are of, from 1"),
        _text("mode", "Such as delta or full"),
        _text("status", "running, succeeded or failed"),
        _now("started_at", "When the attempt started"),
        _time("finished_at", "When it ended; empty while it runs, and for a run that was killed", nullable=True),
        _count("extracted", "Rows that went in; known at the end"),
        *(_count(word, f"Rows that ended as {word}") for word in OUTCOMES),
        _text("reason", "Why it failed"),
        _one_of("status", ("running", "succeeded", "failed"), "sync_run_status_check"),
        schema=SCHEMA,
        comment="Numbers of every run and flow: the six outcomes add up to extracted, or the run has failed",
    )


def _text(name: str, comment: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False, comment=comment)


def _time(name: str, comment: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _now(name: str, comment: str) -> sa.Column[datetime]:
    default = sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=default, comment=comment)


def _count(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)


def _one_of(column: str, values: tuple[str, ...], name: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} in ({listed})", name=name)
