"""`odoo-pipelines dead-letters list | show | replay`: rows that were rejected and have not got through since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from odoo_pipelines.commands.console import (
    JsonOption,
    clear_errors,
    err,
    out,
    print_failed_run,
    print_json,
    print_list,
    state_of,
)
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import DEFAULT_INTEGRATION, Settings, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.commands.letter_view import Replayed
    from odoo_pipelines.defs.jobs import Mode
    from odoo_pipelines.defs.launch import SyncResult
    from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
    from odoo_pipelines.stores.state import State

app = typer.Typer(help="Dead letters: rows that were rejected and have not got through since.", no_args_is_help=True)

IntegrationOption = Annotated[str, typer.Option("--integration", "-i", help="Name of the integration.")]
FlowOption = Annotated[str | None, typer.Option("--flow", help="Only of this flow, such as orders.")]
ClassOption = Annotated[
    str | None, typer.Option("--class", metavar="CODE", help="Only of this class, such as missing_reference.")
]


@app.command("list")
def list_letters(
    integration: Annotated[str | None, typer.Option("--integration", "-i", help="Only of this integration.")] = None,
    flow: FlowOption = None,
    code: ClassOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most, those that wait longest.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """Lists dead letters, those first that wait longest. Never shows a value of a row."""
    from odoo_pipelines.commands.letter_view import letter_document, letter_table  # noqa: PLC0415
    from odoo_pipelines.stores.dead_letters import LetterFilter  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        _require_flow(settings, integration, flow)
        with state_of(settings) as state:
            found = state.letters(LetterFilter(integration, flow, code=code, limit=limit + 1))
    print_list(found, limit, as_json=as_json, document=letter_document, table=letter_table, none="No dead letters.")


@app.command()
def show(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="Name of the flow, such as orders.")],
    external_id: Annotated[
        str, typer.Argument(metavar="EXTERNAL_ID", help="Of the record; where it has none, the key in the list.")
    ],
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    *,
    as_json: JsonOption = False,
) -> None:
    """Shows all of a dead letter: why the row was rejected, and the row itself, personal data included."""
    from odoo_pipelines.commands.letter_view import print_letter, whole_document  # noqa: PLC0415
    from odoo_pipelines.stores.dead_letters import LetterFilter  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        _require_flow(settings, integration, flow)
        with state_of(settings) as state:
            found = state.letters(LetterFilter(integration, flow, key=external_id))
    if not found:
        err.print(f"Flow {flow} has no dead letter of {external_id}.", markup=False, highlight=False)
        raise typer.Exit(1)
    if as_json:
        print_json([whole_document(each) for each in found])
    else:
        for each in found:
            print_letter(each, out)


@app.command()
def replay(
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    flow: FlowOption = None,
    code: ClassOption = None,
    external_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="EXTERNAL_ID", help="Only of this record; where it has none, the key in the list."
        ),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Tries dead letters again here and now, in the newest version of their record. Exits 1 if any is still rejected.

    Reads first what has changed, as a delta or an outbound sync does; letters that are due by themselves are tried
    along.
    """
    from odoo_pipelines.commands.letter_view import replay_document, replay_table  # noqa: PLC0415
    from odoo_pipelines.stores.dead_letters import LetterFilter  # noqa: PLC0415

    with clear_errors():
        settings = load_settings(needed=integration)
        _require_flow(settings, integration, flow)
        if not settings.integration(integration).odoo_enabled:
            raise ConfigurationError(["ODOO_ENABLED is off: a replay would not load anything"])
        wanted = LetterFilter(integration, flow, key=external_id, code=code)
        with state_of(settings) as state:
            letters = state.letters(wanted)
            state.request_replay(wanted)
        if not letters:
            if as_json:
                print_json(replay_document("", succeeded=True, replayed=[]))
            else:
                out.print("No dead letters to replay.")
            return
        results, replayed = _try_again(settings, integration, wanted, letters)
    if as_json:
        runs = ", ".join(result.run_id for result in results)
        succeeded = all(result.succeeded for result in results)
        print_json(replay_document(runs, succeeded=succeeded, replayed=replayed))
    else:
        out.print(replay_table(replayed))
        out.print(_summary(replayed), highlight=False)
    _exit(results, replayed)


def _try_again(
    settings: Settings, integration: str, wanted: LetterFilter, letters: Iterable[DeadLetter]
) -> tuple[list[SyncResult], list[Replayed]]:
    """Runs what takes the letters up, and tells what became of each."""
    from odoo_pipelines.commands.instance import prepare_home  # noqa: PLC0415
    from odoo_pipelines.commands.sync import sync_with_progress  # noqa: PLC0415

    prepare_home(settings)
    results: list[SyncResult] = []
    replayed: list[Replayed] = []
    for mode, some in _by_mode(settings, integration, letters).items():
        results.append(sync_with_progress(settings, integration, mode, None, err))
        with state_of(settings) as state:
            replayed += _replayed(state, results[-1].run_id, wanted, some)
    return results, replayed


def _by_mode(settings: Settings, integration: str, letters: Iterable[DeadLetter]) -> dict[Mode, list[DeadLetter]]:
    """Letters by the mode of the run that takes them up."""
    from odoo_pipelines.systems import get_system  # noqa: PLC0415

    outbound = {flow.name for flow in get_system(settings.integration(integration).system).outbound}
    found: dict[Mode, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        found["outbound" if letter.flow in outbound else "retry"].append(letter)
    return found


def _require_flow(settings: Settings, integration: str | None, flow: str | None) -> None:
    """Raises ConfigurationError, with the known ones, unless the integration and the flow exist."""
    from odoo_pipelines.systems import get_system  # noqa: PLC0415

    chosen = settings.integrations.values() if integration is None else [settings.integration(integration)]
    systems = [get_system(one.system) for one in chosen]
    known = dict.fromkeys(name for system in systems for name in system.flow_names)
    if flow is not None and flow not in known:
        raise ConfigurationError([f"there is no flow '{flow}'; known: {', '.join(known)}"])


def _replayed(state: State, run_id: str, wanted: LetterFilter, letters: Iterable[DeadLetter]) -> list[Replayed]:
    """What became of letters in a run."""
    from odoo_pipelines.commands.letter_view import GONE_THROUGH, NOT_TRIED, REJECTED, Replayed  # noqa: PLC0415
    from odoo_pipelines.stores.state import RunRef  # noqa: PLC0415

    left = {(each.flow, each.record): each for each in state.letters(replace(wanted, code=None))}
    replayed: list[Replayed] = []
    gone: dict[RunRef, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        if same := left.get((letter.flow, letter.record)):
            replayed.append(Replayed(same, REJECTED if same.run_id == run_id else NOT_TRIED))
        else:
            gone[RunRef(run_id, letter.integration, letter.flow)].append(letter)
    for run, some in gone.items():
        became = state.outcomes(run, [each.record for each in some])
        replayed += [Replayed(each, became.get(each.record, GONE_THROUGH)) for each in some]
    return replayed


def _summary(replayed: Sequence[Replayed]) -> str:
    waiting = sum(each.waits for each in replayed)
    return f"{len(replayed) - waiting} of {len(replayed)} are no dead letters any more, {waiting} still wait."


def _exit(results: Sequence[SyncResult], replayed: Sequence[Replayed]) -> None:
    failed = [result for result in results if not result.succeeded]
    for result in failed:
        print_failed_run("The run failed", result)
    if failed or any(each.waits for each in replayed):
        raise typer.Exit(1)
