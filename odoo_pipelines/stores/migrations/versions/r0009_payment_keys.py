"""Payments are known by their own id, or by transaction and booking; until now the transaction alone was the key.

What is known under a transaction is marked as known so ("transaction:..."), and the payments that batches hold are
mapped once more: with that, each takes its record over under its new key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import insert

revision = "0009"
down_revision = "0008"

SCHEMA = "odoo_pipelines"
FORMER = "transaction:"
LOOKS_MADE_UP = re.compile(r"(?:id:)*(?:transaction:|booking:)")


def table(name: str, *columns: str) -> sa.TableClause:
    """A table, as far as it is touched here."""
    return sa.table(name, *map(sa.column, columns), schema=SCHEMA)


KEY = ("flow", "entity", "external_id")
RECORD = table("record", "entity", "external_id")
KEPT = (table("conflict", *KEY), table("outcome", *KEY), table("dead_letter", *KEY, "key"))
BATCH = table("batch", "id", "layer", "name")
USE = table("batch_use", "batch_id", "consumer", "done_at")
EVENT = table("webhook_event", "id", "entity", "external_id", "body", "state")


def upgrade() -> None:
    """Marks the former keys."""
    _rename(RECORD, FORMER + RECORD.c.external_id, RECORD.c.external_id != "")
    for each in KEPT:
        _rename(each, FORMER + each.c.external_id, each.c.external_id != "", each.c.flow == "payments")
    _map_again()
    _name_events()


def downgrade() -> None:
    """Takes the marks away from what has no new key yet; the others are found by the next full sync, or made anew."""
    op.execute(sa.delete(RECORD).where(_of_payments(RECORD), ~RECORD.c.external_id.startswith(FORMER)))
    for each in (RECORD, *KEPT):
        former = [each.c.external_id.startswith(FORMER), *([] if each is RECORD else [each.c.flow == "payments"])]
        _rename(each, sa.func.substr(each.c.external_id, len(FORMER) + 1), *former)


def _rename(kept: sa.TableClause, name: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> None:
    names = {column: name for column in ("external_id", "key") if column in kept.c}
    op.execute(sa.update(kept).where(_of_payments(kept), *conditions).values(**names))


def _of_payments(kept: sa.TableClause) -> sa.ColumnElement[bool]:
    return kept.c.entity.in_(["payment", "refund"])


def _map_again() -> None:
    """The mapped batches that wait have the former keys in them; the extracted ones that they were made of have not."""
    mapped = sa.select(BATCH.c.id, sa.literal("odoo/account_payment"), sa.func.now())
    mapped = mapped.where(BATCH.c.layer == "mapped", BATCH.c.name == "payments")
    done = insert(USE).from_select(["batch_id", "consumer", "done_at"], mapped)
    first = {"done_at": sa.func.coalesce(USE.c.done_at, done.excluded.done_at)}
    op.execute(done.on_conflict_do_update(index_elements=["batch_id", "consumer"], set_=first))
    extracted = sa.select(BATCH.c.id).where(BATCH.c.layer == "external", BATCH.c.name == "payments")
    op.execute(sa.delete(USE).where(USE.c.consumer == "mapped/payments", USE.c.batch_id.in_(extracted)))


def _name_events() -> None:
    """Events that wait name their payment anew."""
    connection = op.get_bind()
    waiting = sa.select(EVENT.c.id, EVENT.c.external_id, EVENT.c.body)
    for number, before, body in connection.execute(
        waiting.where(EVENT.c.entity == "payment", EVENT.c.state != "done")
    ).fetchall():
        name = _name(body) or FORMER + before
        connection.execute(sa.update(EVENT).where(EVENT.c.id == number).values(external_id=name))


def _name(body: str) -> str:
    """The payment's id, as the pipelines read it; "" where it has none."""
    content = json.loads(body)
    data = content.get("data")
    record = data if isinstance(data, dict) else content
    own, transaction, booking = (_text(record, name) for name in ("id", "transaction_id", "booking_id"))
    if own:
        return f"id:{own}" if LOOKS_MADE_UP.match(own) else own
    return f"booking:{quote(booking, safe='')}/{transaction}" if transaction and booking else ""


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return str(value).strip() if type(value) in (str, int) else ""
