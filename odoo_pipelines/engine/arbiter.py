"""Settles the differences of one record, one after the other, and remembers how. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from odoo_pipelines.engine.base import OURS, UNKNOWN, Base, Kept, NoValue
from odoo_pipelines.engine.decision import Sides, Times, Winner, winner
from odoo_pipelines.engine.names import STATE, general_name
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import BOTH_CHANGED, SEALED, SET_BACK, Conflict, FieldChange, Resolution

_REASONS = {
    BOTH_CHANGED: "changed in the external system and in Odoo since they last agreed",
    SEALED: "differs, but the record is in a state in which it is not changed any more; correct it in Odoo and retry, "
    "or take 'odoo' to leave it as it is",
}


@dataclass(frozen=True, slots=True)
class Write:
    """The value that a field gets."""

    value: Any


@dataclass(slots=True)
class Arbiter:
    """Settles one record's differences.

    Attributes:
        policies: of the flow.
        base: what is remembered of the record.
        times: of both sides' last changes.
        answers: a human's, by field.
        ours: fields that actions of our own, which did not get to their end, may have set in Odoo.
        immutable: nothing of the record can be written any more, so what the external side would win is asked about.
        always_writable: fields that can be written nevertheless, as policies name them.
        kept: where Odoo's value was left to differ; by field, as in `Base.kept`.
        conflicts: what a human has to decide.
        written: what will be written.
        moved: fields, none of them always writable, that somebody has changed in Odoo since both sides last agreed.
        answered: fields, none of them always writable, that a human has had written.
    """

    policies: FlowPolicies
    base: Base
    times: Times
    answers: Mapping[str, Resolution] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()
    immutable: bool = False
    always_writable: frozenset[str] = frozenset()
    kept: dict[str, Kept] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    written: list[FieldChange] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)

    def resolve(
        self, name: str, base: Any, external: Any, odoo: Any, cast: Callable[[Any], Any] | None = None
    ) -> Write | None:
        """Settles a difference.

        Args:
            name: of the field; of a line "order_line[<sync key>]", of its field "order_line[<sync key>].price_unit".
            base: value on which both sides last agreed, or UNKNOWN.
            external: the external side's value.
            odoo: Odoo's, which differs.
            cast: checks a value that a human has chosen instead; None where there is no choice but one of the sides.

        Returns:
            What to write; None where Odoo keeps what it has.
        """
        set_back = base is not UNKNOWN and self._is_set_back(name)
        sides = Sides(base, external, odoo, self.base.asked.get(name, UNKNOWN), set_back)
        answer = self.answers.get(name)
        if answer is not None and self._is_usable(name, answer) and (answer.external, answer.odoo) == (external, odoo):
            return self._answered(answer, name, sides, cast)
        policy = self.policies.of(general_name(name))
        kept = self.base.kept.get(name)
        if not set_back:
            self._note_moved(name, odoo)
        won = Winner.EXTERNAL if name in self.ours else winner(policy, sides, kept, self.times)
        if won is Winner.ODOO and self._is_immutable(name) and sides.base is UNKNOWN and kept is None:
            won = Winner.NOBODY  # its record was found: which of two amounts is right, no time of a change can tell
        if won is Winner.EXTERNAL and not self._is_immutable(name):
            return self._external_wins(name, sides, policy, kept if cast else None)
        if won is Winner.ODOO:
            at = kept.at if kept and kept.odoo == odoo else self.times.odoo
            self.kept[name] = Kept(external, odoo, at)
        else:
            self._ask(name, sides)
        return None

    @property
    def all_answered(self) -> bool:
        """Whether a human has asked for all that will be written, apart from what may always be written."""
        return bool(self.answered) and self.answered >= {
            change.field for change in self.written if general_name(change.field) not in self.always_writable
        }

    def of_line(self, key: str, write_date: str) -> Arbiter:
        """The same for a line that was written at another time; what it settles is the record's."""
        return replace(self, times=replace(self.times, odoo=write_date, seen=self.base.seen.get(key, "")))

    def left(self, name: str) -> bool:
        """Whether a field keeps Odoo's value although the external one differs."""
        return name in self.kept or any(each.field == name for each in self.conflicts)

    def remembered(self, compared: Iterable[str]) -> dict[str, Kept]:
        """What was kept, now and before; of the fields compared, only what still differs."""
        if not self.base.kept:
            return self.kept
        names = set(compared)
        return {**{name: each for name, each in self.base.kept.items() if name not in names}, **self.kept}

    def still_asked(self, compared: Iterable[str]) -> dict[str, Any]:
        """Odoo's values about which a human is being asked, now and before; of the fields compared, only now."""
        asked = {each.field: each.odoo for each in self.conflicts}
        if not self.base.asked:
            return asked
        names = set(compared)
        return {**{name: each for name, each in self.base.asked.items() if name not in names}, **asked}

    def _is_set_back(self, name: str) -> bool:
        """Whether Odoo's value is older than what it held when the field was last compared or written."""
        seen = self.base.seen.get(name, self.times.seen)
        return replace(self.times, seen=seen).set_back

    def _is_immutable(self, name: str) -> bool:
        return self.immutable and general_name(name) not in self.always_writable

    def _note_moved(self, name: str, odoo: Any) -> None:
        by_us = name in self.ours or name == STATE or general_name(name) in self.always_writable
        if not by_us and not self.base.is_known_of_odoo(name, odoo):
            self.moved.add(name)

    def _is_usable(self, name: str, answer: Resolution) -> bool:
        """Whether an answer says what to do; "retry" only asks to look again, and an immutable record is not."""
        return answer.choice == "odoo" or (answer.choice != "retry" and not self._is_immutable(name))

    def _answered(self, answer: Resolution, name: str, sides: Sides, cast: Callable[[Any], Any] | None) -> Write | None:
        if answer.choice == "odoo":
            self.kept[name] = Kept(sides.external, sides.odoo)
            return None
        try:
            value = sides.external if answer.choice == "external" else _chosen(name, answer.value, cast)
        except RowRejectedError as error:
            self._ask(name, sides, error.reason)
            return None
        if general_name(name) not in self.always_writable:
            self.answered.add(name)
        self._write(name, sides.odoo, value, Policy.MANUAL.value)
        if value != sides.external:
            self.kept[name] = Kept(sides.external, value)
        return Write(value)

    def _external_wins(self, name: str, sides: Sides, policy: Policy, kept: Kept | None) -> Write:
        """Writes the external value; or a decision for Odoo's that Odoo has lost, as long as it stands."""
        if kept and policy is not Policy.EXTERNAL_WINS and _was_lost(kept, sides):
            self.kept[name] = kept
            self._write(name, sides.odoo, kept.odoo, SET_BACK)
            return Write(kept.odoo)
        brought_back = sides.set_back and sides.base is not OURS and sides.odoo != sides.base
        won_by = policy.value if sides.odoo_changed(kept) else ""
        self._write(name, sides.odoo, sides.external, SET_BACK if brought_back else won_by)
        return Write(sides.external)

    def _write(self, name: str, before: Any, after: Any, policy: str) -> None:
        self.written.append(FieldChange(name, before, after, policy))

    def _ask(self, name: str, sides: Sides, reason: str = "") -> None:
        code = SEALED if self._is_immutable(name) else BOTH_CHANGED
        conflict = Conflict(
            field=name,
            code=code,
            reason=reason or f"{name}: {_REASONS[code]}",
            base=None if isinstance(sides.base, NoValue) else sides.base,
            external=sides.external,
            odoo=sides.odoo,
            external_at=self.times.external,
            odoo_at=self.times.odoo,
        )
        self.conflicts.append(conflict)
        if name in self.base.kept:  # until the answer comes the earlier one stands
            self.kept[name] = self.base.kept[name]


def _was_lost(kept: Kept, sides: Sides) -> bool:
    """Whether a decision for Odoo's value, to which the external side has said nothing new, was lost with a backup."""
    return sides.set_back and kept.external == sides.external and kept.odoo != sides.odoo


def _chosen(name: str, value: Any, cast: Callable[[Any], Any] | None) -> Any:
    if cast is None:
        raise RowRejectedError(name, "no_such_choice", f"{name}: only one of the two sides can be chosen here")
    return cast(value)
