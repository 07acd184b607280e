"""Lays what a dry run said beside what the run then did in Odoo: record by record, field by field, value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from odoo_pipelines.engine.keys import sync_key
from odoo_pipelines.odoo.html import comparable_html
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, REFUND
from odoo_pipelines.systems.pms.payment_keys import sync_parts as payment_parts
from odoo_pipelines.systems.pms.payment_target import payment_state
from odoo_pipelines.systems.pms.targets import order_state
from odoo_pipelines_tests.end_to_end.books import FIELDS, MODELS, RANK, Entry, Snapshot

Facts: TypeAlias = dict[str, dict[str, Any]]
"""By sync key and field: the value that was written."""

GONE = {"gone": True}
"""Of a line that was deleted, or emptied because it may not be deleted any more."""
LINE = re.compile(r"order_line\[(.*)\](?:\.(.*))?")
LINKS = ("partner_id", "product_id")
COMPUTED = {"order_id", "amount_total", "currency_id", "locked", "memo", RANK, "x_sync_key", "write_date", "id"}
"""What is not written, is counted up by Odoo, or holds the name that Odoo gives to a new order."""
KNOWN = {name for fields in FIELDS.values() for name in fields} - COMPUTED


def unforeseen(said: Mapping[str, Any], integration: str, before: Snapshot, after: Snapshot) -> list[str]:
    """Every difference between what was said and what happened.

    Args:
        said: the flows of the dry run, with all records in their samples, as JSON.
        integration: name.
        before: Odoo before the run.
        after: Odoo after it.
    """
    foreseen = _foreseen([each for flow in said.values() for each in flow["sample"]], integration, before)
    happened = _happened(before, after)
    known = {row["x_sync_key"] for model in MODELS for row in before[model].values()}
    return [
        f"{key}: said {foreseen.get(key)}, happened {happened.get(key)}"
        for key in sorted(foreseen.keys() | happened.keys())
        if not _same(foreseen.get(key, {}), happened.get(key, {}), new=key not in known)
    ]


def _same(foreseen: Mapping[str, Any], happened: Mapping[str, Any], *, new: bool) -> bool:
    """A new record also gets values of which nothing was said: Odoo's defaults."""
    return foreseen == ({name: happened.get(name) for name in foreseen} if new and happened else happened)


def _foreseen(sample: Sequence[Mapping[str, Any]], integration: str, before: Snapshot) -> Facts:
    facts: Facts = {}
    first: dict[tuple[str, str], Any] = {}
    for record in sample:
        parts = payment_parts if record["entity"] in (PAYMENT, REFUND) else lambda *own: own
        own = sync_key(integration, *parts(record["entity"], record["external_id"]))
        for change in record["changes"]:
            line = LINE.fullmatch(change["field"])
            key, name = (line[1], line[2]) if line else (own, change["field"])
            if line and not name:
                written = GONE if change["after"] is None else change["after"]
            else:
                written = {name: change["after"]}
                first.setdefault((key, name), change["before"])
            kept = {each: value for each, value in written.items() if each in KNOWN or each in GONE}
            facts.setdefault(key, {}).update(_comparable(kept, before))
    for (key, name), value in first.items():
        if value is not None and facts[key].get(name) == value:  # an older version of the row was written in between
            del facts[key][name]
    return {key: values for key, values in facts.items() if values}


def _happened(before: Snapshot, after: Snapshot) -> Facts:
    facts: Facts = {}
    for model in MODELS:
        old, new = ({row["x_sync_key"]: row for row in each[model].values()} for each in (before, after))
        for key in old.keys() | new.keys():
            changed = dict(_changes(old.get(key), new.get(key)))
            if changed:
                facts[key] = _comparable(changed, after)
    return facts


def _changes(old: Entry | None, new: Entry | None) -> Iterator[tuple[str, Any]]:
    if new is None or (old and old.get("product_uom_qty") and not new["product_uom_qty"]):
        yield from GONE.items()
        return
    if "state" in new and (old is None or _state(old) != _state(new)):
        yield "state", _state(new)
    for name in new.keys() - COMPUTED - {"state"}:
        if old is None or old[name] != new[name]:
            yield name, new[name]


def _state(row: Entry) -> str:
    return order_state(row) if "locked" in row else payment_state(row)


def _comparable(values: Mapping[str, Any], snapshot: Snapshot) -> Entry:
    links = {name: _key_of(values[name], name, snapshot) for name in LINKS if name in values}
    notes = {"note": comparable_html(values["note"]) if values["note"] else False} if "note" in values else {}
    return {**values, **links, **notes}


def _key_of(value: Any, name: str, snapshot: Snapshot) -> str:
    if isinstance(value, str):
        return value.removeprefix("new ")
    return str(snapshot["res.partner" if name == "partner_id" else "product.product"][value]["x_sync_key"])
