"""Ways between the states of a record: pure functions over a target's `Lifecycle`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.targets import Lifecycle, Target, Transition


@dataclass(frozen=True, slots=True)
class TransitionPath:
    """How a record gets to its state, and where on the path it is written.

    Attributes:
        before: steps taken before the values are written.
        written_in: the state in which they are written.
        after: steps taken afterwards.
    """

    before: tuple[Transition, ...]
    written_in: str
    after: tuple[Transition, ...]

    @property
    def steps(self) -> tuple[Transition, ...]:
        """All steps, in their order."""
        return (*self.before, *self.after)

    @property
    def is_empty(self) -> bool:
        """Whether no step is taken."""
        return not self.steps


def plan_path(lifecycle: Lifecycle, source: str, target: str, *, writes: bool) -> TransitionPath:
    """The shortest path from one state to another that passes a state in which the record may be written.

    Args:
        lifecycle: of the target.
        source: the state that the record is in.
        target: the state that it has to reach.
        writes: whether there is anything to write.

    Raises:
        RowRejectedError: no path leads there.
    """
    steps = _path(lifecycle, source, target)
    if not writes:
        return TransitionPath((), source, steps)
    stops = (source, *(step.target for step in steps))
    open_stops = [index for index, state in enumerate(stops) if state not in lifecycle.read_only]
    best = [index for index in open_stops if stops[index] in lifecycle.edited_in] or open_stops
    if best:
        return TransitionPath(steps[: best[0]], stops[best[0]], steps[best[0] :])
    unlock_step = next((step for step in lifecycle.transitions if _unlocks(lifecycle, step, source)), None)
    if unlock_step is None:
        raise RowRejectedError("state", "frozen", f"state: records in state '{source}' cannot be written")
    return TransitionPath((unlock_step,), unlock_step.target, _path(lifecycle, unlock_step.target, target))


def leaves_read_only_state(lifecycle: Lifecycle, path: TransitionPath) -> bool:
    """Whether a step leads out of a state in which the record may not be written."""
    return any(step.source in lifecycle.read_only for step in path.steps)


def is_immutable(lifecycle: Lifecycle, state: str) -> bool:
    """Whether a record in this state can be neither written nor taken to another one."""
    return state in lifecycle.read_only and all(step.source != state for step in lifecycle.transitions)


def is_unlocked_only_to_write(lifecycle: Lifecycle, path: TransitionPath) -> bool:
    """Whether the record leaves a read-only state for the writing only."""
    return bool(path.before and path.after) and path.before[0].source == path.after[-1].target in lifecycle.read_only


def steps_to_lock_again(lifecycle: Lifecycle, path: TransitionPath) -> tuple[str, tuple[Transition, ...]] | None:
    """The state in which a record is once it has left its read-only state, and the steps back; None if it does not."""
    for step in path.steps:
        if step.source in lifecycle.read_only:
            return step.target, _path(lifecycle, step.target, step.source)
    return None


def always_writable_fields(target: Target) -> frozenset[str]:
    """The fields that are written in every state, those of lines as "order_line.x_rate_plan".

    The sync keys are among them where there are any.
    """
    lines, lifecycle = target.lines, target.lifecycle
    if lifecycle is None or not lifecycle.always_writable:
        return frozenset()
    of_lines = (
        (f"{lines.field}.{name}" for name in (*lines.always_writable, SYNC_KEY_FIELD))
        if lines and lines.always_writable
        else ()
    )
    return frozenset({*lifecycle.always_writable, SYNC_KEY_FIELD, *of_lines})


def with_auto_lock(target: Target) -> Target:
    """The target on a server that takes its records on to a read-only state by itself."""
    lifecycle = target.lifecycle
    if lifecycle is None or lifecycle.auto_lock is None:
        return target
    auto = lifecycle.auto_lock
    steps = tuple(
        replace(step, target=auto.becomes) if step.target == auto.state and step.source != auto.becomes else step
        for step in lifecycle.transitions
    )
    changed = replace(lifecycle, transitions=steps, equivalents={**lifecycle.equivalents, auto.state: auto.becomes})
    return replace(target, lifecycle=changed)


def passed_states(lifecycle: Lifecycle, source: str, target: str, *, unlocks: bool = True) -> frozenset[str]:
    """The states in which a record may be left by a run that dies on its path from one state to another.

    Args:
        lifecycle: of the target.
        source: the state that the record was in.
        target: the state that it has to reach.
        unlocks: the run may have taken the record out of a read-only state.
    """
    if source in lifecycle.read_only and not unlocks:
        return frozenset((source,))
    unlocked = (step.target for step in lifecycle.transitions if _unlocks(lifecycle, step, source))
    passed = (step.target for step in _path(lifecycle, source, target))
    return frozenset((source, *passed, *(unlocked if source in lifecycle.read_only else ())))


def _unlocks(lifecycle: Lifecycle, step: Transition, source: str) -> bool:
    return step.source == source and step.target not in lifecycle.read_only


def _path(lifecycle: Lifecycle, source: str, target: str) -> tuple[Transition, ...]:
    paths: deque[tuple[str, tuple[Transition, ...]]] = deque([(source, ())])
    seen = {source}
    while paths:
        state, steps = paths.popleft()
        if state == target:
            return steps
        for step in lifecycle.transitions:
            if step.source == state and step.target not in seen:
                seen.add(step.target)
                paths.append((step.target, (*steps, step)))
    raise RowRejectedError("state", "no_transition", f"state: no path leads from '{source}' to '{target}'")
