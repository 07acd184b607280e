"""Batches as a person, or a program, reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from odoo_pipelines.commands.console import plain
from odoo_pipelines.defs.waiting import Found


def batch_document(found: Found) -> dict[str, Any]:
    """A batch as `--json` prints it; `name` is that of the stream or flow."""
    batch, window = found.batch, found.window
    return {
        "id": batch.id,
        "integration": batch.integration,
        "layer": batch.layer,
        "name": batch.name,
        "partition": batch.partition,
        "since": window.since,
        "before": window.before,
        "rows": batch.rows,
        "path": batch.path,
        "run_id": batch.run_id,
        "awaited_by": list(found.awaited_by),
        "readable": not found.fault,
        "reason": found.fault,
        "fix": found.fix,
    }


def print_batches(found: Sequence[Found], console: Console) -> None:
    """Prints a line for each, and below them why some cannot be read, in lines that can be copied as a whole."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("id", justify="right")
    for column in ("batch", "window", "rows", "awaited by", "file"):
        table.add_column(column, overflow="fold", no_wrap=column in ("rows", "file"))
    for each in found:
        batch = each.batch
        row = (f"{batch.layer}/{batch.name}", _window(each), str(batch.rows), ", ".join(each.awaited_by) or "nobody")
        state = plain("unreadable", "red") if each.fault else plain("whole")
        table.add_row(str(batch.id), *map(plain, row), state)
    console.print(table)
    for each in found:
        if each.fault:
            console.print(plain(f"{each.batch.id}: {each.fault}. {each.fix}"), soft_wrap=True)


def _window(found: Found) -> str:
    since, before = found.window.since, found.window.before
    if since is None and before is None:
        return found.batch.partition or "all"
    return f"{since:%Y-%m-%d} to {before:%Y-%m-%d}" if since and before else _open(found)


def _open(found: Found) -> str:
    """Of the first and the last partition."""
    since, before = found.window.since, found.window.before
    return f"from {since:%Y-%m-%d}" if since else f"to {before:%Y-%m-%d}"
