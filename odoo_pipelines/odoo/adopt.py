"""Decides which record that people entered in Odoo is a row's own: the rules, as a target declares them. Pure.

An address only proposes. What names and circumstances do not decide makes a new record, and a doubt that a person can
look at; nothing here depends on the order of rows, chunks or runs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, sync_key
from odoo_pipelines.engine.rows import Doubt, ResolvedRow
from odoo_pipelines.systems.records import POSSIBLE_MATCH, WHOLE_RECORD, Conflict, Resolution
from odoo_pipelines.systems.targets import Adoption

ARCHIVED = "archived"
BOUND = "bound"
CLAIMED = "claimed"
NO_NAME = "no_name"
NOT_ADOPTED = "not_adopted"
OTHER_NAME = "other_name"
PARENT = "has_contacts"
SAME_NAME = "same_name"
USED = "user_or_company"

_MAX_DOUBTS = 5
"""Candidates noted of one row: a relay address may be that of hundreds of contacts."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of Odoo that has something in common with a row.

    Attributes:
        odoo_id: of the record.
        values: as they were read.
        by: the fields of Odoo that it was proposed by.
        agrees: its name is the row's.
        obstacle: code of what keeps it from being adopted without asking, whatever its name is; "" for nothing.
    """

    odoo_id: int
    values: Mapping[str, Any]
    by: frozenset[str]
    agrees: bool
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a row with candidates.

    Attributes:
        adopted: id of the record that it is bound to; None for a new one.
        doubts: candidates that a person should look at.
    """

    adopted: int | None = None
    doubts: tuple[Doubt, ...] = ()


def form_of(adoption: Adoption, name: Any) -> Hashable | None:
    """The form in which a name is compared; None for one that agrees with nothing."""
    return adoption.form(name) if name and isinstance(name, str) else None


def candidates(
    adoption: Adoption, integration: str, row: ResolvedRow, records: Iterable[Mapping[str, Any]]
) -> list[Candidate]:
    """The candidates of a row among the records that were found, oldest first.

    Args:
        adoption: the rules.
        integration: name; records of others are theirs.
        row: whose candidates they are.
        records: as they were read, perhaps several times; those with a sync key as well.
    """
    wanted = form_of(adoption, row.values.get(adoption.name))
    ours = sync_key(integration, adoption.entity, "")
    found: dict[int, Candidate] = {}
    for record in records:
        by = frozenset(
            each.search
            for each in adoption.proposals
            if (value := row.values.get(each.value)) and str(record[each.search] or "") == str(value)
        )
        agrees = wanted is not None and form_of(adoption, record[adoption.name]) == wanted
        key = record[SYNC_KEY_FIELD]
        if by and key != row.key and (not key or (agrees and str(key).startswith(ours))):
            obstacle = BOUND if key else _obstacle(adoption, record)
            found[record["id"]] = Candidate(record["id"], record, by, agrees, obstacle)
    return [found[each] for each in sorted(found)]


def _obstacle(adoption: Adoption, record: Mapping[str, Any]) -> str:
    if record.get("active", True) is False:
        return ARCHIVED
    for demand in adoption.demands:
        if (record[demand.field] or False) != demand.value:
            return demand.code
    return ""


def may_be_adopted(some: Iterable[Candidate]) -> list[Candidate]:
    """Those that nothing but their circumstances in Odoo, and the claims of others, keeps from being adopted."""
    return [each for each in some if each.agrees and not each.obstacle]


def with_obstacles(some: Iterable[Candidate], obstacles: Mapping[int, str], *, of_all: bool) -> list[Candidate]:
    """The candidates with what else keeps them from being adopted, by id.

    Args:
        some: of one row.
        obstacles: by id of the record, of those that were looked at.
        of_all: all candidates were looked at, and not only those that agree with some row.
    """
    return [
        replace(each, obstacle=obstacles.get(each.odoo_id, ""))
        if (of_all or each.agrees) and not each.obstacle
        else each
        for each in some
    ]


def decide(some: Sequence[Candidate], claimed: Set[int]) -> Decision:
    """Decides a row.

    Args:
        some: its candidates.
        claimed: ids of records whose address and name are those of another row of the source, too.
    """
    best = _best(may_be_adopted(some))
    if best is None or best.odoo_id in claimed or any(each.obstacle == BOUND for each in some):
        return Decision(None, doubts(some, claimed))
    others = [each for each in some if each.agrees and each is not best]
    return Decision(best.odoo_id, doubts(others, claimed))


def doubts(some: Iterable[Candidate], claimed: Set[int] = frozenset(), *, never: bool = False) -> tuple[Doubt, ...]:
    """What is said of candidates that are not adopted; of too many those with the row's name, and the oldest."""
    kept = sorted(some, key=lambda each: (not each.agrees, each.odoo_id))[:_MAX_DOUBTS]
    return tuple(Doubt(each.odoo_id, NOT_ADOPTED if never else _code(each, claimed)) for each in kept)


def _best(some: Sequence[Candidate]) -> Candidate | None:
    """The only one, or the one that has more in common with the row than each of the others."""
    for each in some:
        if all(each.by > other.by for other in some if other is not each):
            return each
    return None


def _code(candidate: Candidate, claimed: Set[int]) -> str:
    if candidate.obstacle:
        return candidate.obstacle
    if not candidate.agrees:
        return OTHER_NAME
    return CLAIMED if candidate.odoo_id in claimed else SAME_NAME


def question(adoption: Adoption, row: ResolvedRow, some: Sequence[Candidate]) -> Conflict:
    """Asks a person which of the candidates a row's record is, if any.

    What is shown must not depend on the other rows of a load: an answer counts while the same is shown.
    """
    fields = [adoption.name, *dict.fromkeys(each.search for each in adoption.proposals)]
    shown = [
        {
            "id": each.odoo_id,
            **{name: each.values[name] or None for name in dict.fromkeys(fields)},
            "why": _code(each, frozenset()),
        }
        for each in some
    ]
    said = {
        name: row.values.get(name) or None for name in [adoption.name, *(each.value for each in adoption.proposals)]
    }
    reason = (
        f"{len(some)} records of Odoo have something in common with it, and none is certainly its own: take one of "
    )
    reason += "them with --adopt, or have a new one made with --new"
    at = row.row.updated_at
    return Conflict(WHOLE_RECORD, POSSIBLE_MATCH, reason, external=said, odoo=shown, external_at=at)


def answered(answer: Resolution | None, asked: Conflict, some: Sequence[Candidate]) -> Decision | None:
    """The decision of a person; None where there is none, or the candidates are not those that were shown."""
    if answer is None or answer.odoo != asked.odoo:
        return None
    if answer.choice == "new":
        return Decision(None, doubts(some))
    if answer.choice == "adopt" and answer.value in {each.odoo_id for each in some}:
        return Decision(answer.value)
    return None
