"""`odoo-pipelines sync`: runs the job with a progress display, and tells what became of the rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from odoo_pipelines.defs.jobs import OUTBOUND_MODES, Mode
from odoo_pipelines.defs.launch import SyncResult, run_sync
from odoo_pipelines.defs.resources import Progress as OnProgress
from odoo_pipelines.integration import Integration
from odoo_pipelines.settings import Settings
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import Counts

_WAITS_FOR_LOADS = "what is extracted and mapped waits for the loads"
_WAITS: Mapping[Mode, str] = dict.fromkeys(OUTBOUND_MODES, "nothing is read out of Odoo, and nothing is sent")


def sync_with_progress(
    settings: Settings,
    name: str,
    mode: Mode,
    partition: str | None,
    console: Console,
    *,
    disaster: Disaster | None = None,
) -> SyncResult:
    """Runs a sync; the console shows how far each flow is.

    Raises:
        ConfigurationError: there is no such integration or partition.
    """
    integration = settings.integration(name)
    if not integration.odoo_enabled:
        console.print(f"[yellow]warning:[/] ODOO_ENABLED is off: {_WAITS.get(mode, _WAITS_FOR_LOADS)}")
    with showing_progress(integration, console) as show:
        return run_sync(settings, integration, mode, partition, show, disaster=disaster)


@contextmanager
def showing_progress(integration: Integration, console: Console) -> Iterator[OnProgress]:
    """Shows an integration's warnings, and how far each of its flows is.

    Yields:
        Takes the flow's name, rows done and rows in all.
    """
    for warning in integration.warnings:
        console.print(f"[yellow]warning:[/] {warning}")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as display:
        tasks = {"": display.add_task("extracting and mapping", total=None)}

        def show(flow: str, done: int, total: int) -> None:
            display.update(tasks[""], visible=False)
            if flow not in tasks:
                tasks[flow] = display.add_task(f"loading {flow}", total=total)
            display.update(tasks[flow], completed=done, total=total)

        yield show


def result_document(result: SyncResult) -> dict[str, Any]:
    """The result as `--json` prints it."""
    return {
        "run_id": result.run_id,
        "status": "success" if result.succeeded else "failure",
        "flows": {name: counts.as_dict() for name, counts in result.flows.items()},
    }


def outcome_table(result: SyncResult) -> Table:
    """The result as a person reads it."""
    return counts_table(f"Run {result.run_id}", result.flows)


def counts_table(title: str, flows: Mapping[str, Counts]) -> Table:
    """Rows by flow and outcome."""
    table = Table(title=title, box=None, padding=(0, 1, 0, 0))
    table.add_column("flow", no_wrap=True)
    for word in Counts().as_dict():
        table.add_column(word, justify="right", no_wrap=True)
    for name, counts in flows.items():
        table.add_row(name, *(f"{count:,}" if count else "[dim]0[/]" for count in counts.as_dict().values()))
    return table
