"""Misbehaviour on demand: which requests it befalls."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from odoo_pipelines_sandbox.pms.draws import number

FaultKind = Literal[
    "status",
    "drop_before",
    "drop_after",
    "delay",
    "truncate",
    "not_json",
    "repeat_cursor",
    "revoke_tokens",
]

BREAKING = frozenset({"drop_before", "drop_after", "truncate"})
"""Faults after which the client has no whole answer."""


class Fault(BaseModel):
    """One way to misbehave.

    Attributes:
        kind: status: answer with `status` and do nothing; drop_before, drop_after: hang up before or after the request
            was carried out; delay: answer late; truncate: carry it out and send half of the body; not_json: answer
            200 with HTML; repeat_cursor: a page names its own cursor as the next; revoke_tokens: all become invalid.
        status: for the kind of that name.
        retry_after: header of a status: seconds, or "date" for an HTTP date `seconds` ahead.
        seconds: of a delay, or up to the date of `retry_after`.
        times: how many requests it befalls; None: all.
        probability: of befalling a request that fits, drawn by the sandbox's seed.
        method: which requests fit; None: all.
        path: regular expression that the beginning of the path must match.
    """

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    status: Literal[400, 401, 403, 404, 408, 429, 500, 502, 503, 504] = 503
    retry_after: str | None = None
    seconds: float = Field(default=1, ge=0, le=600)
    times: int | None = Field(default=1, ge=1)
    probability: float = Field(default=1, gt=0, le=1)
    method: str | None = None
    path: str = "/"

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError("not a regular expression") from error
        return path

    def fits(self, method: str, path: str, query: str) -> bool:
        """Tells whether a request is of the kind that it befalls."""
        if self.kind == "repeat_cursor" and "cursor=" not in query:
            return False
        return self.method in (None, method) and re.match(self.path, path) is not None


@dataclass(slots=True)
class FaultPlan:
    """The faults to come; the first one that fits a request befalls it.

    Attributes:
        seed: of the draws.
        faults: those that are not used up.
    """

    seed: int
    faults: list[Fault] = field(default_factory=list)
    _draws: int = 0

    def next_for(self, method: str, path: str, query: str) -> Fault | None:
        """Takes the fault that befalls a request, None for none."""
        for fault in self.faults:
            if fault.fits(method, path, query) and self._drawn(fault.probability):
                self._use(fault)
                return fault
        return None

    def _drawn(self, probability: float) -> bool:
        self._draws += 1
        return number(self.seed, "fault", self._draws) < probability * 2**64

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            self.faults = [other for other in self.faults if other.times != 0]
