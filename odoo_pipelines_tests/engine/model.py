"""What must hold of one record, told as simply as possible: the table of DESIGN section 5, and what is not known.

A record has parts: fields, and the quantity of each line. The engine's memory of a record cannot be seen, and a run
that is killed may have done a row, a part of it, or nothing. So the model keeps every memory that is possible, and
drops those that contradict what is in Odoo afterwards. If none is left, the engine did what it must not do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from odoo_pipelines.systems.policies import Policy
from odoo_pipelines.systems.records import Choice

Values: TypeAlias = tuple[tuple[str, Any], ...]
"""Values by part, in a fixed order; of a line that is not there, None."""

NEVER = "never agreed on"
OUR_OWN_WRITE = 10**6
"""A day later than all others."""


@dataclass(frozen=True, slots=True)
class Version:
    """A record of the source.

    `at` is the day of its last change, as far as it is told; it was seen in a walk, `begun` by a run that died.
    """

    at: int | None
    values: Values
    state: str | None = None
    seen: int = 0
    begun: bool = False

    def says_what(self, other: Version) -> bool:
        return (self.values, self.state) == (other.values, other.state)


@dataclass(frozen=True, slots=True)
class Left:
    """A decision for Odoo's value: both values then, and the day on which Odoo's was written."""

    external: Any
    odoo: Any
    at: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """What is remembered of a part: the last value of both sides, and what a refused row may have left in Odoo."""

    agreed: Any = NEVER
    left: Left | None = None
    ours: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a record; `done` is its last row, and nothing of it is left to do unless it was refused."""

    parts: tuple[Part, ...]
    done: Version | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Possible:
    """What may be: a memory, Odoo's values (None if the record is gone), and the parts that a human is asked about."""

    memory: Memory
    odoo: Values | None
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """A human's answer, and the values of both sides in the question."""

    choice: Choice
    value: Any
    external: Any
    odoo: Any


@dataclass(frozen=True, slots=True)
class Circumstances:
    """In which a row is met.

    Attributes:
        policy: of all fields.
        verify: Odoo's side is looked at even if the row is known.
        written: by part, the days on which Odoo's side may have been written last: a line has a time of its own.
        refusing: Odoo may refuse the record.
        answers: by part.
    """

    policy: Policy
    verify: bool
    written: Mapping[str, frozenset[int]]
    refusing: bool = False
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sides:
    external: Any
    odoo: Any


@dataclass(frozen=True, slots=True)
class _Times:
    """The day of the external change, and those on which Odoo's side may have been written last."""

    external: int | None
    odoo: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Met:
    part: Part
    odoo: Any
    asked: bool = False


def after_all(now: Iterable[Possible], rows: Sequence[Version], how: Circumstances) -> set[Possible]:
    """What may be when a run has ended well that has met these rows of a record, one after the other."""
    ends = set()
    for met in {tuple(rows), _folded(rows)}:
        some = {replace(each, asked=frozenset()) for each in now}
        for row in met:
            some = {new for each in some for new in meet(each, row, how)}
        ends |= some
    return ends


def after_a_part(
    now: Iterable[Possible], rows: Sequence[Version], how: Circumstances, seen: Values | None
) -> set[Possible]:
    """What may be when a run has died somewhere on its path through these rows, and Odoo is as seen."""
    found = set()
    for met in {tuple(rows), _folded(rows)}:
        some = set(now)
        for row in (*met, None):
            paths = {each: meet(each, row, how) if row else {each} for each in some}
            found |= {Possible(each.memory, seen) for each, ends in paths.items() if _on_the_way(each, ends, seen)}
            some = {end for ends in paths.values() for end in ends}
    return found


def meet(now: Possible, row: Version, how: Circumstances) -> set[Possible]:
    """What may be when a row of the record was met."""
    memory = now.memory
    known = memory.done is not None and not memory.refused and memory.done.says_what(row)
    if known and not how.verify and not how.answers:
        return {replace(now, memory=_with_time(memory, row))}
    older = not known and memory.done is not None and _is_newer(memory.done.at, row.at)
    noted = _noted(now, row) if row.begun else now
    if older and not how.verify:
        return {noted}
    ends = {_created(row)} if now.odoo is None else _merged(now, row, how)
    if not how.verify and not how.answers and _says_nothing_new(memory, row):
        ends.add(replace(now, memory=_with_time(memory, row)))  # Odoo need not be looked at
    if memory.done is not None and not known and row.seen < memory.done.seen and not _is_newer(row.at, memory.done.at):
        ends.add(noted)  # what was seen later counts, if it is remembered when that was
    return ends | ({each for end in ends for each in _refused(now, end, row)} if how.refusing else set())


def _noted(now: Possible, row: Version) -> Possible:
    """A row counts no more, but the run that died may have written a part of it."""
    parts = tuple(
        replace(part, ours=part.ours | {value}) for part, (_, value) in zip(now.memory.parts, row.values, strict=True)
    )
    return replace(now, memory=replace(now.memory, parts=parts, refused=True))


