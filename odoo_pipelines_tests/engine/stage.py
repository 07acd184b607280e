"""A stage on which a source, people in Odoo, faults and runs play at random, each step held against the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import OdooConflictError, OdooTransientError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, SALE_ORDER
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import Conflict, Key, Outcome, Resolution, RowOutcome
from odoo_pipelines_tests.engine.fakes import Call, KilledError, Row
from odoo_pipelines_tests.engine.model import (
    Answer,
    Circumstances,
    Memory,
    Part,
    Possible,
    Values,
    Version,
    after_a_part,
    after_all,
)
from odoo_pipelines_tests.engine.sales import DAY, World, booking, guest, moment, product, room

ROOM = "double"
LINES = ("1", "2")
PARTS = {"guest": ("city", "zip"), "booking": ("client_order_ref", *LINES)}
FLOWS = {"guest": PARTNER, "booking": SALE_ORDER}
LINE_MODEL = "sale.order.line"
PRICE, ORDERED = 80.0, "2026-02-03 04:05:06"

GUESTS = [("guest", "g1"), ("guest", "g2")]
BOOKINGS = [("booking", "b1"), ("booking", "b2")]

Clock: TypeAlias = Literal["right", "ahead", "behind", "silent", "stopped"]
Kind: TypeAlias = Literal["killed call", "killed commit", "lost", "concurrent", "outage"]
Fault: TypeAlias = tuple[Kind, int, bool]
Run: TypeAlias = tuple[bool, int, Fault | None]


@dataclass
class Batch:
    """What one extraction brought."""

    rows: dict[Key, Version]
    complete: bool
    begun: bool = False


@dataclass
class Tracked:
    """A record of the source.

    Attributes:
        version: as the source has it now.
        possible: what the model deems possible.
        edited: the day of the last edit in Odoo, of each part; of a field that of the record, which lines touch, too.
        maybe: days of runs that may have written it and not remembered that.
    """

    version: Version
    possible: set[Possible]
    edited: dict[str, int] = field(default_factory=dict)
    maybe: set[int] = field(default_factory=set)

    def written(self, part: str, *, there: bool) -> frozenset[int]:
        days = {self.edited.get(part, 0) if part in LINES else max(self.edited.values(), default=0)}
        if not there:  # the time of a line that is not there is its record's
            days = {max(self.edited.values(), default=0)}
        return frozenset(days | {day for day in self.maybe if day > min(days)})


class Stage:
    """The source, Odoo, the people of both, and what is between them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.world = World(policies=FlowPolicies(policy))
        self.day = 1
        self.source: dict[Key, Tracked] = {}
        self.changed: dict[str, set[Key]] = {"guest": set(), "booking": set()}
        self.pending: dict[str, list[Batch]] = {"guest": [], "booking": []}
        self.refused: set[Key] = set()
        self.backups: list[dict[Key, Version]] = []
        self.open: dict[Key, tuple[Conflict, ...]] = {}
        self.answered: dict[Key, tuple[Resolution, ...]] = {}
        self.heard = 0
        self.before: dict[Key, dict[str, Any]] = {}
        self.world.products(product(ROOM))
        for key in (*GUESTS, *BOOKINGS):
            self.source_has(key, {"1": 2.0, "2": 3.0} if key in BOOKINGS else {})
        self.world.state.after.append(self._forget_answers)
        self.run(True, 3, None)
        self.world.odoo.refuse = self._refusal

    def somebody_edits(self, key: Key, part: str, value: Any) -> None:
        record = self.record(key)
        if record is None or self.is_refused(key) or record.get("locked"):
            return
        self.tomorrow()
        if part in LINES:
            line = self._lines(record).get(part)
            if line is None:
                return
            self.world.odoo.write(LINE_MODEL, [line["id"]], {"product_uom_qty": value})
        values = {} if part in LINES else {part: value}
        self.world.odoo.write(FLOWS[key[0]].model, [record["id"]], values)  # Odoo counts the total anew with a line
        self.edited(key, part)

    def run(self, full: bool, chunk_size: int, fault: Fault | None) -> list[RowOutcome]:
        """Extracts, and loads what is pending; holds what came of it against the model."""
        self.tomorrow()
        self._extract(full=full)
        self.answered = {key: tuple(some) for key, some in self.world.state.answers.items()}
        self.before = {key: dict(self.seen(key) or ()) for key in self.source}
        before = len(self.world.state.outcomes)
        lift = self._inject(fault)
        self.world.odoo.calls.clear()
        for entity in FLOWS:
            batches = _since_complete(self.pending[entity])
            met = _versions(batches)
            began = len(self.world.state.outcomes)
            try:
                self._load(entity, batches, full=full, chunk_size=chunk_size)
            except (KilledError, OdooTransientError):
                lift()
                self._compare_after_a_fault(entity, met, full=full)
                return []
            self.pending[entity] = []
            self._compare(entity, met, self.world.state.outcomes[began:], full=full)
        lift()
        return self.world.state.outcomes[before:]

    def _extract(self, *, full: bool) -> None:
        for entity, pending in self.pending.items():
            keys = [key for key in self.source if key[0] == entity and (full or key in self.changed[entity])]
            if keys or full:
                pending.append(Batch({key: self._shown(key) for key in keys}, complete=full))
            self.changed[entity] = set()

    def _shown(self, key: Key) -> Version:
        """A version as an extraction has it: no change time is later than today."""
        version = self.source[key].version
        return replace(version, at=None if version.at is None else min(version.at, self.day), seen=self.day)

    def _load(self, entity: str, batches: Sequence[Batch], *, full: bool, chunk_size: int) -> None:
        # One chunk at a time: what is killed must not depend on the scheduler.
        loader = self.world.loader(FLOWS[entity], verify=full, chunk_size=chunk_size, in_flight=1)
        begun, fresh = _rows(batches, begun=True), _rows(batches, begun=False)
        for batch in batches:
            batch.begun = True
        for rows, resumed in ((begun, True), (fresh, False)):
            counts = loader.load(rows, resumed=resumed).counts
            assert counts.balanced
            assert counts.extracted == len(rows)

    def _inject(self, fault: Fault | None) -> Callable[[], None]:
        """Arms a fault; gives what ends it."""
        if fault is None:
            return lambda: None
        kind, number, afterwards = fault
        side: Any = self.world.state if kind == "killed commit" else self.world.odoo
        hooks: list[Any] = side.after if afterwards and kind not in {"concurrent", "outage"} else side.before
        hook = Trouble(kind, number if kind == "killed call" else number // 3)
        hooks.append(hook)
        return lambda: hooks.remove(hook)

    # Held against the model.

    def _compare(
        self, entity: str, met: dict[Key, list[Version]], outcomes: Sequence[RowOutcome], *, full: bool
    ) -> None:
        for key, tracked in self._of(entity):
            told = [each for each in outcomes if each.external_id == key[1]]
            last = next((each for each in reversed(told) if each.compared or each.code), None)
            possible = after_all(tracked.possible, met.get(key, []), self._how(key, full=full))
            seen, asked = self.seen(key), self._asked(last)
            tracked.possible = {each for each in possible if (each.odoo, each.asked) == (seen, asked)}
            assert tracked.possible, f"{key}: {seen}, asked {asked}; but possible is {_listed(possible)}"
            refused = self.is_refused(key)
            if last is not None:
                assert refused or last.outcome is not Outcome.REJECTED, f"{key}: {last.reason}"
                self.open.pop(key, None)
                if asked:
                    self.open[key] = last.conflicts
            if refused:
                tracked.maybe.add(self.day)
            elif key in met and seen is not None and full:
                self._assert_as_it_should_be(key, tracked.version)
        self._assert_one_to_one(entity)

    def _compare_after_a_fault(self, fault_in: str, met: dict[Key, list[Version]], *, full: bool) -> None:
        for key, tracked in self._of(fault_in):
            if key in met:
                tracked.maybe.add(self.day)
                how = self._how(key, full=full)
                possible = after_a_part(tracked.possible, met[key], how, self.seen(key))
                assert possible, f"{key}: {self.seen(key)}, from {_listed(tracked.possible)}"
                tracked.possible = {replace(each, asked=frozenset()) for each in possible}
        self._assert_one_to_one(fault_in)

    def _assert_as_it_should_be(self, key: Key, version: Version) -> None:
        record = self.record(key)
        assert record
        assert self.world.state.kept[key].odoo_id == record["id"]
        if version.state is not None:
            values = SALE_ORDER.lifecycle.values_in[version.state] if SALE_ORDER.lifecycle else {}
            assert {name: record[name] for name in values} == values
            assert record["date_order"] == ORDERED
            assert {line["price_unit"] for line in self._lines(record).values()} <= {PRICE}

    def _assert_one_to_one(self, entity: str) -> None:
        keys = [row[SYNC_KEY_FIELD] for row in self.world.odoo.rows(FLOWS[entity].model)]
        assert len(keys) == len(set(keys))
        lines = [row[SYNC_KEY_FIELD] for row in self.world.odoo.rows(LINE_MODEL)]
        assert len(lines) == len(set(lines))
        bound = {(each.model, each.odoo_id) for each in self.world.state.kept.values()}
        assert len(bound) == len(self.world.state.kept)

    def _how(self, key: Key, *, full: bool) -> Circumstances:
        answers = {
            part_of(each.field): Answer(each.choice, each.value, _value(each.external), _value(each.odoo))
            for each in self.answered.get(key, [])
        }
        tracked = self.source[key]
        written = {part: tracked.written(part, there=self.before[key].get(part) is not None) for part in PARTS[key[0]]}
        return Circumstances(self.policy, full, written, self.is_refused(key), answers)

    def seen(self, key: Key) -> Values | None:
        """What Odoo holds of a record; a line without a quantity is none."""
        record = self.record(key)
        if record is None:
            return None
        lines = self._lines(record) if key[0] == "booking" else {}
        quantity = {name: line["product_uom_qty"] or None for name, line in lines.items()}
        return tuple((part, quantity.get(part) if part in LINES else record[part]) for part in PARTS[key[0]])

    # Means.

    def tomorrow(self) -> None:
        self.day += 1
        self.world.odoo.clock = DAY.replace(tzinfo=None) + timedelta(days=self.day - 1, seconds=-self.world.odoo._ticks)

    def source_has(self, key: Key, news: dict[str, Any], state: str | None = None, clock: Clock = "right") -> None:
        self.tomorrow()
        tracked = self.source.get(key)
        parts = PARTS[key[0]]
        if tracked is None:
            empty = dict.fromkeys(parts, False) | dict.fromkeys(set(parts) & set(LINES), None)
            version = Version(0, tuple(empty.items()), "draft" if key[0] == "booking" else None)
            nothing = Possible(Memory(tuple(Part() for _ in parts)), None)
            tracked = self.source[key] = Tracked(version, {nothing})
        values = dict(tracked.version.values) | news
        told = {"right": self.day, "ahead": 10**6, "behind": max(self.day - 5, 0), "silent": None}
        told["stopped"] = tracked.version.at
        tracked.version = Version(told[clock], tuple(values.items()), state or tracked.version.state)
        self.changed[key[0]].add(key)
        self.backups.append({each: tracked.version for each, tracked in self.source.items()})

    def source_is_restored(self, age: int) -> None:
        """The source is as it was so many changes ago, and deltas show nothing of that."""
        self.tomorrow()
        for key, version in self.backups[-1 - age % len(self.backups)].items():
            self.source[key].version = version

    def edited(self, key: Key, *parts: str) -> None:
        tracked = self.source[key]
        tracked.edited |= dict.fromkeys(parts, self.day)
        tracked.possible = {replace(each, odoo=self.seen(key)) for each in tracked.possible}

    def _forget_answers(self) -> None:
        """Answers are over with the comparison that has met them, as the state says."""
        for each in self.world.state.outcomes[self.heard :]:
            if each.compared:
                self.world.state.answers.pop((each.entity, each.external_id), None)
        self.heard = len(self.world.state.outcomes)

    def record(self, key: Key) -> Row | None:
        rows = self.world.odoo.rows(FLOWS[key[0]].model)
        return next((row for row in rows if row[SYNC_KEY_FIELD] == f"hotel.{key[0]}.{key[1]}"), None)

    def _lines(self, record: Row) -> dict[str, Row]:
        lines = [line for line in self.world.odoo.rows(LINE_MODEL) if line["order_id"] == record["id"]]
        return {line[SYNC_KEY_FIELD].split(".")[3]: line for line in lines}

    def _refusal(self, model: str, row: Row) -> str:
        if model == LINE_MODEL:
            order = self.world.odoo.tables["sale.order"].get(row["order_id"], {})
            key = ("lines", str(order.get(SYNC_KEY_FIELD)).rpartition(".")[2])
        else:
            entity, _, external_id = str(row.get(SYNC_KEY_FIELD)).removeprefix("hotel.").partition(".")
            key = (entity, external_id)
        return "not now" if key in self.refused else ""

    def is_refused(self, key: Key) -> bool:
        return key in self.refused or ("lines", key[1]) in self.refused

    def _of(self, entity: str) -> list[tuple[Key, Tracked]]:
        return [(key, tracked) for key, tracked in self.source.items() if key[0] == entity]

    def _asked(self, outcome: RowOutcome | None) -> frozenset[str]:
        return frozenset(part_of(each.field) for each in outcome.conflicts) if outcome else frozenset()


@dataclass
class Trouble:
    """A fault at one call or commit; an outage goes on."""

    kind: Kind
    left: int

    def __call__(self, call: Call | None = None) -> None:
        if self.kind in {"lost", "concurrent"} and call and not call.writes:
            return
        self.left -= 1
        if self.left == -1 or (self.left < 0 and self.kind == "outage"):
            raise self._error()

    def _error(self) -> BaseException:
        if self.kind.startswith("killed"):
            return KilledError()
        return OdooConflictError("rolled back") if self.kind == "concurrent" else OdooTransientError("no answer")


def _since_complete(batches: list[Batch]) -> list[Batch]:
    """The last complete batch and all later ones, and those that were begun."""
    first = max((number for number, each in enumerate(batches) if each.complete), default=0)
    return [each for number, each in enumerate(batches) if each.begun or number >= first]


def _in_order(batches: Iterable[Batch]) -> list[Batch]:
    return sorted(batches, key=lambda each: not each.begun)


def _rows(batches: Sequence[Batch], *, begun: bool) -> list[MappedRow]:
    return [_row(*item) for batch in batches if batch.begun is begun for item in batch.rows.items()]


def _versions(batches: Sequence[Batch]) -> dict[Key, list[Version]]:
    """The versions of each record that a run meets."""
    met: dict[Key, list[Version]] = {}
    for batch in _in_order(batches):
        for key, version in batch.rows.items():
            met.setdefault(key, []).append(replace(version, begun=batch.begun))
    return met


def _row(key: Key, version: Version) -> MappedRow:
    values: dict[str, Any] = {name: value or None for name, value in version.values if name not in LINES}
    if key[0] == "guest":
        return replace(guest(key[1], version.at, **values), seen_at=moment(version.seen))
    lines = [room(name, quantity=quantity) for name, quantity in version.values if name in LINES and quantity]
    row = booking(key[1], version.at, state=version.state, lines=lines, **values)
    return replace(row, seen_at=moment(version.seen))


def part_of(name: str) -> str:
    """The part that a field of a conflict is about."""
    return name.partition("[")[2].split(".")[3] if "[" in name else name


def _value(value: Any) -> Any:
    """A side of a conflict as the model has it: of a line its quantity."""
    return value["product_uom_qty"] if isinstance(value, dict) else value


def _listed(possible: Iterable[Possible]) -> str:
    return "\n".join(["", *sorted(map(str, possible))])
