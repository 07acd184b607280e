"""The state's tables, in the schema `odoo_pipelines`; the comments are for those who read them with SQL."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from odoo_pipelines.systems.records import Layer, Outcome

SCHEMA = "odoo_pipelines"
RUN_STATUSES = ("running", "succeeded", "failed")

WAITING = sa.text("state in ('pending', 'failed')")
"""Condition of the indexes that find what may be claimed, whatever else the table holds."""

metadata = sa.MetaData(schema=SCHEMA)


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


watermark = sa.Table(
    "watermark",
    metadata,
    _text("integration", "Name of the integration", primary_key=True),
    _text("stream", "Name of the stream", primary_key=True),
    _time("value", "Newest change time that is safely in a batch; a delta starts here, minus the overlap"),
    _now("moved_at", "When it was last moved"),
    comment="How far each stream has been extracted",
)

batch = sa.Table(
    "batch",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number; older batches have lower ones"),
    _text("integration", "Name of the integration"),
    _text("layer", "external: as extracted; mapped: as Odoo should have it; odoo: as read out of Odoo"),
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
    sa.Column(
        "records",
        JSONB,
        nullable=False,
        server_default=sa.text("'[]'"),
        comment="Kind and id of the records of a replay, or fetched one by one: asked for again if the file is lost",
    ),
    sa.UniqueConstraint("path", name="batch_path_key"),
    _one_of("layer", get_args(Layer), "batch_layer_check"),
    sa.Index("batch_by_source", "integration", "layer", "name", "id"),
    comment="Immutable files of rows: the unit of work between assets",
)

batch_use = sa.Table(
    "batch_use",
    metadata,
    sa.Column(
        "batch_id",
        sa.BigInteger,
        sa.ForeignKey(f"{SCHEMA}.batch.id", name="batch_use_batch_id_fkey", ondelete="CASCADE"),
        primary_key=True,
        comment="The batch",
    ),
    _text("consumer", "Who has done it, such as mapped/orders or odoo/sale_order", primary_key=True),
    _now("started_at", "When the consumer began with it"),
    _time("done_at", "When it was done; empty while it is being done, or after a crash", nullable=True),
    comment="Which consumer has done which batch; a batch without a time of being done here is still to be done",
)

record = sa.Table(
    "record",
    metadata,
    _text("integration", "Name of the integration", primary_key=True),
    _text("entity", "Kind of external record", primary_key=True),
    _text("external_id", "Its id in the external system", primary_key=True),
    _text("model", "Odoo model"),
    sa.Column("odoo_id", sa.BigInteger, nullable=False, comment="Database id of the Odoo record"),
    _text("hash", "Of the mapped row on which both sides last agreed"),
    sa.Column("base", JSONB, nullable=False, comment="Values on which both sides last agreed, by Odoo field"),
    _time("updated_at", "Change time of that row in the external system, as far as it is believed", nullable=True),
    _time("seen_at", "When the external system showed that row, by our clock; empty: not known", nullable=True),
    sa.Column(
        "inside",
        sa.Boolean,
        nullable=False,
        server_default=sa.text("false"),
        comment="That row was not the record's own, but one inside another record",
    ),
    _text("run_id", "Dagster run that wrote it last"),
    _now("synced_at", "When it was written last"),
    _time("vanished_at", "When a full sync did not find it in the external system any more", nullable=True),
    sa.Index("record_odoo_id_key", "integration", "model", "odoo_id", unique=True),
    comment="External records and the Odoo records that they are bound to",
)

said = sa.Table(
    "said",
    metadata,
    _text("integration", "Name of the integration", primary_key=True),
    _text("holder_entity", "Kind of the record that says it, such as booking", primary_key=True),
    _text("holder", "Its id in the external system", primary_key=True),
    _text("entity", "Kind of the record inside it, such as guest", primary_key=True),
    _text("external_id", "Its id in the external system", primary_key=True),
    _text("hash", "Of the mapped row that was made of the record inside"),
    _time("since", "Change time of the version that said so first, or when that was seen", nullable=True),
    sa.Column("batch_id", sa.BigInteger, nullable=False, comment="Number of the extracted batch with that version"),
    comment="What records last said of others inside them: saying it again is no news",
)

outcome = sa.Table(
    "outcome",
    metadata,
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
    sa.Column("changes", JSONB, nullable=False, comment="Values that were written: field, before, after, policy"),
    _now("at", "When its chunk was committed"),
    _one_of("outcome", tuple(Outcome), "outcome_outcome_check"),
    sa.Index("outcome_by_run", "run_id", "integration", "flow"),
    sa.Index("outcome_by_record", "integration", "entity", "external_id"),
    sa.Index("outcome_by_time", "at", postgresql_using="brin"),
    comment="What happened to each row in each run, for a limited time; unchanged rows are counted only",
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
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
    _time("next_try", "When it is tried again by itself; empty: it waits for a person", nullable=True),
    _text("run_id", "Dagster run that rejected it last"),
    comment="Rows that did not get through, until they do",
)

CONFLICT_STATES = ("open", "resolved", "applied", "closed")
CHOICES = ("external", "odoo", "value", "retry", "adopt", "new")

conflict = sa.Table(
    "conflict",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, as the command line takes it"),
    _text("integration", "Name of the integration"),
    _text("flow", "Name of the flow"),
    _text("entity", "Kind of external record"),
    _text("external_id", "Its id in the external system"),
    _text("field", "Field of Odoo; * where it is about the record itself"),
    _text("code", "both_changed, or why the record cannot be written"),
    _text("reason", "The whole sentence; may hold personal data"),
    sa.Column("base", JSONB, comment="Value on which both sides last agreed"),
    sa.Column("external", JSONB, comment="Value of the external system"),
    sa.Column("odoo", JSONB, comment="Value of Odoo"),
    _time("external_at", "Change time of the external row", nullable=True),
    _text("odoo_at", "write_date of the Odoo record, as Odoo prints it"),
    _text("state", "open, resolved (the next run applies it), applied or closed (it went away)"),
    sa.Column("choice", sa.Text, comment="The answer: external, odoo, value, retry, adopt or new"),
    sa.Column(
        "value", JSONB, comment="The value chosen, where the choice is value; where it is adopt, the record's id"
    ),
    sa.Column("stale", sa.Boolean, nullable=False, comment="It was answered before, and then a side moved"),
    _text("run_id", "Dagster run that met it last"),
    _now("first_at", "When it was met first"),
    _now("last_at", "When it was met last"),
    _time("resolved_at", "When it was answered", nullable=True),
    _one_of("state", CONFLICT_STATES, "conflict_state_check"),
    _one_of("choice", CHOICES, "conflict_choice_check"),
    sa.Index(
        "conflict_waiting_key",
        "integration",
        "flow",
        "entity",
        "external_id",
        "field",
        unique=True,
        postgresql_where=sa.text("state in ('open', 'resolved')"),
    ),
    sa.Index("conflict_by_record", "integration", "entity", "external_id"),
    comment="Questions that only a human can answer, and the answers",
)

possible_duplicate = sa.Table(
    "possible_duplicate",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, as the command line takes it"),
    _text("integration", "Name of the integration"),
    _text("flow", "Name of the flow"),
    _text("entity", "Kind of external record"),
    _text("external_id", "Its id in the external system"),
    _text("model", "Odoo model"),
    sa.Column("odoo_id", sa.BigInteger, nullable=False, comment="Database id of its Odoo record"),
    sa.Column("candidate_id", sa.BigInteger, nullable=False, comment="Database id of the one that may be the same"),
    _text("code", "Why that one was not adopted"),
    _text("run_id", "Dagster run that met it last"),
    _now("first_at", "When it was met first"),
    _now("last_at", "When it was met last"),
    _time("dismissed_at", "When a person said that they are not the same", nullable=True),
    sa.UniqueConstraint("integration", "entity", "external_id", "candidate_id", name="possible_duplicate_key"),
    comment="Pairs of Odoo records that may be the same, for a person to look at",
)

posting = sa.Table(
    "posting",
    metadata,
    _text("integration", "Name of the integration", primary_key=True),
    _text("flow", "Name of the flow", primary_key=True),
    sa.Column("odoo_id", sa.BigInteger, primary_key=True, comment="Database id of the Odoo record"),
    _text("key", "By which the external system knows it, such as the transaction id", primary_key=True),
    _time("look_since", "Change time from which it is looked for in the external system; empty: all", nullable=True),
    _now("begun_at", "When it was first about to be posted: from then on it may be there"),
    _time("done_at", "When the external system was known to have it; empty: in doubt", nullable=True),
    _text("run_id", "Dagster run that wrote it last"),
    comment="Records of Odoo that are posted to the external system, each exactly once",
)

sent_value = sa.Table(
    "sent_value",
    metadata,
    _text("integration", "Name of the integration", primary_key=True),
    _text("flow", "Name of the flow", primary_key=True),
    _text("key", "What it is about, such as <room type>/<date>", primary_key=True),
    _text("value", "As it was told last; empty while it is in doubt"),
    _now("sent_at", "When it was told, or was about to be"),
    comment="Values that the external system was told; one that is lost is told again",
)

EVENT_STATES = ("pending", "claimed", "done", "failed", "dead")

webhook_event = sa.Table(
    "webhook_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number; the job id of the answer"),
    _text("integration", "Name of the integration"),
    _text(
        "event_key",
        "id:<the sender's>, or sha256:<of the body>, or sync:<hash>:<random>; the same on every redelivery",
    ),
    _text("event_type", "As sent; for manual syncs: sync"),
    _text("flow", "Flow of a manual sync; empty for events"),
    _text("entity", "Kind of the record that it names; empty: none"),
    _text("external_id", "Its id in the external system"),
    _time("occurred_at", "When it happened, as the sender says, but no later than it came", nullable=True),
    sa.Column(
        "signed",
        sa.Boolean,
        nullable=False,
        server_default=sa.text("false"),
        comment="Its signature was checked; without one it only says where to look",
    ),
    _text("body", "As it came, JSON; may hold personal data"),
    _text("state", "pending, claimed, done, failed (tried again at due_at) or dead (it waits for a person)"),
    _text("reason", "Short and stable: why it failed, or why nothing is to be done; free of personal data"),
    _count("attempts", "Runs that have begun with it"),
    sa.Column("deliveries", sa.BigInteger, nullable=False, comment="How often it came"),
    _time("received_at", "When it came first"),
    _time("last_received_at", "When it came last"),
    _time("due_at", "From when on it may be claimed"),
    _text("claim_id", "The claim that took it last"),
    _time("lease_until", "When the claim ends by itself", nullable=True),
    _text("run_id", "Dagster run that began with it under this claim"),
    _time("begun_at", "When it did", nullable=True),
    _time("finished_at", "When it was done, or given up", nullable=True),
    sa.UniqueConstraint("integration", "event_key", name="webhook_event_key"),
    _one_of("state", EVENT_STATES, "webhook_event_state_check"),
    sa.Index("webhook_event_waiting", "integration", "flow", "due_at", "id", postgresql_where=WAITING),
    sa.Index("webhook_event_by_record", "integration", "entity", "external_id", postgresql_where=WAITING),
    sa.Index("webhook_event_claimed", "claim_id", postgresql_where=sa.text("state = 'claimed'")),
    comment="Events and manual syncs that came in over HTTP, each stored once, until a run has done them",
)

webhook_count = sa.Table(
    "webhook_count",
    metadata,
    _text("integration", "Name of the integration; empty where the request named none", primary_key=True),
    sa.Column("day", sa.Date, primary_key=True, nullable=False, comment="Day, UTC"),
    _text("outcome", "accepted, repeated, or why it was refused", primary_key=True),
    _count("requests", "How many"),
    comment="Outcomes of the requests that came in over HTTP",
)

sync_run = sa.Table(
    "sync_run",
    metadata,
    _text("run_id", "Dagster run", primary_key=True),
    _text("integration", "Name of the integration", primary_key=True),
    _text("flow", "Name of the flow", primary_key=True),
    sa.Column("attempt", sa.Integer, nullable=False, comment="Attempt that the numbers are of, from 1"),
    _text("mode", "Such as delta or full"),
    _text("status", "running, succeeded or failed"),
    _now("started_at", "When the attempt started"),
    _time("finished_at", "When it ended; empty while it runs, and for a run that was killed", nullable=True),
    _count("extracted", "Rows that went in; known at the end"),
    *(_count(word, f"Rows that ended as {word}") for word in Outcome),
    _text("reason", "Why it failed"),
    _one_of("status", RUN_STATUSES, "sync_run_status_check"),
    comment="Numbers of every run and flow: the six outcomes add up to extracted, or the run has failed",
)
