"""Finds the Odoo record of an external record that the state does not know: by sync key, else one that may be adopted.

To adopt a record is to write its sync key with the other changes. It has no xmlid, so it must never go through `load`,
which would create it a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

from odoo_pipelines.engine.destination import AMBIGUOUS_MATCH, BOUND_ELSEWHERE, MERGED, Answers, Found
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, row_key, xmlid
from odoo_pipelines.engine.ports import Claims, FlowState
from odoo_pipelines.engine.rows import Doubt, ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.adopt import (
    BOUND,
    PARENT,
    USED,
    Candidate,
    Decision,
    answered,
    candidates,
    decide,
    doubts,
    form_of,
    may_be_adopted,
    question,
    with_obstacles,
)
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo
from odoo_pipelines.odoo.xmlids import record_of_xmlid, xmlids_of
from odoo_pipelines.systems.policies import AdoptPolicy
from odoo_pipelines.systems.records import WHOLE_RECORD, Conflict, Key
from odoo_pipelines.systems.targets import Adoption, Match, Target

Condition: TypeAlias = tuple[str, str, Any]
Domain: TypeAlias = list[Condition | str]

_EVEN_ARCHIVED: Condition = ("active", "in", [True, False])
_WITHOUT_KEY: Condition = (SYNC_KEY_FIELD, "=", False)
_NEXT_TO_NOTHING = 1e-6


@dataclass(slots=True)
class _Finding:
    """What is known of the rows of a chunk so far, as in `Found`."""

    ids: dict[str, int] = field(default_factory=dict)
    undecidable: dict[str, RowRejectedError] = field(default_factory=dict)
    questions: dict[str, Conflict] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    adopted: set[str] = field(default_factory=set)
    doubts: dict[str, tuple[Doubt, ...]] = field(default_factory=dict)

    def is_open(self, key: str) -> bool:
        """Whether a row has neither a record nor a question."""
        return key not in self.ids and key not in self.undecidable and key not in self.questions

    def found(self) -> Found:
        """The same, for others."""
        adopted, waiting = frozenset(self.adopted), frozenset(self.waiting)
        return Found(self.ids, self.undecidable, self.questions, waiting, adopted, self.doubts)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What Odoo has: ids by sync key, and the records that have something in common with rows."""

    by_key: Mapping[str, list[int]]
    proposed: Sequence[Mapping[str, Any]]


