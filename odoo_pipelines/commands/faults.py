"""Faults of the environment, such as a full disk or a database that is down, as one sentence with what can be done.

What is none of them is a defect, and shows its stack.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from typer.core import TyperGroup

from odoo_pipelines.commands.console import err, print_error
from odoo_pipelines.errors import OdooPipelinesError

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has ended, as a shell has it."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_DATABASE, _DAGSTER = {"sqlalchemy", "psycopg2", "dagster_postgres"}, {"dagster", "dagster_shared", "yaml"}


def sentence_of(error: BaseException) -> str | None:
    """What happened and what can be done; None for an error that is not understood, which is a defect.

    Of a chain of errors it is the outermost of ours: it names the place and the setting.
    """
    ours = next((each for each in _chain(error) if isinstance(each, OdooPipelinesError)), None)
    if ours is not None:
        return f"{type(ours).__name__}: {ours}"
    made_by = {each.__module__.partition(".")[0] for each in type(error).__mro__}
    if made_by & _DATABASE:
        return (
            "the database cannot be reached, or the connection to it was lost; "
            "check ODOO_PIPELINES_DATABASE_URL, and that PostgreSQL runs"
        )
    if made_by & _DAGSTER:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return f"Dagster cannot be used: {first}; check DAGSTER_HOME and the dagster.yaml in it"
    if "requests" in made_by:
        return f"a server cannot be asked ({type(error).__name__}); check the addresses, and that the servers run"
    return _of_the_system(error) if isinstance(error, OSError) else None


def _of_the_system(error: OSError) -> str:
    place = error.filename if isinstance(error.filename, str) else "standard output, or a file,"
    if error.errno in _FULL:
        return f"{place} cannot be written ({error.strerror}); make room"
    if error.errno in _NOT_ALLOWED:
        fix = "let this account use it, or set DAGSTER_HOME and ODOO_PIPELINES_DATA to folders of its own"
        return f"{place} cannot be used ({error.strerror}); {fix}"
    return f"{place} cannot be used ({error.strerror or type(error).__name__}); odoo-pipelines doctor may tell more"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class Commands(TyperGroup):
    """All commands: a fault of the environment is one message, and no stack."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Runs a command."""
        with clear_faults():
            return super().invoke(ctx)


@contextmanager
def clear_faults() -> Iterator[None]:
    """Turns faults of the environment into their message and exit code 1, and Ctrl-C into 130."""
    try:
        yield
    except KeyboardInterrupt:
        err.print("Stopped.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise  # whoever read the output has enough; typer ends quietly
    except Exception as error:
        sentence = None if _is_typers(error) else sentence_of(error)
        if sentence is not None:
            print_error("Error", sentence)
            _give_up_output()
            raise typer.Exit(1) from error
        raise


def _is_typers(error: Exception) -> bool:
    """Exits and usage errors, which typer shows itself."""
    return type(error).__module__.partition(".")[0] == "typer"


def _give_up_output() -> None:
    """What cannot be written would be tried again at the end of the process."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
