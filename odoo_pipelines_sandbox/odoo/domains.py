"""Search domains: `=` and `in` go through indexes, everything else scans what is left."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault, value_error
from odoo_pipelines_sandbox.odoo.naming import display_name
from odoo_pipelines_sandbox.odoo.schema import RELATIONAL, Field, Model
from odoo_pipelines_sandbox.odoo.store import index_key


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Branch:
    """`&`, `|` or `!` over other nodes."""

    operator: str
    children: tuple[Node, ...]


Node: TypeAlias = Leaf | Branch
Ids: TypeAlias = Collection[int]

_ARITY = {"!": 1, "&": 2, "|": 2}
_NEGATIVE = {
    "!=": "=",
    "<>": "=",
    "not in": "in",
    "not like": "like",
    "not ilike": "ilike",
    "not =like": "=like",
    "not =ilike": "=ilike",
}
_ORDERING: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PATTERNS = {"like", "ilike", "=like", "=ilike"}


def search(env: Env, model: Model, domain: Sequence[Any]) -> Ids:
    """Ids of the records that match, in no order; archived ones only if the domain speaks of `active`."""
    node = parse(model, domain)
    if model.archivable and env.active_test and not any(leaf.field == "active" for leaf in _leaves(node)):
        node = Branch("&", (*node.children, Leaf("active", "=", True)))  # noqa: FBT003
    return _evaluate(env, model, node, None)


def parse(model: Model, domain: Sequence[Any]) -> Branch:
    """Reads Odoo's prefix notation; conditions that follow each other are joined by `&`."""
    stack: list[Node] = []
    for item in reversed(domain):
        if isinstance(item, str):
            arity = _ARITY.get(item)
            if arity is None or len(stack) < arity:
                raise _invalid(model, domain)
            stack.append(Branch(item, tuple(stack.pop() for _ in range(arity))))
        elif isinstance(item, list | tuple) and len(item) == 3:  # noqa: PLR2004
            stack.append(Leaf(*item))
        else:
            raise _invalid(model, domain)
    return Branch("&", tuple(reversed(stack)))


def _invalid(model: Model, domain: Sequence[Any]) -> OdooFault:
    return value_error(f"Domain({domain!r}) for {model.name} is not valid")


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    else:
        for child in node.children:
            yield from _leaves(child)


def _evaluate(env: Env, model: Model, node: Node, within: Ids | None) -> Ids:
    if isinstance(node, Leaf):
        return _match(env, model, node, within)
    if node.operator == "&":
        for child in sorted(node.children, key=_cost):
            within = _evaluate(env, model, child, within)
        return env.table(model.name).rows.keys() if within is None else within
    found = set().union(*(_evaluate(env, model, child, within) for child in node.children))
    if node.operator == "|":
        return found
    return _without(env.table(model.name).rows.keys() if within is None else within, found)


def _cost(node: Node) -> int:
    """Conditions that an index answers with few records go first."""
    if not isinstance(node, Leaf):
        return 2
    if node.operator in {"=", "in"} and not isinstance(node.value, bool):
        return 1 if isinstance(node.value, list) and any(isinstance(value, bool) for value in node.value) else 0
    return 3


def _without(ids: Iterable[int], excluded: Ids) -> set[int]:
    return {record_id for record_id in ids if record_id not in excluded}


def _match(env: Env, model: Model, leaf: Leaf, within: Ids | None) -> Ids:
    name, _, rest = leaf.field.partition(".")
    field = model.fields.get(name)
    if field is None:
        shown = (leaf.field, leaf.operator, leaf.value)
        raise value_error(f"Invalid field {model.name}.{name} in condition {shown!r}")
    if field.via:
        return _through(env, model, model.fields[field.via], leaf, within)
    if rest:
        # Also for negative conditions: they ask for a related record that does not match.
        return _through(env, model, field, Leaf(rest, leaf.operator, leaf.value), within)
    positive = _NEGATIVE.get(leaf.operator)
    if positive:
        everything = env.table(model.name).rows.keys() if within is None else within
        return _without(everything, _match(env, model, Leaf(leaf.field, positive, leaf.value), within))
    if field.type in RELATIONAL:
        leaf = _by_ids(env, field, leaf)
    if field.inverse:
        return _by_lines(env, model, field, leaf, within)
    return _compare(env, model, field, leaf, within)


