"""`odoo-pipelines trace`: the history of one record, what runs saw of it and what they wrote. Needs the state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, print_json, record_url, state_of
from odoo_pipelines.settings import DEFAULT_INTEGRATION, Settings, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.commands.trace_view import Seen, Trace
    from odoo_pipelines.stores.history import History
    from odoo_pipelines.stores.state import State


def trace(
    entity: Annotated[str, typer.Argument(help="Kind of external record, such as booking, guest or room_type.")],
    external_id: Annotated[str, typer.Argument(help="Its id in the external system.")],
    integration: Annotated[
        str, typer.Option("--integration", "-i", help="Name of the integration.")
    ] = DEFAULT_INTEGRATION,
    *,
    as_json: JsonOption = False,
) -> None:
    """Tells which runs touched a record, what they saw and wrote, and what it is bound to. Exits 1 if it is unknown."""
    from odoo_pipelines.commands.trace_view import print_trace, trace_document  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        with state_of(settings) as state:
            found = find(settings, state, (integration, entity, external_id))
    if found.is_empty:
        err.print(_unknown(settings, integration, entity, external_id), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    if as_json:
        print_json(trace_document(found))
    else:
        print_trace(found, out)


def find(settings: Settings, state: State, record: tuple[str, str, str]) -> Trace:
    """All that is known of a record, given by integration, entity and external id; with the links to it."""
    from odoo_pipelines.commands.duplicates import note_document  # noqa: PLC0415
    from odoo_pipelines.commands.trace_view import Trace  # noqa: PLC0415
    from odoo_pipelines.stores.conflicts import ConflictFilter  # noqa: PLC0415
    from odoo_pipelines.stores.dead_letters import LetterFilter  # noqa: PLC0415
    from odoo_pipelines.stores.duplicates import NoteFilter  # noqa: PLC0415
    from odoo_pipelines.stores.tables import CONFLICT_STATES  # noqa: PLC0415

    integration, entity, external_id = record
    history = state.history(integration, entity, external_id)
    return Trace(
        integration=integration,
        entity=entity,
        external_id=external_id,
        history=history,
        seen=_seen(settings, history, record),
        conflicts=state.conflicts(
            ConflictFilter(integration, entity=entity, external_id=external_id, states=CONFLICT_STATES)
        ),
        letters=state.letters(LetterFilter(integration, entity=entity, key=external_id)),
        duplicates=[
            note_document(settings, each)
            for each in state.duplicates(NoteFilter(integration, entity=entity, external_id=external_id))
        ],
        runs_url=f"{settings.ui_url}/runs",
        record_url=record_url(settings, integration, history.record),
    )


def _seen(settings: Settings, history: History, record: tuple[str, str, str]) -> dict[tuple[str, str], list[Seen]]:
    """The rows that the runs had of the record, by run and flow, as far as their batches are still there."""
    from odoo_pipelines.commands.trace_view import Seen  # noqa: PLC0415
    from odoo_pipelines.errors import BatchStoreError  # noqa: PLC0415
    from odoo_pipelines.stores.batches import BatchStore  # noqa: PLC0415

    _, entity, external_id = record
    store, seen = BatchStore(settings.data), dict[tuple[str, str], list[Seen]]()
    touched = {(touch.run_id, touch.flow) for touch in history.touches}
    for batch in history.batches:
        if (batch.run_id, batch.name) not in touched:
            continue
        try:
            rows = [row for row in store.select(batch.path, [external_id]) if row["entity"] == entity]
        except BatchStoreError:
            rows = [{"error_code": "batch_is_gone", "path": batch.path}]  # such as on another machine: tell, and go on
        seen.setdefault((batch.run_id, batch.name), []).extend(Seen.of(row) for row in rows)
    return seen


def _unknown(settings: Settings, integration: str, entity: str, external_id: str) -> str:
    said = f"Nothing is known of {entity} '{external_id}' of integration '{integration}': no run of the last "
    said += f"{settings.retention_days} days touched it, and it is bound to nothing in Odoo."
    owner = settings.integrations.get(integration)
    if owner is None:
        return f"{said} There is no integration of this name; configured: {', '.join(sorted(settings.integrations))}."
    return f"{said} Kinds of records are: {', '.join(_entities(owner.system))}."


def _entities(system: Any) -> list[str]:
    from odoo_pipelines.systems import get_system  # noqa: PLC0415

    return sorted({flow.entity for flow in get_system(system).flows})