class _Index:
    """Records by what they may have in common with rows; adding to it and asking it may go on at the same time."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def add(self, adoption: Adoption, record: Mapping[str, Any]) -> None:
        """Takes in a record."""
        for each in adoption.proposals:
            if value := record[each.search]:
                self._places.setdefault((each.search, str(value)), []).append(record)

    def of(self, adoption: Adoption, row: ResolvedRow) -> Iterator[Mapping[str, Any]]:
        """The records that have something in common with a row, perhaps several times."""
        for each in adoption.proposals:
            if value := row.values.get(each.value):
                yield from self._places.get((each.search, str(value)), ())


class Binder:
    """Binds the rows of one flow.

    Args:
        integration: name, the first part of every sync key.
        odoo: where records are searched.
        target: their model, and how its records are recognised.
        state: knows which records are bound already.
        claims: the rows of the load.
        adopt: whether records that people entered are adopted.
        archivable: whether the model has the field `active`.
    """

    def __init__(
        self,
        integration: str,
        odoo: Odoo,
        target: Target,
        state: FlowState,
        *,
        claims: Claims,
        adopt: AdoptPolicy,
        archivable: bool,
    ) -> None:
        self._integration = integration
        self._odoo = odoo
        self._target = target
        self._state = state
        self._claims = claims
        self._adopt = adopt
        self._also = [_EVEN_ARCHIVED] if archivable else []
        self._taken: set[int] = set()
        self._adopted = _Index()
        self._asked: set[Key] = set()
        self._lock = Lock()

    def still_theirs(self, bound: Mapping[str, int], odoo: Mapping[int, Mapping[str, Any]]) -> dict[str, int]:
        """The bindings that hold: the record is there, and carries the row's sync key or its xmlid.

        After Odoo was restored from a backup an id may be another record's, which must not be overwritten.
        """
        there = {key: odoo_id for key, odoo_id in bound.items() if odoo_id in odoo}
        doubtful = {key: odoo_id for key, odoo_id in there.items() if odoo[odoo_id][SYNC_KEY_FIELD] != key}
        xmlids = xmlids_of(self._odoo, self._target.model, sorted(doubtful.values()))
        return {key: each for key, each in there.items() if key not in doubtful or xmlids.get(each) == xmlid(key)}

    def find(self, rows: Sequence[ResolvedRow], lost: Set[str] = frozenset(), answers: Answers | None = None) -> Found:
        """Finds the records of rows that the state does not know, or whose record it has lost.

        Args:
            rows: that have no record.
            lost: sync keys of those that had one.
            answers: of humans, by record and field.
        """
        if not rows:
            return Found({}, {})
        searched = self._search(rows)
        finding = _Finding(*_by_sync_key(searched.by_key))
        for key in lost - finding.ids.keys() - finding.undecidable.keys():
            self._refuse_merged(key, finding.undecidable)
        for match in self._target.matches:
            open_rows = [row for row in rows if finding.is_open(row.key)]
            matched = self._by_match(match, open_rows, finding.undecidable)
            self._refuse_bound(open_rows, matched, finding.undecidable)
            finding.ids |= matched
        for adoption in self._target.adoptions:
            own = [row for row in rows if row.row.entity == adoption.entity and row.key not in finding.undecidable]
            self._adopt_some(adoption, own, searched.proposed, finding, lost=lost, answers=answers or {})
            if self._adopt is AdoptPolicy.ASK:
                finding.waiting |= self._waiting(adoption, [row for row in own if finding.is_open(row.key)])
        return finding.found()

    def ids_by_key(self, model: str, keys: Iterable[str]) -> dict[str, list[int]]:
        """All records with these sync keys: what tells which of several writes got through."""
        domain: list[Any] = [(SYNC_KEY_FIELD, "in", sorted(keys))]
        if model == self._target.model:
            domain = [*domain, *self._also]
        found: dict[str, list[int]] = defaultdict(list)
        for row in self._odoo.search_read(model, domain, [SYNC_KEY_FIELD]):
            found[row[SYNC_KEY_FIELD]].append(row["id"])
        return found

    def _search(self, rows: Sequence[ResolvedRow]) -> _Searched:
        """Sync keys and proposals in one request."""
        keys = {row.key for row in rows}
        terms: list[Domain] = [[(SYNC_KEY_FIELD, "in", [row.key for row in rows])]]
        names = {SYNC_KEY_FIELD, *([_EVEN_ARCHIVED[0]] if self._also else [])} if self._target.adoptions else set()
        for adoption in self._target.adoptions:
            if term := _proposed(adoption, [row for row in rows if row.row.entity == adoption.entity]):
                terms.append(term)
            names |= {adoption.name, *(each.search for each in adoption.proposals)}
            names |= {each.field for each in adoption.demands}
        by_key: dict[str, list[int]] = {}
        proposed = []
        for record in self._odoo.search_read(
            self._target.model, [*self._also, *_any_of(terms)], sorted({SYNC_KEY_FIELD, *names})
        ):
            if record[SYNC_KEY_FIELD] in keys:
                by_key.setdefault(record[SYNC_KEY_FIELD], []).append(record["id"])
            proposed.append(record)
        return _Searched(by_key, proposed if len(terms) > 1 else [])

    def _adopt_some(
        self,
        adoption: Adoption,
        rows: Sequence[ResolvedRow],
        proposed: Sequence[Mapping[str, Any]],
        finding: _Finding,
        *,
        lost: Set[str],
        answers: Answers,
    ) -> None:
        """Gives rows without a record one that people entered, and notes which others may be the same."""
        some = self._candidates(adoption, rows, proposed)
        open_rows = {row.key for row in rows if finding.is_open(row.key)}
        may_take_any = self._adopt is AdoptPolicy.ASK  # a person must see what each of them is
        likely = {each.odoo_id: each for key in open_rows & some.keys() for each in may_be_adopted(some[key])}
        looked_at = {each.odoo_id: each for key in open_rows & some.keys() for each in some[key]}
        obstacles = self._obstacles(adoption, looked_at if may_take_any else likely)
        claims = self._claimants(adoption, [each for each in likely.values() if each.odoo_id not in obstacles])
        for row in rows:
            if row.key not in some:
                continue
            own = with_obstacles(some[row.key], obstacles, of_all=may_take_any)
            if row.key not in open_rows:
                if row.key not in lost:
                    finding.doubts[row.key] = doubts(own)
                continue
            claimed = {each for each, ids in claims.items() if ids - {row.row.external_id}}
            self._decide(adoption, row, own, claimed, finding, may_ask=row.key not in lost, answers=answers)

    def _decide(
        self,
        adoption: Adoption,
        row: ResolvedRow,
        own: Sequence[Candidate],
        claimed: Set[int],
        finding: _Finding,
        *,
        may_ask: bool,
        answers: Answers,
    ) -> None:
        choices = [each for each in own if each.obstacle != BOUND]
        asked = question(adoption, row, choices)
        decision = answered(answers.get(row.row.key, {}).get(WHOLE_RECORD), asked, choices)
        if decision and decision.adopted and self._bound([decision.adopted]):
            decision = None  # somebody has cleared the sync key of another row's record
        if decision is None:
            decision = self._by_rule(own, claimed)
            if self._adopt is AdoptPolicy.ASK and may_ask and choices and decision.adopted is None:
                finding.questions[row.key] = asked
                self._asked.add(row.row.key)
                return
        if decision.adopted is not None and not self._take(decision.adopted):
            decision = Decision(None, doubts(own))
        if decision.adopted is not None:
            finding.ids[row.key] = decision.adopted
            finding.adopted.add(row.key)
            [record] = [each.values for each in own if each.odoo_id == decision.adopted]
            self._adopted.add(adoption, record)
        if decision.doubts:
            finding.doubts[row.key] = decision.doubts

    def _waiting(self, adoption: Adoption, rows: Sequence[ResolvedRow]) -> set[str]:
        """Rows without an address, such as the guest in a booking, that must not answer the question themselves."""
        silent = [row for row in rows if not any(row.values.get(each.value) for each in adoption.proposals)]
        return {row.key for row in silent if row.row.key in self._asked or row.row.key in self._asked_before}

    @cached_property
    def _asked_before(self) -> Collection[Key]:
        return self._state.asked()

    def _by_rule(self, own: Sequence[Candidate], claimed: Set[int]) -> Decision:
        if self._adopt is AdoptPolicy.NEVER:
            return Decision(None, doubts(own, never=True))
        return decide(own, claimed)

    def _candidates(
        self, adoption: Adoption, rows: Sequence[ResolvedRow], proposed: Sequence[Mapping[str, Any]]
    ) -> dict[str, list[Candidate]]:
        """Candidates by the sync key of the row; rows without any are missing."""
        index = _Index()
        for record in proposed:
            index.add(adoption, record)
        found = {}
        for row in rows:
            # What a chunk before has adopted is not found any more, and is a candidate nevertheless.
            records = [*self._adopted.of(adoption, row), *index.of(adoption, row)]
            if records and (own := candidates(adoption, self._integration, row, records)):
                found[row.key] = own
        return found

    def _obstacles(self, adoption: Adoption, likely: Mapping[int, Candidate]) -> dict[int, str]:
        """What in Odoo, or in the state, keeps records from being adopted; asked of those alone that would be."""
        ids = sorted(likely)
        if not ids or self._adopt is AdoptPolicy.NEVER:
            return {}
        obstacles = dict.fromkeys(self._bound(ids), BOUND)
        terms: list[Domain] = [[("id", "in", ids), each] for each in adoption.used]
        terms += [[(adoption.parent, "in", ids)]] if adoption.parent else []
        if terms:
            names = [adoption.parent] if adoption.parent else ["id"]
            for record in self._odoo.search_read(self._target.model, _any_of(terms), names, context=EVEN_ARCHIVED):
                parent = record[adoption.parent] if adoption.parent else 0
                if parent in likely:
                    obstacles[parent] = PARENT
                if record["id"] in likely:
                    obstacles[record["id"]] = USED
        return obstacles

    def _bound(self, ids: Sequence[int]) -> list[int]:
        """Those of these records that are provably another row's, although somebody has cleared their sync key."""
        owners = self._state.owners(self._target.model, ids)
        xmlids = xmlids_of(self._odoo, self._target.model, sorted(owners))
        return [
            each
            for each, owner in owners.items()
            if xmlids[each] == xmlid(row_key(self._integration, self._target, *owner))
        ]

    def _claimants(self, adoption: Adoption, likely: Sequence[Candidate]) -> dict[int, set[str]]:
        """By record, the external ids of all rows of the load that have its name and one of its addresses."""
        wanted = {
            each.value: {str(value) for one in likely if (value := one.values[each.search])}
            for each in adoption.proposals
        }
        if not likely or self._adopt is AdoptPolicy.NEVER:
            return {}
        holders: dict[tuple[str, str, Hashable], set[str]] = defaultdict(set)
        for external_id, values in self._claims.holding(adoption.entity, wanted):
            if (form := form_of(adoption, values.get(adoption.name))) is not None:
                for each in adoption.proposals:
                    holders[each.value, str(values.get(each.value) or ""), form].add(external_id)
        return {
            one.odoo_id: set().union(*(holders.get(place, ()) for place in _places(adoption, one))) for one in likely
        }

    def _by_match(
        self, match: Match, rows: Sequence[ResolvedRow], undecidable: dict[str, RowRejectedError]
    ) -> dict[str, int]:
        ids: dict[str, int] = {}
        found = self._matching(match, rows)
        for row in rows:
            value = row.values.get(match.value) if row.row.entity == match.entity else None
            some = found.get(str(value), []) if value else []
            matching = [each["id"] for each in some if _agrees(row, match, each)]
            if len(matching) > 1:
                undecidable[row.key] = _ambiguous(match.value, matching)
            elif matching and self._take(matching[0]):
                ids[row.key] = matching[0]
        return ids

    def _matching(self, match: Match, rows: Sequence[ResolvedRow]) -> dict[str, list[Mapping[str, Any]]]:
        values = _values(match.value, [row for row in rows if row.row.entity == match.entity])
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        if values:
            domain = [(match.search, "in", values), _WITHOUT_KEY, *match.also, *self._also]
            for record in self._odoo.search_read(self._target.model, domain, [match.search, *match.agreeing]):
                found[str(record[match.search])].append(record)
        return found

    def _refuse_bound(
        self, rows: Sequence[ResolvedRow], ids: dict[str, int], undecidable: dict[str, RowRejectedError]
    ) -> None:
        """Two external records may not share one of Odoo's: who came first keeps it, as long as its xmlid proves it.

        Somebody may have cleared the key of a record that is bound. Where Odoo was replaced, the binding means nothing.
        """
        owners = self._state.owners(self._target.model, ids.values()) if ids else {}
        xmlids = xmlids_of(self._odoo, self._target.model, sorted(owners))
        for row in rows:
            owner = owners.get(ids.get(row.key, 0))
            if owner is None or owner == row.row.key:
                continue
            if xmlids[ids[row.key]] == xmlid(row_key(self._integration, self._target, *owner)):
                reason = f"record {ids.pop(row.key)} of Odoo is bound to {owner[0]} '{owner[1]}' already"
                undecidable[row.key] = RowRejectedError(SYNC_KEY_FIELD, BOUND_ELSEWHERE, reason)

    def _refuse_merged(self, key: str, undecidable: dict[str, RowRejectedError]) -> None:
        """When contacts are merged, the vanished one's xmlid moves to the survivor, which `load` would then change."""
        odoo_id = record_of_xmlid(self._odoo, key)
        if odoo_id is not None:  # else the record was deleted, and is created again
            reason = f"its record was merged into record {odoo_id} of Odoo; merge them in the external system, too"
            undecidable[key] = RowRejectedError(SYNC_KEY_FIELD, MERGED, reason)

    def _take(self, odoo_id: int) -> bool:
        """Takes a record for one row; a second row that is to have it in this run, too, is a new record."""
        with self._lock:
            if odoo_id in self._taken:
                return False
            self._taken.add(odoo_id)
            return True


