"""The three-way merge: base, external side and Odoo, field by field, and who wins where they differ. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from odoo_pipelines.engine.base import OURS, UNKNOWN, Base, Kept, NoValue
from odoo_pipelines.engine.keys import STATE, general_name
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import BOTH_CHANGED, SEALED, SET_BACK, Conflict, FieldChange, Resolution
from odoo_pipelines.systems.targets import TargetField


class Winner(Enum):
    """Whose value a field has afterwards; NOBODY leaves it as it is and asks a human."""

    EXTERNAL = "external"
    ODOO = "odoo"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Times:
    """When each side was last changed.

    Attributes:
        external: change time of the external row; None where it does not tell.
        odoo: `write_date` of the record, "YYYY-MM-DD HH:MM:SS" in UTC; "" where it was not read.
        seen: the earliest `write_date` that the record may have, unless Odoo was set back; "" where it is not known.
    """

    external: datetime | None
    odoo: str
    seen: str = ""

    @property
    def set_back(self) -> bool:
        """Whether Odoo has an older version of the record than it had before, as after a restore from a backup."""
        return "" < self.odoo < self.seen


@dataclass(frozen=True, slots=True)
class Sides:
    """The values of a field that differs.

    Attributes:
        base: value on which both sides last agreed, UNKNOWN, or OURS.
        external: the external side's value.
        odoo: Odoo's, as it is compared.
        asked: Odoo's when a human was asked about it.
        set_back: Odoo's value is older than what it held before: a backup has brought it back, nobody has edited it.
    """

    base: Any
    external: Any
    odoo: Any
    asked: Any = UNKNOWN
    set_back: bool = False

    def external_changed(self, kept: Kept | None) -> bool:
        """Whether the external side has moved since the base, or since an earlier decision for Odoo."""
        return self.external != kept.external if kept else _changed(self.external, self.base)

    def odoo_changed(self, kept: Kept | None) -> bool:
        """Whether Odoo has moved away from the base, or from an earlier decision; what we wrote is no move."""
        if self.base is OURS:
            return False
        if self.set_back:  # nothing but an edit that was known before is one
            return bool(self.odoo == self.asked or (kept is not None and self.odoo == kept.odoo))
        return _changed(self.odoo, self.base) or (kept is not None and self.odoo != kept.odoo)


def winner(policy: Policy, sides: Sides, kept: Kept | None, times: Times) -> Winner:
    """Decides a field whose values differ.

    Where nothing is known of a base, an empty value counts as not changed: whoever has a value has changed it.

    Args:
        policy: of the field.
        sides: its values.
        kept: an earlier decision for Odoo.
        times: of the last changes.
    """
    if policy is Policy.EXTERNAL_WINS:
        return Winner.EXTERNAL
    if kept is not None and (kept.external, kept.odoo) == (sides.external, sides.odoo):
        return Winner.ODOO  # decided before, and neither side has moved
    if not sides.odoo_changed(kept):
        return Winner.EXTERNAL
    if policy is Policy.ODOO_WINS:
        return Winner.ODOO if sides.odoo else Winner.EXTERNAL
    if not sides.external_changed(kept):
        return Winner.ODOO
    return Winner.NOBODY if policy is Policy.MANUAL else _latest(sides, kept, times)


def _changed(value: Any, base: Any) -> bool:
    return bool(value) if base is UNKNOWN else bool(value != base)


def _latest(sides: Sides, kept: Kept | None, times: Times) -> Winner:
    written = kept.at if kept is not None and kept.odoo == sides.odoo else times.odoo
    if times.external is None or not written:
        return Winner.EXTERNAL
    return Winner.EXTERNAL if times.external >= _utc(written) else Winner.ODOO


def _utc(write_date: str) -> datetime:
    return datetime.fromisoformat(write_date).replace(tzinfo=UTC)


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


def server_names(schema: Schema, fields: Iterable[TargetField], *, only_on_create: bool) -> frozenset[str]:
    """The server's names of the fields that are, or are not, written with new records only."""
    names = (schema.server_name(each.name) for each in fields if each.only_on_create == only_on_create)
    return frozenset(name for name in names if name is not None)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge of fields came to.

    Attributes:
        changes: values to write.
        agreed: external values on which both sides agree once the changes are written.
    """

    changes: Mapping[str, Any]
    agreed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldMerger:
    """Merges fields of one model.

    Attributes:
        schema: of the model.
        create_only: fields that are neither compared nor written later.
        watched: those of them about which a human is asked where nothing of the record can be written any more.
    """

    schema: Schema
    create_only: frozenset[str]
    watched: frozenset[str] = frozenset()

    def merge(
        self,
        external: Mapping[str, Any],
        odoo: Mapping[str, Any],
        arbiter: Arbiter,
        base: Callable[[str, Any], Any],
        prefix: str = "",
    ) -> Merged:
        """Merges the fields of a record or of a line.

        Args:
            external: values that it should have.
            odoo: the record or line as read.
            arbiter: of the record.
            base: gives the base of a field, for Odoo's value of it.
            prefix: of the fields' names: "order_line[<sync key>]." for a line.
        """
        differing = self.differences(external, odoo)
        if self.watched and arbiter.immutable:
            differing |= self._moved(external, odoo, base)
        if not differing:
            return Merged({}, external)
        changes = {}
        for name, stored in differing.items():
            cast = self.schema.caster(name)
            write = arbiter.resolve(f"{prefix}{name}", base(name, stored), external[name], stored, cast)
            if write is not None:
                changes[name] = write.value
        agreed = {name: value for name, value in external.items() if not arbiter.left(f"{prefix}{name}")}
        return Merged(changes, agreed)

    def found_differing(
        self, external: Mapping[str, Any], odoo: Mapping[str, Any], base: Callable[[str, Any], Any]
    ) -> list[str]:
        """Watched fields in which a record that was found differs: nobody has said that they should be the same."""
        differing = self._watched_differing(external, odoo)
        return sorted(name for name, value in differing.items() if base(name, value) is UNKNOWN)

    def _moved(
        self, external: Mapping[str, Any], odoo: Mapping[str, Any], base: Callable[[str, Any], Any]
    ) -> dict[str, Any]:
        """Watched fields that differ, and on which both sides have agreed before."""
        differing = self._watched_differing(external, odoo)
        return {name: value for name, value in differing.items() if base(name, value) is not UNKNOWN}

    def _watched_differing(self, external: Mapping[str, Any], odoo: Mapping[str, Any]) -> dict[str, Any]:
        stored = {name: self.schema.canonical(name, odoo[name]) for name in self.watched & external.keys()}
        return {name: value for name, value in stored.items() if value != external[name]}

    def differences(self, external: Mapping[str, Any], odoo: Mapping[str, Any]) -> dict[str, Any]:
        """Odoo's values, as they are compared, of the fields whose external value is another one."""
        differing = {}
        for name, value in external.items():
            if name not in self.create_only and (stored := self.schema.canonical(name, odoo[name])) != value:
                differing[name] = stored
        return differing
