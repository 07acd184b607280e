"""`odoo-pipelines recover`: puts everything in step again after a restore, and tells what is left to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table

from odoo_pipelines.commands.console import plain
from odoo_pipelines.commands.sync import outcome_table, result_document, sync_with_progress
from odoo_pipelines.defs.jobs import Mode
from odoo_pipelines.defs.launch import SyncResult
from odoo_pipelines.defs.recovery import SAMPLE, Recovery, recover, recovery_modes
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.recovered import RecoveredRecord
from odoo_pipelines.systems.policies import Disaster

_BEFORE: Mapping[Disaster, str] = {
    Disaster.ODOO_BACKUP: "Odoo is compared with all that the external system has. What the backup has lost is "
    "written or created again; what people had changed after the backup stays lost.",
    Disaster.STATE_BACKUP: "Everything is extracted and compared with Odoo, and nothing is sent that was not "
    "looked for before.",
    Disaster.BATCHES_LOST: "Batches without a file are forgotten, and everything is extracted again.",
    Disaster.PMS_BACKUP: "Everything is extracted and compared with Odoo. What the external system has lost stays in "
    "Odoo and is named; payments that it was sent are sent again where it has them no more.",
}
_STEPS: Mapping[Mode, str] = {
    "full": "a full sync",
    "outbound_full": "everything that goes out of Odoo, read from the beginning",
}


def recover_with_progress(settings: Settings, name: str, disaster: Disaster, console: Console) -> Recovery:
    """Recovers an integration; the console shows how far each flow is.

    Raises:
        ConfigurationError: there is no such integration, or its loads are switched off.
        OdooPipelinesError: the state or Odoo could not be asked.
    """
    integration = settings.integration(name)
    if not integration.odoo_enabled:
        raise ConfigurationError(["ODOO_ENABLED is off: there is nothing to recover"])

    def run(mode: Mode) -> SyncResult:
        return sync_with_progress(settings, name, mode, None, console, disaster=disaster)

    return recover(settings, integration, run)


def agreed(settings: Settings, name: str, disaster: Disaster, console: Console) -> bool:
    """Shows what a recovery does, and asks."""
    console.print(_BEFORE[disaster], highlight=False)
    for number, mode in enumerate(recovery_modes(settings.integration(name)), 1):
        console.print(f"{number}. {_STEPS[mode]}", highlight=False)
    return Confirm.ask(f"Recover '{name}'?", console=console, default=False)


def recovery_document(disaster: Disaster, recovery: Recovery) -> dict[str, Any]:
    """What `--json` prints; ids and names of fields, never a value."""
    return {
        "from": disaster.value,
        "status": "success" if recovery.succeeded else "failure",
        "runs": [result_document(run) for run in recovery.runs],
        "written_again": [asdict(each) for each in recovery.written],
        "created_again": [asdict(each) for each in recovery.created],
        "for_a_person": {
            "registered_in_odoo": [asdict(each) for each in recovery.registered],
            "in_neither_system": [asdict(each) for each in recovery.missing],
            "not_in_the_external_system": [asdict(each) for each in recovery.vanished],
            "conflicts": [
                {name: getattr(each, name) for name in ("id", "flow", "entity", "external_id", "field", "code")}
                for each in recovery.conflicts
            ],
            "rejected": [
                {name: getattr(each, name) for name in ("flow", "entity", "external_id", "field", "code")}
                for each in recovery.rejected
            ],
        },
    }


def print_recovery(recovery: Recovery, console: Console) -> None:
    """Prints what a person reads."""
    for run in recovery.runs:
        console.print(outcome_table(run))
    _print_records("Written again", recovery.written, console)
    _print_records("Created again", recovery.created, console)
    todo = Table(title="For a person", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
    for what, records in _for_a_person(recovery):
        for record in records[:SAMPLE]:
            todo.add_row(what, plain(record))
        if len(records) > SAMPLE:
            todo.add_row(what, f"and {len(records) - SAMPLE} more: --json names all")
    if todo.row_count:
        console.print(todo)
    else:
        console.print("Nothing is left to a person, as far as both sides can tell.")


def _for_a_person(recovery: Recovery) -> Sequence[tuple[str, list[str]]]:
    return (
        (
            "registered in Odoo, and made again from the external system: check journal, date and reconciliation",
            [f"{each.entity} {each.external_id}" for each in recovery.registered],
        ),
        ("sent out of Odoo, and in neither system now", [f"{each.flow} {each.key}" for each in recovery.missing]),
        (
            "in Odoo, and not in the external system any more",
            [f"{each.flow}: {each.count}, such as {', '.join(each.sample)}" for each in recovery.vanished],
        ),
        (
            "conflict: odoo-pipelines conflicts show",
            [f"{each.id}: {each.entity} {each.external_id}, {each.field} ({each.code})" for each in recovery.conflicts],
        ),
        (
            "rejected: odoo-pipelines dead-letters show",
            [f"{each.flow} {each.external_id} ({each.code})" for each in recovery.rejected],
        ),
    )


def _print_records(title: str, records: Sequence[RecoveredRecord], console: Console) -> None:
    if not records:
        return
    table = Table(title=f"{title}: {len(records)}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("flow", "record", "fields"):
        table.add_column(column, overflow="fold")
    for each in records[:SAMPLE]:
        table.add_row(each.flow, plain(f"{each.entity} {each.external_id}"), plain(", ".join(each.fields)))
    console.print(table)
    if len(records) > SAMPLE:
        console.print(f"and {len(records) - SAMPLE} more: --json names all", highlight=False)
