"""The command line: `odoo-pipelines sync | bootstrap | doctor | conflicts | dead-letters | duplicates | trace | ...`.

Dagster takes a second to import, so every command imports what it needs when it runs.
"""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from dotenv import load_dotenv
from rich.logging import RichHandler

from odoo_pipelines.commands import batches, conflicts, dead_letters, duplicates, events, forget, outcomes, trace
from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, print_failed_run, print_json
from odoo_pipelines.commands.faults import Commands
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import DEFAULT_INTEGRATION, load_settings
from odoo_pipelines.systems.policies import Disaster

app = typer.Typer(
    cls=Commands,
    help="Keeps Odoo and the systems around it in step.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would hold rows and secrets
)
app.add_typer(batches.app, name="batches")
app.add_typer(conflicts.app, name="conflicts")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(duplicates.app, name="duplicates")
app.add_typer(events.app, name="events")
app.command()(forget.forget)
app.command()(outcomes.outcomes)
app.command()(trace.trace)

IntegrationOption = Annotated[str, typer.Option("--integration", "-i", help="Name of the integration.")]


class Mode(StrEnum):
    """How much a sync looks at."""

    DELTA = "delta"
    FULL = "full"
    OUTBOUND = "outbound"


@app.callback()
def main(
    context: typer.Context,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show log lines on standard error.")] = False,
) -> None:
    """Keeps Odoo and the systems around it in step. Settings come from the environment and from .env in this folder."""
    fault = _read_environment_file(Path.cwd() / ".env")
    if fault and context.invoked_subcommand != "doctor":
        raise ConfigurationError([fault])
    context.obj = fault  # a finding of the doctor, who goes on without it
    level = logging.INFO if verbose else logging.WARNING
    handler = RichHandler(console=err, show_path=False)
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler], force=True)


def _read_environment_file(file: Path) -> str:
    """Takes over what it says; "" if it could be read, or is not there."""
    try:
        load_dotenv(file)
    except OSError as error:
        return f"{file} cannot be read ({error.strerror}): let this account read it, or set the variables themselves"
    except UnicodeDecodeError:
        return f"{file} is not UTF-8: save it as such"
    return ""


@app.command()
def sync(
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    mode: Annotated[
        Mode,
        typer.Option(
            help="delta: what has changed; full: everything, compared with Odoo; outbound: what goes out of Odoo."
        ),
    ] = Mode.DELTA,
    partition: Annotated[str | None, typer.Option(help="Only this partition, such as 2026-11-01.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=0, help="Records shown by a dry run, of each flow and outcome (10).")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Runs a sync here and now, and prints what became of the rows. Exits 1 if it fails."""
    if dry_run:
        if mode is Mode.OUTBOUND:
            raise typer.BadParameter("goes without --dry-run", param_hint="--mode outbound")
        _show_dry_run(integration, "full" if mode is Mode.FULL else "delta", partition, sample, as_json=as_json)
        return
    if sample is not None:
        raise typer.BadParameter("goes with --dry-run only", param_hint="--sample")
    from odoo_pipelines.commands.instance import prepare_home  # noqa: PLC0415
    from odoo_pipelines.commands.sync import outcome_table, result_document, sync_with_progress  # noqa: PLC0415

    with clear_errors():
        settings = load_settings(needed=integration)
        prepare_home(settings)
        result = sync_with_progress(settings, integration, mode.value, partition, err)
    if as_json:
        print_json(result_document(result))
    else:
        out.print(outcome_table(result))
    if not result.succeeded:
        print_failed_run("The sync failed", result)
        raise typer.Exit(1)


def _show_dry_run(
    integration: str,
    mode: Literal["delta", "full"],
    partition: str | None,
    sample: int | None,
    *,
    as_json: bool,
    disaster: Disaster | None = None,
) -> None:
    from odoo_pipelines.commands.dry_run import (  # noqa: PLC0415
        SAMPLE,
        dry_run_document,
        dry_run_with_progress,
        print_dry_run,
    )

    with clear_errors():
        settings = load_settings(needed=integration)
        shown = SAMPLE if sample is None else sample
        flows = dry_run_with_progress(settings, integration, mode, partition, err, sample=shown, disaster=disaster)
    if as_json:
        print_json(dry_run_document(mode, flows))
    else:
        print_dry_run(mode, flows, out)


@app.command()
def recover(
    disaster: Annotated[Disaster, typer.Option("--from", help="What was restored from a backup, or lost.")],
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what the full sync would do.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Puts both sides in step again after a restore, and names what is left to a person. Exits 1 if a run fails.

    Safe to repeat, and to be killed. Stop the schedules first, and start them afterwards: docs/recovery.md.
    """
    if dry_run:
        _show_dry_run(integration, "full", None, None, as_json=as_json, disaster=disaster)
        return
    if as_json and not yes:
        raise typer.BadParameter("goes with --yes or --dry-run", param_hint="--json")
    from odoo_pipelines.commands.instance import prepare_home  # noqa: PLC0415
    from odoo_pipelines.commands.recover import (  # noqa: PLC0415
        agreed,
        print_recovery,
        recover_with_progress,
        recovery_document,
    )

    with clear_errors():
        settings = load_settings(needed=integration)
        if not yes and not agreed(settings, integration, disaster, out):
            raise typer.Exit(1)
        prepare_home(settings)
        recovery = recover_with_progress(settings, integration, disaster, err)
    if as_json:
        print_json(recovery_document(disaster, recovery))
    else:
        print_recovery(recovery, out)
    if not recovery.succeeded:
        print_failed_run("The recovery failed, and may be repeated", recovery.runs[-1])
        raise typer.Exit(1)


@app.command()
def bootstrap(
    integration: IntegrationOption = DEFAULT_INTEGRATION,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before creating.")] = False,
) -> None:
    """Creates the custom fields and product categories that Odoo lacks. Shows them first; safe to repeat."""
    from odoo_pipelines.commands.bootstrap import run_bootstrap  # noqa: PLC0415

    with clear_errors():
        settings = load_settings(needed=integration)
        done = run_bootstrap(settings, integration, out, assume_yes=yes)
    if not done:
        raise typer.Exit(1)


@app.command()
def doctor(
    context: typer.Context, integration: IntegrationOption = DEFAULT_INTEGRATION, *, as_json: JsonOption = False
) -> None:
    """Checks everything that a sync needs, with the fix for what is wrong. Exits 1 if anything is."""
    from odoo_pipelines.commands.doctor import examine, findings_table  # noqa: PLC0415

    findings = examine(integration, context.obj)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        out.print(findings_table(findings))
    if any(not finding.passed for finding in findings):
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
) -> None:
    """Takes webhooks and requests for manual syncs over HTTP, until SIGTERM or Ctrl-C."""
    from odoo_pipelines.commands.serve import run_receiver  # noqa: PLC0415

    with clear_errors():
        run_receiver(load_settings(receiver=True), host, port)


@app.command()
def demo(
    bookings: Annotated[int, typer.Option(min=1, help="Bookings that the sandbox PMS has.")] = 500,
    home: Annotated[Path, typer.Option(help="Where the demo keeps its state.")] = Path(".dagster_home/demo"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the first sync instead of waiting for Ctrl-C.")
    ] = False,
) -> None:
    """Shows it all without an Odoo: sandbox PMS, Odoo stand-in, database, Dagster UI and a first full sync."""
    from odoo_pipelines.commands.demo import run_demo  # noqa: PLC0415

    with clear_errors():
        succeeded = run_demo(bookings=bookings, home=home.resolve(), port=port, console=out, once=once)
    if not succeeded:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
