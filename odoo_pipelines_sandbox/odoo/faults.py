"""Faults on demand: what networks, gateways and busy servers do to a call."""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Kind: TypeAlias = Literal[
    "too_many_requests",
    "bad_gateway",
    "serialization_failure",
    "load_conflict",
    "delay",
    "drop_before",
    "drop_after",
    "bad_row",
]


class Fault(BaseModel):
    """One kind of trouble, and which calls it hits.

    Attributes:
        kind: `too_many_requests` (429), `bad_gateway` (502 with html), `serialization_failure` (Odoo's own error),
            `load_conflict` (load answers "could not serialize"), `delay`, `drop_before` and `drop_after` (connection
            closed before the call is run, or after it was committed), `bad_row` (load refuses the records that have
            `contains` in a cell).
        model: only calls of this model.
        method: only calls of this method.
        times: how many calls it hits; None for ever.
        skip: calls that pass before it starts.
        probability: of hitting a call that it applies to.
        seed: of the dice for `probability`.
        retry_after: header of a 429; None leaves it out.
        seconds: of a delay.
        contains: text of a cell that makes a row bad.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    model: str | None = None
    method: str | None = None
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    retry_after: str | None = None
    seconds: float = Field(default=0.0, ge=0)
    contains: str = ""

    def applies(self, model: str, method: str) -> bool:
        """Whether it is meant for such a call."""
        return self.model in {None, model} and self.method in {None, method}


class FaultPlan:
    """The faults in force."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Puts a fault into force."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Ends all faults."""
        self._armed.clear()

    def pick(self, model: str, method: str) -> Fault | None:
        """The fault that hits this call, if any; counts it."""
        for armed in self._armed:
            if armed.hits(model, method):
                return armed.fault
        return None


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._left = fault.times
        self._skip = fault.skip
        self._dice = random.Random(fault.seed)  # noqa: S311

    def hits(self, model: str, method: str) -> bool:
        if self._left == 0 or not self.fault.applies(model, method):
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self._dice.random() >= self.fault.probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True
