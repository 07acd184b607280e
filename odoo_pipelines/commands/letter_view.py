"""Dead letters, and what became of them, as a person or a program reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odoo_pipelines.commands.console import plain
from odoo_pipelines.stores.dead_letters import DeadLetter

_PERSONAL = ("payload", "reason")
NOT_TRIED = "not tried"
REJECTED = "rejected"
GONE_THROUGH = "gone through"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to for one letter.

    Attributes:
        letter: as it is now; as it was, if it is gone.
        became: the outcome of its row, GONE_THROUGH where there is none of its own, or NOT_TRIED.
    """

    letter: DeadLetter
    became: str

    @property
    def waits(self) -> bool:
        """Whether the letter is still there."""
        return self.became in (REJECTED, NOT_TRIED)


def letter_document(letter: DeadLetter) -> dict[str, Any]:
    """A letter as `list --json` prints it: without the payload and the reason, which may hold personal data."""
    return {name: value for name, value in asdict(letter).items() if name not in _PERSONAL}


def whole_document(letter: DeadLetter) -> dict[str, Any]:
    """A letter as `show --json` prints it."""
    return {**asdict(letter), "payload": _parsed(letter.payload)}


def letter_table(letters: Sequence[DeadLetter]) -> Table:
    """Letters, one line each."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("integration", "flow", "record", "class", "field", "attempts", "kind", "first", "next try"):
        table.add_column(column, overflow="fold")
    for each in letters:
        what = (each.integration, each.flow, _record(each), each.code, plain(each.field), str(each.attempts))
        table.add_row(*what, _kind(each), _minute(each.first_at), _next_try(each))
    return table


def print_letter(letter: DeadLetter, console: Console) -> None:
    """Prints all of a letter, its payload last."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for name, fact in _facts(letter):
        facts.add_row(Text(name, "dim"), fact)
    console.print(facts, soft_wrap=True)
    console.print()
    parsed = _parsed(letter.payload)
    text = parsed if isinstance(parsed, str) else json.dumps(parsed, indent=2, ensure_ascii=False)
    for line in text.splitlines():
        console.print(plain(line), soft_wrap=True, highlight=False)


def replay_document(run_id: str, *, succeeded: bool, replayed: Sequence[Replayed]) -> dict[str, Any]:
    """A replay as `--json` prints it; the reasons of what is still rejected may hold personal data."""
    letters = [
        {
            **{name: getattr(each.letter, name) for name in ("flow", "entity", "external_id", "key")},
            "became": each.became,
            **({name: getattr(each.letter, name) for name in ("code", "field", "reason")} if each.waits else {}),
        }
        for each in replayed
    ]
    status = "success" if succeeded else "failure"
    return {"run_id": run_id, "status": status, "waiting": sum(each.waits for each in replayed), "letters": letters}


def replay_table(replayed: Sequence[Replayed]) -> Table:
    """What became of letters, one line each, with the reasons of those that wait."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("flow", "record", "became", "reason"):
        table.add_column(column, overflow="fold")
    for each in replayed:
        style = "yellow" if each.waits or each.became == "conflict" else "green"
        table.add_row(each.letter.flow, _record(each.letter), Text(each.became, style), _reason(each))
    return table


def _reason(replayed: Replayed) -> Text:
    if replayed.became == NOT_TRIED:
        return Text("its row is in no batch any more, or an earlier replay has yet to be loaded")
    if replayed.became == "conflict":
        return Text("a person has to decide: odoo-pipelines conflicts list")
    return plain(f"{replayed.letter.code}: {replayed.letter.reason}") if replayed.waits else Text()


def _facts(letter: DeadLetter) -> Iterator[tuple[str, Text]]:
    yield "record", _record(letter)
    yield "flow", plain(f"{letter.integration} {letter.flow}")
    yield "class", plain(letter.code, "bold")
    yield "field", plain(letter.field)
    yield "reason", plain(letter.reason)
    yield "kind", Text(_kind(letter))
    yield "rejected", Text(f"{letter.attempts} times, {_minute(letter.first_at)} to {_minute(letter.last_at)} UTC")
    yield "next try", Text(_next_try(letter))
    yield "run", plain(letter.run_id)


def _record(letter: DeadLetter) -> Text:
    return plain(f"{letter.entity} {letter.external_id or letter.key}")


def _kind(letter: DeadLetter) -> str:
    return "transient" if letter.transient else "permanent"


def _next_try(letter: DeadLetter) -> str:
    return _minute(letter.next_try) if letter.next_try else "waits for you"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _parsed(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload
