"""`odoo-pipelines batches list | discard`: batches that wait, and those of them that cannot be read.

Needs the database and the batches alone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer
from rich.prompt import Confirm

from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, print_json, state_of
from odoo_pipelines.settings import DEFAULT_INTEGRATION, Settings, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.defs.waiting import Found
    from odoo_pipelines.stores.state import State

WAIT_SECONDS = 60.0

app = typer.Typer(help="Batches: files of rows on their way from one side to the other.", no_args_is_help=True)
_logger = logging.getLogger(__name__)

IntegrationOption = Annotated[str, typer.Option("--integration", "-i", help="Name of the integration.")]


@app.command("list")
def list_batches(
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that nothing waits for, and that are only kept.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Lists the batches that wait to be mapped, loaded or sent, and why one cannot be read. Reads their files."""
    from odoo_pipelines.commands.batches_view import batch_document, print_batches  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        with state_of(settings) as state:
            found = _find(settings, state, integration, kept=everything)
    if as_json:
        print_json([batch_document(each) for each in found])
    elif found:
        print_batches(found, out)
    else:
        out.print("No batches." if everything else "No batch waits.")


@app.command()
def discard(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="Numbers from the list; without any all unreadable ones.")
    ] = None,
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Gives unreadable batches up: no run looks for what they held any more. Those that can be read are refused.

    Seldom needed: what a batch held is made again by itself, see the list. Shows what is lost, and how it comes back.
    """
    with clear_errors():
        settings = load_settings()
        with state_of(settings) as state:
            found = _choose(settings, state, integration, ids or ())
            if found and not yes:
                _show(settings, integration, found)
                if not Confirm.ask(f"Discard {len(found)} batches?", console=err, default=False):
                    raise typer.Exit(1)
            _carry_out(settings, state, integration, found)
    if as_json:
        print_json({"discarded": [each.batch.id for each in found]})
    else:
        out.print(f"{len(found)} discarded." if found else "No batches to discard.", highlight=False)


def _find(settings: Settings, state: State, integration: str, *, kept: bool) -> list[Found]:
    from odoo_pipelines.defs.waiting import find_batches  # noqa: PLC0415 - help is printed without it
    from odoo_pipelines.stores.batches import BatchStore  # noqa: PLC0415

    return find_batches(state, BatchStore(settings.data), settings.integration(integration), kept=kept)


def _choose(settings: Settings, state: State, integration: str, ids: Collection[int]) -> list[Found]:
    from odoo_pipelines.defs.waiting import chosen  # noqa: PLC0415

    return chosen(_find(settings, state, integration, kept=bool(ids)), ids)


def _show(settings: Settings, integration: str, found: Collection[Found]) -> None:
    from odoo_pipelines.defs.waiting import loss_of  # noqa: PLC0415

    owner = settings.integration(integration)
    for each in found:
        told = f"{each.batch.id} {each.batch.path}: {loss_of(each, owner)}"
        err.print(told, markup=False, highlight=False, soft_wrap=True)


def _carry_out(settings: Settings, state: State, integration: str, found: Collection[Found]) -> None:
    """While no run reads or writes: what has been made readable again, or done, since the question stays."""
    from odoo_pipelines.clients import state_url  # noqa: PLC0415
    from odoo_pipelines.defs.waiting import discard as give_up  # noqa: PLC0415
    from odoo_pipelines.stores.batches import BatchStore  # noqa: PLC0415
    from odoo_pipelines.stores.lock import one_writer  # noqa: PLC0415

    if found:
        with one_writer(state_url(settings), integration, "batches discard", WAIT_SECONDS, _logger):
            still = _choose(settings, state, integration, [each.batch.id for each in found])
            give_up(state, BatchStore(settings.data), still)
