"""Conflicts as a person, or a program, reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odoo_pipelines.commands.console import moment, plain
from odoo_pipelines.stores.conflicts import WAITING, StoredConflict
from odoo_pipelines.systems.records import BOTH_CHANGED, DELETED_IN_ODOO, ID_REUSED, POSSIBLE_MATCH, SEALED, Choice

_STALE = "It was answered before. Then a side moved, or the answer could not be used, so it is asked again."
_ANSWERS: Mapping[Choice, tuple[str, str]] = {
    "external": ("--take external", "the external system is right"),
    "odoo": ("--take odoo", "Odoo is right"),
    "value": ("--value ...", "another value is right, for Odoo"),
    "retry": ("--retry", "after it was mended in Odoo: take the record up again"),
    "adopt": ("--adopt ID", "it is this one of the records above"),
    "new": ("--new", "it is none of them: make a new one"),
}
_ANSWERS_TO: Mapping[str, Mapping[Choice, str]] = {
    DELETED_IN_ODOO: {"external": "create the record again", "odoo": "leave it deleted"},
    ID_REUSED: {
        "external": "it is the same one, and all of it has changed: write the external values",
        "retry": "after the external id was corrected, or the former one was deleted in Odoo",
    },
}


def conflict_document(conflict: StoredConflict) -> dict[str, Any]:
    """A conflict as `--json` prints it."""
    return asdict(conflict)


def conflict_table(conflicts: Sequence[StoredConflict]) -> Table:
    """Conflicts, one line each."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("id", justify="right")
    for column in ("flow", "record", "field", "code", "since", "state"):
        table.add_column(column, overflow="fold", no_wrap=column in {"since", "state"})
    for each in conflicts:
        record = plain(f"{each.entity} {each.external_id}")
        state = Text("stale", "yellow") if each.stale else plain(each.state)
        place = (f"{each.integration}/{each.flow}", record, plain(each.field), each.code)
        table.add_row(str(each.id), *place, f"{each.first_at:%Y-%m-%d}", state)
    return table


def print_conflict(
    conflict: StoredConflict, link: str, console: Console, links: Mapping[int, str] | None = None
) -> None:
    """Prints all of a conflict, and what can be done.

    Args:
        conflict: of the state.
        link: to its record in Odoo; "" where there is none.
        console: to print on.
        links: to the records that it may be, by id.
    """
    for name, fact in _facts(conflict, link):
        console.print(Text.assemble((f"{name:<9} ", "dim"), fact), soft_wrap=True)
    if conflict.stale:
        console.print(_STALE, style="yellow", soft_wrap=True)
    if conflict.code in (BOTH_CHANGED, SEALED, ID_REUSED):
        console.print()
        console.print(_sides(conflict))
    if conflict.code == POSSIBLE_MATCH:
        console.print()
        console.print(_candidates(conflict, links or {}))
    if conflict.state in WAITING:
        console.print()
        for line in _what_to_do(conflict):
            console.print(line, soft_wrap=True)  # a command is copied as a whole


def _facts(conflict: StoredConflict, link: str) -> Iterator[tuple[str, Text]]:
    yield "conflict", plain(f"{conflict.id}: {conflict.code}, {conflict.state}")
    yield "record", plain(f"{conflict.entity} {conflict.external_id} ({conflict.flow} of {conflict.integration})")
    yield "field", plain(conflict.field)
    yield "why", plain(conflict.reason)
    yield "since", Text(f"{moment(conflict.first_at)}, met last {moment(conflict.last_at)} in run {conflict.run_id}")
    if link:
        yield "in Odoo", plain(link)
    if conflict.choice is not None:
        chosen = {"value": _json(conflict.value), "adopt": f"adopt {conflict.value}"}.get(
            conflict.choice, conflict.choice
        )
        yield "answer", plain(f"{chosen}, given {moment(conflict.resolved_at)}")


def _sides(conflict: StoredConflict) -> Table:
    """Base, external and Odoo side by side; what has moved away from the base stands out."""
    table = Table()
    for column in ("", "base", "external", "Odoo"):
        table.add_column(column, overflow="fold")
    sides = (conflict.base, conflict.external, conflict.odoo)
    for name in _names(conflict, sides):
        base, *others = [side.get(name) if isinstance(side, dict) else side for side in sides]
        shown = [plain(_json(each), "bold yellow" if each != base else "") for each in others]
        table.add_row(plain(name), plain(_json(base), "dim"), *shown)
    table.add_section()
    table.add_row(
        "changed", "", moment(conflict.external_at), plain(f"{conflict.odoo_at} UTC" if conflict.odoo_at else "")
    )
    return table


def _candidates(conflict: StoredConflict, links: Mapping[int, str]) -> Table:
    """The row, and below it the records that it may be, one column each for what they may have in common."""
    table = Table()
    names = [name for name in conflict.odoo[0] if name not in {"id", "why"}]
    for column in ("id", *names, "why not by itself", "in Odoo"):
        table.add_column(column, overflow="fold")
    table.add_row(plain(conflict.entity, "dim"), *(plain(_json(each)) for each in conflict.external.values()), "", "")
    table.add_section()
    for each in conflict.odoo:
        shown = (plain(_json(each[name])) for name in names)
        table.add_row(str(each["id"]), *shown, each["why"], plain(links.get(each["id"], "")))
    return table


def _names(conflict: StoredConflict, sides: Sequence[Any]) -> list[str]:
    """The fields that are compared: those of a whole line, else the one of the conflict."""
    lines = [side for side in sides if isinstance(side, dict)]
    return list(dict.fromkeys(name for line in lines for name in line)) or [conflict.field.rpartition(".")[2]]


def _what_to_do(conflict: StoredConflict) -> Iterator[Text]:
    for choice in conflict.choices:
        option, meaning = _ANSWERS[choice]
        meaning = _ANSWERS_TO.get(conflict.code, {}).get(choice, meaning)
        command = f"odoo-pipelines conflicts resolve {conflict.id} {option}"
        yield Text.assemble((command, "cyan"), (f"  {meaning}", "dim"))


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
