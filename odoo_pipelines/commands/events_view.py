"""Events of the inbox as a person, or a program, reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odoo_pipelines.commands.console import moment, plain
from odoo_pipelines.stores.inbox import StoredEvent

_STYLES = {"done": "green", "failed": "yellow", "dead": "red"}


def event_document(event: StoredEvent) -> dict[str, Any]:
    """An event as `list --json` prints it."""
    return asdict(event)


def whole_document(event: StoredEvent, body: str | None) -> dict[str, Any]:
    """An event as `show --json` prints it, with what it was sent with unless that is None."""
    return asdict(event) | ({} if body is None else {"payload": json.loads(body)})


def event_table(events: Sequence[StoredEvent]) -> Table:
    """Events, one line each."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("job", justify="right")
    for column in ("received", "type", "record", "state", "tries", "reason, next try"):
        table.add_column(column, overflow="fold", no_wrap=column in {"received", "state", "tries"})
    for each in events:
        record = plain(f"{each.integration}: {_record(each)}")
        what = (_minute(each.received_at), plain(each.event_type), record, _state(each), str(each.attempts))
        table.add_row(str(each.job_id), *what, plain(" ".join(filter(None, (each.reason, _next_try(each))))))
    return table


def print_event(event: StoredEvent, body: str | None, console: Console) -> None:
    """Prints all of an event, what it was sent with last, unless that is None."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for name, fact in _facts(event):
        facts.add_row(Text(name, "dim"), fact)
    console.print(facts, soft_wrap=True)
    if body is None:
        return
    console.print()
    for line in json.dumps(json.loads(body), indent=2, ensure_ascii=False).splitlines():
        console.print(plain(line), soft_wrap=True, highlight=False)


def _facts(event: StoredEvent) -> Iterator[tuple[str, Text]]:
    yield "event", plain(f"{event.job_id} of {event.integration}")
    yield "type", plain(event.event_type)
    yield "record", plain(_record(event))
    yield "state", _state(event)
    yield "reason", plain(event.reason)
    yield "received", Text(f"{moment(event.received_at)}; came {event.deliveries} times")
    yield "occurred", Text(moment(event.occurred_at))
    yield "attempts", Text(str(event.attempts))
    yield "next try", Text(moment(event.next_try))
    yield "finished", Text(moment(event.finished_at))
    yield "run", plain(event.run_id)


def _record(event: StoredEvent) -> str:
    return f"flow {event.flow}" if event.flow else f"{event.entity} {event.external_id}".strip() or "none"


def _state(event: StoredEvent) -> Text:
    return Text(event.state, _STYLES.get(event.state, ""))


def _next_try(event: StoredEvent) -> str:
    """Of one that has failed; any other that waits is due."""
    return _minute(event.next_try) if event.state == "failed" and event.next_try else ""


def _minute(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M}"