def _places(adoption: Adoption, one: Candidate) -> Iterator[tuple[str, str, Hashable]]:
    """What a row must hold to claim a record, too: one of its addresses, and its name."""
    form = form_of(adoption, one.values[adoption.name])
    for each in adoption.proposals:
        if value := one.values[each.search]:
            yield each.value, str(value), form


def _by_sync_key(found: Mapping[str, list[int]]) -> tuple[dict[str, int], dict[str, RowRejectedError]]:
    ids = {key: each[0] for key, each in found.items() if len(each) == 1}
    ambiguous = {key: _ambiguous(SYNC_KEY_FIELD, each) for key, each in found.items() if len(each) > 1}
    return ids, ambiguous


def _agrees(row: ResolvedRow, match: Match, record: Mapping[str, Any]) -> bool:
    """Whether a record has a row's values in the fields in which it must."""
    return all(_same(row.values[name], record[name]) for name in match.agreeing if name in row.values)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) < _NEXT_TO_NOTHING
    return bool(one == other)


def _values(name: str, rows: Iterable[ResolvedRow]) -> list[str]:
    return sorted({str(value) for row in rows if (value := row.values.get(name))})


def _proposed(adoption: Adoption, rows: Sequence[ResolvedRow]) -> Domain:
    """Finds what has something in common with rows: without a sync key, or with the name of one of them.

    The latter may be the same guest under another id. Others are not asked for: a relay address may have thousands.
    """
    wanted = [(each.search, values) for each in adoption.proposals if (values := _values(each.value, rows))]
    if not wanted:
        return []
    common = _any_of([[(search, "in", values)] for search, values in wanted])
    names = [name for name in _values(adoption.name, rows) if form_of(adoption, name) is not None]
    return [*common, "|", _WITHOUT_KEY, (adoption.name, "in", names)] if names else [*common, _WITHOUT_KEY]


def _any_of(terms: Sequence[Domain]) -> Domain:
    """An Odoo domain that holds where all conditions of one of the terms do."""
    domain: Domain = ["|"] * (len(terms) - 1)
    for term in terms:
        conditions = sum(not isinstance(each, str) for each in term) - sum(each == "|" for each in term)
        domain += ["&"] * (conditions - 1)
        domain += term
    return domain


def _ambiguous(field_name: str, ids: Sequence[int]) -> RowRejectedError:
    found = f"{field_name}: {len(ids)} records of Odoo match (ids {sorted(ids)[:5]})"
    return RowRejectedError(field_name, AMBIGUOUS_MATCH, f"{found}; merge them, or clear the field on all but one")
