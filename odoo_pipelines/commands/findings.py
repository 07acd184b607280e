"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.table import Table

Status: TypeAlias = Literal["ok", "warning", "problem"]

_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: what was checked.
        status: "problem" where a sync cannot work; "warning" where it can, but should not stay so.
        detail: what was found.
        cure: what to do about it; "" where nothing has to be done.
    """

    check: str
    status: Status
    detail: str
    cure: str = ""

    @property
    def passed(self) -> bool:
        """Whether a sync can work in spite of it."""
        return self.status != "problem"

    def as_dict(self) -> dict[str, str | bool]:
        """The finding as `--json` prints it."""
        document = {"check": self.check, "status": self.status, "detail": self.detail, "cure": self.cure}
        return {**document, "passed": self.passed}


def ok(check: str, detail: str) -> Finding:
    """A check that passed."""
    return Finding(check, "ok", detail)


def problem(check: str, detail: str, cure: str) -> Finding:
    """A check that did not."""
    return Finding(check, "problem", detail, cure)


def warning(check: str, detail: str, cure: str) -> Finding:
    """Something that works and should be changed."""
    return Finding(check, "warning", detail, cure)


def findings_table(findings: list[Finding]) -> Table:
    """Findings, one line each."""
    table = Table(show_lines=False)
    for column in ("check", "", "found", "cure"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(finding.check, _MARKS[finding.status], finding.detail, finding.cure)
    return table
