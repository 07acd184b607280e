"""The history of a record, as a person or a program reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odoo_pipelines.commands.console import moment, plain
from odoo_pipelines.stores.conflicts import StoredConflict
from odoo_pipelines.stores.dead_letters import DeadLetter
from odoo_pipelines.stores.history import BoundRecord, History, Touch

_OF_THE_BATCH = frozenset({"entity", "external_id", "hash", "weight", "absent", "only_create", "warnings", "payload"})
"""Columns of a mapped row that say nothing of the record."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row that a run had of the record.

    Attributes:
        values: by column, without the empty ones.
        is_stub: the row only said that the record exists.
    """

    values: Mapping[str, Any]
    is_stub: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Seen:
        """A row as its batch keeps it."""
        shown = {name: value for name, value in row.items() if name not in _OF_THE_BATCH and value is not None}
        return cls(shown, is_stub=bool(row.get("only_create")))


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of one record.

    Attributes:
        integration: name.
        entity: kind of external record.
        external_id: its id there.
        history: of the state.
        seen: rows by run and flow.
        conflicts: those that are over, too.
        letters: dead letters.
        duplicates: notes of records that may be the same, with their links.
        runs_url: of the Dagster UI's runs.
        record_url: of the record in Odoo; "" where it has none.
    """

    integration: str
    entity: str
    external_id: str
    history: History
    seen: Mapping[tuple[str, str], Sequence[Seen]]
    conflicts: Sequence[StoredConflict]
    letters: Sequence[DeadLetter]
    duplicates: Sequence[Mapping[str, Any]]
    runs_url: str
    record_url: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return not (self.history.touches or self.history.record or self.conflicts or self.letters)

    def seen_by(self, touch: Touch) -> Sequence[Seen]:
        """The rows that a run had; it may have loaded those of a run before, and then there are none of its own."""
        return self.seen.get((touch.run_id, touch.flow), ())

    def run_url(self, run_id: str) -> str:
        """Of a run in the Dagster UI."""
        return f"{self.runs_url}/{run_id}"


def trace_document(trace: Trace) -> dict[str, Any]:
    """What `--json` prints."""
    record = trace.history.record
    return {
        "integration": trace.integration,
        "entity": trace.entity,
        "external_id": trace.external_id,
        "record": {**asdict(record), "url": trace.record_url} if record else None,
        "runs": [
            {**asdict(touch), "url": trace.run_url(touch.run_id), "saw": [asdict(row) for row in trace.seen_by(touch)]}
            for touch in trace.history.touches
        ],
        "conflicts": [asdict(each) for each in trace.conflicts],
        "dead_letters": [asdict(each) for each in trace.letters],
        "possible_duplicates": list(trace.duplicates),
    }


def print_trace(trace: Trace, console: Console) -> None:
    """Prints the binding, then run by run, and what waits for a person last."""
    console.print(plain(f"{trace.entity} {trace.external_id} of {trace.integration}", "bold"))
    _print_facts(_record_facts(trace.history.record, trace.record_url), console)
    for touch in trace.history.touches:
        console.print()
        style = "yellow" if touch.outcome in ("conflict", "rejected") else "bold"
        console.print(Text.assemble(moment(touch.at), "  ", (touch.outcome, style), f"  {touch.flow}, {touch.mode}"))
        _print_facts(_touch_facts(trace, touch), console)
    waiting = (
        ("conflict", _conflict_facts(trace)),
        ("dead letter", _letter_facts(trace)),
        ("possible duplicate", _duplicate_facts(trace)),
    )
    for title, facts in waiting:
        for each in facts:
            console.print()
            console.print(title, style="yellow")
            _print_facts(each, console)


def _print_facts(facts: Sequence[tuple[str, str]], console: Console) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts:
        if fact:
            table.add_row(f"  {name}", plain(fact))
    console.print(table, highlight=False)


def _record_facts(record: BoundRecord | None, url: str) -> list[tuple[str, str]]:
    if record is None:
        return [("in Odoo", "nothing is bound to it")]
    return [
        ("in Odoo", f"{record.model} {record.odoo_id}"),
        ("link", url),
        ("agreed", json.dumps(record.base, ensure_ascii=False, sort_keys=True)),
        ("hash", record.hash or "none: the next run writes it again"),
        ("changed", moment(record.updated_at)),
        ("synced", f"{moment(record.synced_at)} by run {record.run_id}"),
        ("vanished", moment(record.vanished_at)),
    ]


def _touch_facts(trace: Trace, touch: Touch) -> list[tuple[str, str]]:
    refused = " ".join(each for each in (touch.field, touch.code) if each)
    facts = [("run", trace.run_url(touch.run_id)), ("why", refused), ("", touch.reason)]
    facts += [("saw", _values(row)) for row in trace.seen_by(touch)]
    facts += [("wrote", _change(change)) for change in touch.changes]
    return [*facts, ("dropped", "; ".join(touch.warnings))]


def _values(row: Seen) -> str:
    text = json.dumps(row.values, ensure_ascii=False, sort_keys=True, default=datetime.isoformat)
    return f"only named in another row: {text}" if row.is_stub else text


def _change(change: Mapping[str, Any]) -> str:
    before, after = (json.dumps(change[name], ensure_ascii=False) for name in ("before", "after"))
    policy = f" (by {change['policy']})" if change["policy"] else ""
    return f"{change['field']}: {before} -> {after}{policy}"


def _conflict_facts(trace: Trace) -> Iterator[list[tuple[str, str]]]:
    for each in trace.conflicts:
        sides = {"base": each.base, "external": each.external, "odoo": each.odoo}
        values = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in sides.items())
        answer = f"{each.state}, {each.choice} chosen" if each.choice else each.state
        yield [
            ("number", f"{each.id} ({answer}), since {moment(each.first_at)}"),
            ("field", f"{each.field} {each.code}"),
            ("values", values),
            ("", each.reason),
        ]


def _letter_facts(trace: Trace) -> Iterator[list[tuple[str, str]]]:
    for each in trace.letters:
        yield [
            ("flow", f"{each.flow}, since {moment(each.first_at)}, attempts: {each.attempts}"),
            ("why", f"{each.field} {each.code}"),
            ("", each.reason),
        ]


def _duplicate_facts(trace: Trace) -> Iterator[list[tuple[str, str]]]:
    for each in trace.duplicates:
        yield [
            ("number", f"{each['id']}, since {moment(each['first_at'])}"),
            ("of", f"{each['model']} {each['candidate_id']}"),
            ("link", each["candidate_url"]),
            ("why", each["code"]),
        ]
