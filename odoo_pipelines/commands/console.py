"""What all commands print with: standard output and error, JSON, and our own errors as one clear message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from odoo_pipelines.errors import OdooPipelinesError

if TYPE_CHECKING:
    from odoo_pipelines.settings import Settings
    from odoo_pipelines.stores.state import State

out = Console()
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]


def print_json(document: Any) -> None:
    """Prints a document on standard output, times as ISO 8601."""
    typer.echo(json.dumps(document, indent=2, default=datetime.isoformat))


def plain(text: str, style: str = "") -> Text:
    """A text from outside: no markup, and nothing in it that would steer the terminal."""
    return Text("".join(each if each.isprintable() else repr(each)[1:-1] for each in text), style)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turns our own errors into their message; anything else is a bug and shows its stack."""
    try:
        yield
    except OdooPipelinesError as error:
        err.print(f"[red]{type(error).__name__}:[/] ", end="")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
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