def _is_newer(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one > other


def _later(done: Version | None, row: Version) -> Version:
    """The row, unless what is known says the same of a later day."""
    if done is None or _is_newer(row.at, done.at) or done.at is None:
        return row
    if done.says_what(row):
        return replace(done, seen=max(done.seen, row.seen))
    return replace(row, at=done.at if row.at is None else row.at)


def _folded(rows: Sequence[Version]) -> tuple[Version, ...]:
    """The rows, where one that says the same as the one before has come in the same chunk."""
    last = rows[-1:]
    return (*(row for row, after in itertools.pairwise(rows) if not row.says_what(after)), *last)


def _says_nothing_new(memory: Memory, row: Version) -> bool:
    said = (part.left.external if part.left else part.agreed for part in memory.parts)
    same_state = memory.done is not None and memory.done.state == row.state
    return same_state and not memory.refused and tuple(said) == tuple(value for _, value in row.values)


def _with_time(memory: Memory, row: Version) -> Memory:
    return replace(memory, done=_later(memory.done, row))


def _created(row: Version) -> Possible:
    return Possible(Memory(tuple(Part(value) for _, value in row.values), row), row.values)


def _merged(now: Possible, row: Version, how: Circumstances) -> set[Possible]:
    each = [
        _merge(part, _Sides(external, odoo), _Times(row.at, how.written[name]), how.policy, how.answers.get(name))
        for part, (name, external), (_, odoo) in zip(now.memory.parts, row.values, now.odoo or (), strict=True)
    ]
    names = [name for name, _ in row.values]
    done = _later(now.memory.done, row)
    return {
        Possible(
            Memory(tuple(met.part for met in mets), done),
            tuple((name, met.odoo) for name, met in zip(names, mets, strict=True)),
            frozenset(name for name, met in zip(names, mets, strict=True) if met.asked),
        )
        for mets in itertools.product(*each)
    }


def _merge(part: Part, sides: _Sides, times: _Times, policy: Policy, answer: Answer | None) -> list[_Met]:
    if sides.external == sides.odoo:
        return [_Met(Part(sides.external), sides.external)]
    if answer and (answer.external, answer.odoo) == (sides.external, sides.odoo):
        return [_answered(part, answer)]
    ends = _decided(part, sides, times, policy)
    if part.left and (part.left.external is None) is not (sides.external is None):
        # A decision about a line's quantity, or about there being a line: it may count for the other, or not, and our
        # own write since may make the edit in Odoo look later than it was.
        late = replace(times, odoo=times.odoo | {OUR_OWN_WRITE})
        ends += _decided(replace(part, left=None), sides, late, policy)
    return ends


def _decided(part: Part, sides: _Sides, times: _Times, policy: Policy) -> list[_Met]:
    """The table."""
    left, to_external = part.left, _Met(Part(sides.external), sides.external)
    days = sorted({left.at} if left and left.odoo == sides.odoo else times.odoo, key=str)
    kept = [_Met(Part(part.agreed, Left(sides.external, sides.odoo, day)), sides.odoo) for day in days]
    stands = left is not None and (left.external, left.odoo) == (sides.external, sides.odoo)
    external_moved, odoo_moved = _moved(part, sides)
    if policy is Policy.EXTERNAL_WINS or not (stands or odoo_moved):
        return [to_external]
    if stands or (not external_moved and policy is not Policy.ODOO_WINS):
        return kept
    if policy is Policy.ODOO_WINS:
        return kept if sides.odoo else [to_external]
    if policy is Policy.MANUAL:
        return [_Met(Part(part.agreed, left), sides.odoo, asked=True)]
    told = times.external
    wins = [day is None or told is None or told >= day for day in days]
    return [to_external if external else keep for external, keep in zip(wins, kept, strict=True)]


def _moved(part: Part, sides: _Sides) -> tuple[bool, bool]:
    """Which side has moved since they agreed, or since it was decided that they differ."""
    ours = sides.odoo in part.ours
    base = sides.odoo if ours else part.agreed
    external_moved = sides.external != part.left.external if part.left else _differs(sides.external, base)
    odoo_left = part.left is not None and sides.odoo != part.left.odoo
    return external_moved, not ours and (odoo_left or _differs(sides.odoo, base))


def _differs(value: Any, base: Any) -> bool:
    return bool(value) if base is NEVER else bool(value != base)


def _answered(part: Part, answer: Answer) -> _Met:
    value = {"external": answer.external, "odoo": answer.odoo, "value": answer.value}[answer.choice]
    if value == answer.external:
        return _Met(Part(value), value)
    return _Met(Part(part.agreed, Left(answer.external, value, None)), value)


def _refused(now: Possible, end: Possible, row: Version) -> Iterator[Possible]:
    """Odoo has refused the record, or some of its parts; what it took is remembered as ours."""
    parts = tuple(
        Part(part.agreed, part.left, part.ours | ({value} if value == sent else frozenset()))
        for part, (_, value), (_, sent) in zip(now.memory.parts, row.values, end.odoo or row.values, strict=True)
    )
    memory = Memory(parts, now.memory.done, refused=True)
    if now.odoo is None or end.odoo is None:
        yield from (Possible(each, None) for each in (memory, now.memory))
        return
    choices = [{before, after} for before, after in zip(now.odoo, end.odoo, strict=True)]
    yield from (Possible(memory, values) for values in itertools.product(*choices))


def _on_the_way(now: Possible, ends: Iterable[Possible], seen: Values | None) -> bool:
    """Whether every part is as before or as afterwards."""
    return any(_is_between(now.odoo, end.odoo, seen) for end in ends)


def _is_between(before: Values | None, after: Values | None, seen: Values | None) -> bool:
    if seen is None or before is None or after is None:
        return seen in (before, after)
    return all(value in sides for value, sides in zip(seen, zip(before, after, strict=True), strict=True))
