"""`odoo-pipelines duplicates list | dismiss`: records of Odoo that may be the same. Needs the state alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odoo_pipelines.commands.console import (
    JsonOption,
    clear_errors,
    known_integration,
    out,
    plain,
    print_list,
    state_of,
)
from odoo_pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from odoo_pipelines.stores.duplicates import DuplicateNote

app = typer.Typer(help="Records of Odoo that may be the same, for a person to merge there.", no_args_is_help=True)


@app.command("list")
def list_duplicates(
    integration: Annotated[str | None, typer.Option("--integration", "-i", help="Only of this integration.")] = None,
    flow: Annotated[str | None, typer.Option("--flow", help="Only of this flow.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most, the oldest.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """Lists pairs of records that may be the same, oldest first; a full sync takes those away that were merged."""
    from odoo_pipelines.stores.duplicates import NoteFilter  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        known_integration(settings, integration)
        with state_of(settings) as store:
            found = store.duplicates(NoteFilter(integration, flow), limit + 1)
    print_list(
        found,
        limit,
        as_json=as_json,
        document=lambda note: note_document(settings, note),
        table=lambda some: _table(settings, some),
        none="No possible duplicates.",
    )


@app.command()
def dismiss(ids: Annotated[list[int], typer.Argument(metavar="ID", help="Numbers from the list.")]) -> None:
    """Takes pairs from the list for good: they are not the same."""
    with clear_errors():
        settings = load_settings()
        with state_of(settings) as store:
            store.dismiss_duplicates(ids)
    out.print(f"{len(set(ids))} dismissed.", highlight=False)


def note_document(settings: Settings, note: DuplicateNote) -> dict[str, Any]:
    """A note as `--json` prints it, with the links to both records."""
    links = {"url": note.odoo_id, "candidate_url": note.candidate_id}
    return {**asdict(note), **{name: _link(settings, note, each) for name, each in links.items()}}


def _table(settings: Settings, notes: Sequence[DuplicateNote]) -> Table:
    """Notes, two lines each: one of them for the links, which are copied as a whole."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("id", justify="right")
    for column in ("flow", "record", "in Odoo", "may be", "why", "since"):
        table.add_column(column, overflow="fold", no_wrap=column == "since")
    for each in notes:
        own, other = (
            _link(settings, each, odoo_id) or f"{each.model} {odoo_id}" for odoo_id in (each.odoo_id, each.candidate_id)
        )
        record = plain(f"{each.entity} {each.external_id}")
        place = f"{each.integration}/{each.flow}"
        table.add_row(str(each.id), place, record, own, other, each.code, f"{each.first_at:%Y-%m-%d}")
    return table


def _link(settings: Settings, note: DuplicateNote, odoo_id: int) -> str:
    owner = settings.integrations.get(note.integration)
    return owner.odoo.record_url(note.model, odoo_id) if owner and owner.odoo else ""
