"""`odoo-pipelines outcomes`: what became of the rows of one run. Needs the state alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.table import Table

from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, plain, print_json, state_of
from odoo_pipelines.settings import DEFAULT_INTEGRATION, load_settings
from odoo_pipelines.systems.records import Outcome

if TYPE_CHECKING:
    from odoo_pipelines.stores.run_rows import RunOutcome

_SHOWN = 100


def outcomes(
    run: Annotated[str | None, typer.Option("--run", help="Dagster run (default: the newest).")] = None,
    integration: Annotated[
        str, typer.Option("--integration", "-i", help="Name of the integration.")
    ] = DEFAULT_INTEGRATION,
    flow: Annotated[str | None, typer.Option("--flow", help="Only this flow, such as orders.")] = None,
    outcome: Annotated[list[Outcome] | None, typer.Option("--outcome", help="Only this one; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show so many at most (default: 100; files: all).")] = None,
    *,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, and nothing else, on standard output.")] = False,
) -> None:
    """Tells what became of the rows of a run, with reasons and changed values. Exits 1 if nothing is known of it."""
    from odoo_pipelines.stores.run_rows import RunFilter  # noqa: PLC0415

    if as_json and as_csv:
        raise typer.BadParameter("goes without --json", param_hint="--csv")
    shown = limit or (None if as_json or as_csv else _SHOWN)
    with clear_errors(), state_of(load_settings()) as state:
        run_id = run or state.newest_run(integration)
        known = run_id is not None and bool(state.run_counts(run_id))
        wanted = RunFilter(run_id or "", integration, flow, tuple(outcome or ()))
        found = state.run_outcomes(wanted, shown and shown + 1) if known else []
    if not known:
        err.print(f"Nothing is known of {f'run {run}' if run else 'any run'}.", markup=False, highlight=False)
        raise typer.Exit(1)
    _print(run_id or "", found, shown, as_json=as_json, as_csv=as_csv)


def _print(run_id: str, found: Sequence[RunOutcome], shown: int | None, *, as_json: bool, as_csv: bool) -> None:
    listed = found[:shown]
    if as_json:
        print_json([asdict(each) for each in listed])
    elif as_csv:
        typer.echo(_csv(listed), nl=False)
    elif listed:
        out.print(_table(run_id, listed))
    else:
        out.print("No such outcomes; unchanged rows are only counted.")
    if len(found) > len(listed):
        err.print(f"There are more than {shown}: narrow them down, or raise --limit.", highlight=False)


def _csv(found: Sequence[RunOutcome]) -> str:
    """Lists as JSON, so that a spreadsheet keeps them in one cell and a program can read them again."""
    from odoo_pipelines.notebook import outcomes_frame  # noqa: PLC0415 - pandas takes half a second to import

    frame = outcomes_frame(found)
    for name in ("warnings", "changes"):
        frame[name] = [orjson.dumps(value).decode() for value in frame[name]]
    return str(frame.to_csv(index=False))


def _table(run_id: str, found: Sequence[RunOutcome]) -> Table:
    table = Table(title=f"Run {run_id}", box=None, padding=(0, 2, 0, 0))
    for title in ("flow", "record", "outcome", "field", "code", "reason or changes"):
        table.add_column(title, overflow="fold")
    for each in found:
        changed = ", ".join(str(change["field"]) for change in each.changes)
        cells = (each.flow, f"{each.entity} {each.external_id}", each.outcome, each.field, each.code)
        table.add_row(*map(plain, (*cells, each.reason or changed)))
    return table