def _through(env: Env, model: Model, relation: Field, leaf: Leaf, within: Ids | None) -> Ids:
    """Records whose relation leads to one that matches."""
    targets = _match(env, env.model(relation.relation), leaf, None)
    return _match(env, model, Leaf(relation.name, "in", list(targets)), within)


def _by_ids(env: Env, field: Field, leaf: Leaf) -> Leaf:
    """Names in a condition on a relation are looked up first."""
    if leaf.operator in _PATTERNS or isinstance(leaf.value, str):
        named = search(env, env.model(field.relation), [["display_name", leaf.operator, leaf.value]])
        return Leaf(leaf.field, "in", list(named))
    return leaf


def _by_lines(env: Env, model: Model, field: Field, leaf: Leaf, within: Ids | None) -> Ids:
    rows = env.table(field.relation).rows
    wanted = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    parents = {rows[line][field.inverse] for line in wanted if line in rows}
    if False in wanted:
        everything = env.table(model.name).rows.keys()
        parents |= _without(everything, {row[field.inverse] for row in rows.values()})
    return parents if within is None else parents & set(within)


def _compare(env: Env, model: Model, field: Field, leaf: Leaf, within: Ids | None) -> Ids:
    table = env.table(model.name)
    if leaf.operator in {"=", "in"} and field.name != "display_name":
        operand = _operand(field, leaf)
        wanted = operand if leaf.operator == "in" and isinstance(operand, list | tuple | set) else [operand]
        if field.name == "id":
            return {value for value in wanted if value in (table.rows if within is None else within)}
        if within is None:
            return set().union(*(table.lookup(field.name, value) for value in wanted))
        keys = {index_key(value) for value in wanted}
        return {row_id for row_id in within if _holds(table.rows[row_id].get(field.name), keys)}
    test = _test(model, field, leaf)
    value_of = _value_of(env, model, field)
    return {row_id for row_id in (table.rows if within is None else within) if test(value_of(row_id))}


def _holds(value: Any, keys: set[Any]) -> bool:
    if isinstance(value, tuple):
        return any(item in keys for item in value) if value else False in keys
    return index_key(value) in keys


def _value_of(env: Env, model: Model, field: Field) -> Callable[[int], Any]:
    rows = env.table(model.name).rows
    if field.name == "id":
        return lambda row_id: row_id
    if field.name == "display_name":
        return lambda row_id: display_name(env, model.name, row_id)
    return lambda row_id: rows[row_id].get(field.name)


def _test(model: Model, field: Field, leaf: Leaf) -> Callable[[Any], bool]:
    if leaf.operator in _ORDERING:
        compare, operand = _ORDERING[leaf.operator], _operand(field, leaf)
        return lambda value: value is not None and value is not False and compare(value, operand)
    if leaf.operator in _PATTERNS:
        matches = _pattern(leaf.operator, str(leaf.value or ""))
        return lambda value: bool(value) and matches(str(value)) is not None
    if leaf.operator == "=":
        return lambda value: index_key(value) == index_key(leaf.value)
    if leaf.operator == "in":
        return lambda value: value in leaf.value
    raise value_error(f"Invalid operator in condition {(leaf.field, leaf.operator, leaf.value)!r} on {model.name}")


def _operand(field: Field, leaf: Leaf) -> Any:
    if field.type == "datetime" and isinstance(leaf.value, str) and len(leaf.value) == len("2026-01-01"):
        return leaf.value + (" 23:59:59" if leaf.operator in {">", "<="} else " 00:00:00")
    return leaf.value


def _pattern(kind: str, text: str) -> Callable[[str], re.Match[str] | None]:
    """Odoo leaves the wildcards % and _ in the text active."""
    body = "".join({"%": ".*", "_": "."}.get(character) or re.escape(character) for character in text)
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in kind else 0)
    expression = re.compile(body, flags)
    return expression.fullmatch if kind.startswith("=") else expression.search
