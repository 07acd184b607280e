"""`odoo-pipelines sync --dry-run`: what a sync would do, as a table and as the changes of some records."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from odoo_pipelines.commands.console import plain
from odoo_pipelines.commands.sync import counts_table, showing_progress
from odoo_pipelines.defs.dry_run import FlowPreview, run_dry
from odoo_pipelines.engine.preview import Preview
from odoo_pipelines.settings import Settings
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import Outcome

SAMPLE = 10
ADOPTS = "adopts"
"""What the row of a record is said to do that people entered, and that becomes its own."""
_NOTE = "Nothing was written. A sync does this if nothing changes until then, as far as Odoo accepts it."
_STYLES = {Outcome.CREATED: "green", Outcome.UPDATED: "cyan", Outcome.CONFLICT: "yellow", Outcome.REJECTED: "red"}


def dry_run_with_progress(
    settings: Settings,
    name: str,
    mode: Literal["delta", "full"],
    partition: str | None,
    console: Console,
    *,
    sample: int,
    disaster: Disaster | None = None,
) -> dict[str, FlowPreview]:
    """Runs a sync without writing; the console shows how far it is.

    Raises:
        OdooPipelinesError: the sync would fail in the same way.
    """
    integration = settings.integration(name)
    with showing_progress(integration, console) as show:
        return run_dry(settings, integration, mode, partition, show, sample=sample, disaster=disaster)


def dry_run_document(mode: str, flows: Mapping[str, FlowPreview]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "dry_run": True,
        "mode": mode,
        "flows": {
            name: {
                "counts": flow.counts.as_dict(),
                "adopts": [_document(each) for each in flow.adoptions],
                "fields": dict(sorted(flow.fields.items())),
                "warnings": dict(sorted(flow.warnings.items())),
                "sample": [_document(each) for each in flow.sample],
            }
            for name, flow in flows.items()
        },
    }


def print_dry_run(mode: str, flows: Mapping[str, FlowPreview], console: Console) -> None:
    """Prints what a person reads."""
    console.print(counts_table(f"Dry run of a {mode} sync", {name: flow.counts for name, flow in flows.items()}))
    console.print(_NOTE)
    for name, flow in flows.items():
        if flow.adoptions:
            console.print(_adoptions_table(name, flow))
        if flow.sample:
            console.print(_sample_table(name, flow))
        for warning, rows in sorted(flow.warnings.items()):
            console.print(plain(f"{name}: {rows} x {warning}", "yellow"))


def _document(preview: Preview) -> dict[str, Any]:
    return {**asdict(preview), "outcome": ADOPTS} if preview.adopts is not None else asdict(preview)


def _adoptions_table(name: str, flow: FlowPreview) -> Table:
    """Every record that would become ours, and what would be changed in it."""
    table = Table(title=f"{name}: {len(flow.adoptions)} adopted", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("record", "", "record of Odoo", "field", "Odoo now", "would be"):
        table.add_column(title, overflow="fold")
    for each in flow.adoptions:
        first = (plain(f"{each.entity} {each.external_id}"), Text(ADOPTS, "magenta"), str(each.adopts))
        for number, cells in enumerate(_rows(each)):
            table.add_row(*(("", "", "") if number else first), *cells)
    return table


def _sample_table(name: str, flow: FlowPreview) -> Table:
    table = Table(title=f"{name}: the first of each outcome", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("record", "outcome", "field", "Odoo now", "would be"):
        table.add_column(title, overflow="fold")
    for each in flow.sample:
        record = plain(f"{each.entity} {each.external_id}")
        outcome = Text(each.outcome.value, _STYLES[each.outcome])
        for number, cells in enumerate(_rows(each)):
            table.add_row(*(("", "") if number else (record, outcome)), *cells)
    return table


def _rows(preview: Preview) -> Iterator[tuple[Text, Text, Text]]:
    for change in preview.changes:
        before = Text("-", "dim") if preview.outcome is Outcome.CREATED else plain(_shown(change.before), "red")
        yield plain(change.field), before, plain(_shown(change.after), "green")
    for conflict in preview.conflicts:
        why = plain(f"conflict: the external system says {_shown(conflict.external)}", "yellow")
        yield plain(conflict.field), plain(_shown(conflict.odoo)), why
    if preview.duplicates:
        ids = ", ".join(map(str, preview.duplicates))
        yield Text("possible duplicate of", "yellow"), plain(ids, "yellow"), Text("")
    if preview.code:
        yield plain(preview.field), Text(""), plain(f"{preview.code}: {preview.reason}", _STYLES[preview.outcome])


def _shown(value: Any) -> str:
    return "" if value is None else orjson.dumps(value).decode()
