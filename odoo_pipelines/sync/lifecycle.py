"""Ways between the states of a record: pure functions over a target's `Lifecycle`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.systems.targets import Lifecycle, Transition


@dataclass(frozen=True, slots=True)
class Way:
    """How a record gets to its state, and where on the way it is written.

    Attributes:
        before: steps taken before the values are written.
        written_in: the state in which they are written.
        after: steps taken afterwards.
    """

    before: tuple[Transition, ...]
    written_in: str
    after: tuple[Transition, ...]

    @property
    def stands_still(self) -> bool:
        """Whether no step is taken."""
        return not self.before and not self.after


def plan_way(lifecycle: Lifecycle, source: str, target: str, *, writes: bool) -> Way:
    """The shortest way from one state to another that passes a state in which the record may be written.

    Args:
        lifecycle: of the target.
        source: the state that the record is in.
        target: the state that it has to reach.
        writes: whether there is anything to write.

    Raises:
        RowRejectedError: no way leads there.
    """
    steps = _path(lifecycle, source, target)
    if not writes:
        return Way((), source, steps)
    stops = (source, *(step.target for step in steps))
    open_stops = [index for index, state in enumerate(stops) if state not in lifecycle.frozen]
    best = [index for index in open_stops if stops[index] in lifecycle.edited_in] or open_stops
    if best:
        return Way(steps[: best[0]], stops[best[0]], steps[best[0] :])
    thaw = next((step for step in lifecycle.transitions if _thaws(lifecycle, step, source)), None)
    if thaw is None:
        raise RowRejectedError("state", "frozen", f"state: records in state '{source}' cannot be written")
    return Way((thaw,), thaw.target, _path(lifecycle, thaw.target, target))


def leaves_frozen_state(lifecycle: Lifecycle, way: Way) -> bool:
    """Whether a step leads out of a state in which the record may not be written."""
    return any(step.source in lifecycle.frozen for step in (*way.before, *way.after))


def is_sealed(lifecycle: Lifecycle, state: str) -> bool:
    """Whether a record in this state can be neither written nor taken to another one."""
    return state in lifecycle.frozen and all(step.source != state for step in lifecycle.transitions)


def free_fields(lifecycle: Lifecycle) -> frozenset[str]:
    """The fields that are written in every state; the sync key is one of them where there are any."""
    return frozenset({*lifecycle.free, SYNC_KEY_FIELD}) if lifecycle.free else frozenset()


def passed_states(lifecycle: Lifecycle, source: str, target: str) -> frozenset[str]:
    """The states in which a record may be left by a run that dies on its way from one state to another."""
    thawed = (step.target for step in lifecycle.transitions if _thaws(lifecycle, step, source))
    passed = (step.target for step in _path(lifecycle, source, target))
    return frozenset((source, *passed, *(thawed if source in lifecycle.frozen else ())))


def _thaws(lifecycle: Lifecycle, step: Transition, source: str) -> bool:
    return step.source == source and step.target not in lifecycle.frozen


def _path(lifecycle: Lifecycle, source: str, target: str) -> tuple[Transition, ...]:
    ways: deque[tuple[str, tuple[Transition, ...]]] = deque([(source, ())])
    seen = {source}
    while ways:
        state, steps = ways.popleft()
        if state == target:
            return steps
        for step in lifecycle.transitions:
            if step.source == state and step.target not in seen:
                seen.add(step.target)
                ways.append((step.target, (*steps, step)))
    raise RowRejectedError("state", "no_transition", f"state: no way leads from '{source}' to '{target}'")
