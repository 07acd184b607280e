"""What all commands print with: standard output and error, JSON, and our own errors as one clear message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from odoo_pipelines.errors import ConfigurationError, OdooPipelinesError

if TYPE_CHECKING:
    from rich.table import Table

    from odoo_pipelines.defs.launch import SyncResult
    from odoo_pipelines.settings import Settings
    from odoo_pipelines.stores.history import BoundRecord
    from odoo_pipelines.stores.state import State
    from odoo_pipelines.systems.records import Record

T = TypeVar("T")

out = Console()
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]


def print_json(document: Any) -> None:
    """Prints a document on standard output, times as ISO 8601."""
    typer.echo(json.dumps(document, indent=2, default=datetime.isoformat))


def print_error(what: str, message: str) -> None:
    """Prints what went wrong on standard error; a message is no markup."""
    err.print(f"[red]{what}:[/] ", end="")
    err.print(message, markup=False, highlight=False, soft_wrap=True)


def print_failed_run(what: str, result: SyncResult) -> None:
    """Prints why a run failed, and where its log is."""
    print_error(what, result.failure)
    err.print(f"Its log is run {result.run_id} in the Dagster UI.")


def print_list(
    found: Sequence[T],
    limit: int,
    *,
    as_json: bool,
    document: Callable[[T], Any],
    table: Callable[[Sequence[T]], Table],
    none: str,
) -> None:
    """Prints what a list found, and says so if more was found than is shown.

    Args:
        found: one more than the limit, where there are more.
        limit: so many are shown.
        as_json: as an array of documents instead of a table.
        document: of one of them.
        table: of some of them.
        none: what is said where nothing was found.
    """
    shown = found[:limit]
    if as_json:
        print_json([document(each) for each in shown])
    elif shown:
        out.print(table(shown))
    else:
        out.print(none)
    if len(found) > limit:
        err.print(f"There are more than {limit}: narrow them down, or raise --limit.", highlight=False)


def record_url(settings: Settings, integration: str, record: Record | BoundRecord | None) -> str:
    """Link to a record in Odoo; "" where there is none."""
    owner = settings.integrations.get(integration)
    return owner.odoo.record_url(record.model, record.odoo_id) if owner and owner.odoo and record else ""


def known_integration(settings: Settings, name: str | None) -> None:
    """Refuses the name of an integration that there is not.

    Raises:
        ConfigurationError: naming those that there are.
    """
    if name is not None and name not in settings.integrations:
        known = ", ".join(sorted(settings.integrations))
        raise ConfigurationError([f"there is no integration '{name}'; configured: {known}"])


def moment(value: datetime | None) -> str:
    """A time to the second, in UTC; "" for none."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value else ""


def plain(text: str, style: str = "") -> Text:
    """A text from outside: no markup, and nothing in it that would steer the terminal."""
    return Text("".join(each if each.isprintable() else repr(each)[1:-1] for each in text), style)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turns our own errors into their message; anything else is a bug and shows its stack."""
    try:
        yield
    except OdooPipelinesError as error:
        print_error(type(error).__name__, str(error))
        raise typer.Exit(1) from error


@contextmanager
def state_of(settings: Settings) -> Iterator[State]:
    """The state alone, for commands that need neither side.

    Raises:
        StateError: the database cannot be reached.
    """
    from odoo_pipelines.clients import open_state  # noqa: PLC0415 - help is printed without it

    with open_state(settings) as state:
        yield state
