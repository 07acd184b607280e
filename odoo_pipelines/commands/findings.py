"""What the doctor finds."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias

from rich.table import Table

from odoo_pipelines.commands.faults import sentence_of

Status: TypeAlias = Literal["ok", "warning", "problem"]

_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: what was checked.
        status: "problem" where a sync cannot work; "warning" where it can, but should not stay so.
        detail: what was found.
        fix: what to do about it; "" where nothing has to be done.
    """

    check: str
    status: Status
    detail: str
    fix: str = ""

    @property
    def passed(self) -> bool:
        """Whether a sync can work in spite of it."""
        return self.status != "problem"

    def as_dict(self) -> dict[str, str | bool]:
        """The finding as `--json` prints it."""
        document = {"check": self.check, "status": self.status, "detail": self.detail, "fix": self.fix}
        return {**document, "passed": self.passed}


def ok(check: str, detail: str) -> Finding:
    """A check that passed."""
    return Finding(check, "ok", detail)


def problem(check: str, detail: str, fix: str) -> Finding:
    """A check that did not."""
    return Finding(check, "problem", detail, fix)


def warning(check: str, detail: str, fix: str) -> Finding:
    """Something that works and should be changed."""
    return Finding(check, "warning", detail, fix)


class Examination:
    """Collects findings; a check that fails in an unexpected way is a finding, too, and the others go on.

    Attributes:
        findings: so far.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def look(self, check: str, found: Callable[[], Iterable[Finding]]) -> bool:
        """Adds what a check finds.

        Args:
            check: what is checked.
            found: looks, and may fail.

        Returns:
            Whether none of it is a problem.
        """
        before = len(self.findings)
        with _Guarded(check, self.findings):
            self.findings.extend(found())
        return all(finding.passed for finding in self.findings[before:])


class _Guarded:
    """Turns any error of a check into a problem; of one that is not understood only kind and place are shown."""

    def __init__(self, check: str, findings: list[Finding]) -> None:
        self._check = check
        self._findings = findings

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False  # Ctrl-C ends it
        sentence = sentence_of(error)
        if sentence is not None:
            self._findings.append(problem(self._check, sentence, "see the message"))
        else:
            [*_, last] = traceback.extract_tb(trace)
            detail = f"the check itself failed: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            self._findings.append(problem(self._check, detail, "report it, it is a defect of the check"))
        return True


def findings_table(findings: list[Finding]) -> Table:
    """Findings, one line each."""
    table = Table(show_lines=False)
    for column in ("check", "", "found", "fix"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(finding.check, _MARKS[finding.status], finding.detail, finding.fix)
    return table
