"""Fields of payloads that are not kept: they go before a row or an event is stored anywhere, and cannot be mapped.

A field is named by the kind of its record and its path, such as `guest.document_number`; it goes wherever such a record
is: in its own stream, and in others below a key that is named like its kind, such as `guest` or `guests`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from odoo_pipelines.systems.base import System

_NEEDED = frozenset({"id", "updated_at"})


class NotKept:
    """Takes fields out of payloads.

    Args:
        fields: such as "guest.document_number"; checked by `problems_of`.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._paths: dict[str, list[list[str]]] = {}
        for each in fields:
            entity, *path = each.split(".")
            self._paths.setdefault(entity, []).append(path)
        self._keys = {key: entity for entity in self._paths for key in (entity, f"{entity}s")}

    def __bool__(self) -> bool:
        return bool(self._paths)

    def without(self, payload: Any, entity: str) -> Any:
        """A payload as it may be kept.

        Args:
            payload: as it came; it is not changed.
            entity: kind of its record; "" where that is not known: then it may be any.
        """
        if not self._paths:
            return payload
        rest = self._nested(payload)
        for each in [entity] if entity else self._paths:
            for path in self._paths.get(each, ()):
                rest = _removed(rest, path)
        return rest

    def _nested(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._nested(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {key: self._below(key, each) for key, each in value.items()}

    def _below(self, key: str, value: Any) -> Any:
        rest = self._nested(value)
        for path in self._paths.get(self._keys.get(key, ""), ()):
            rest = _removed(rest, path)
        return rest


def problems_of(fields: Sequence[str], system: System) -> Iterator[str]:
    """One sentence for each field that its system's payloads do not have, or that cannot be done without."""
    models = {system.entity_of(name): stream.payload for name, stream in system.streams.items()}
    for each in fields:
        entity, *path = each.split(".")
        if entity not in models:
            yield f"{each}: there is no record '{entity}'; there are: {', '.join(sorted(models))}"
        elif not path or path[-1] in _NEEDED:
            yield f"{each}: a record cannot do without it; name another field, such as {entity}.notes"
        elif fault := _unknown(models[entity], path):
            yield f"{each}: {fault}"


def _unknown(model: type[Any] | None, path: Sequence[str]) -> str:
    for name in path:
        fields = model.model_fields if model is not None else {}
        if name not in fields:
            return f"there is no field '{name}'" + (
                f"; there are: {', '.join(fields)}" if fields else " in a single value"
            )
        model = _model_in(fields[name].annotation)
    return ""


def _model_in(annotation: Any) -> type[Any] | None:
    """The model of an object, or of a list's items; None for a single value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, UnionType):
        found = (_model_in(each) for each in get_args(annotation) if each is not NoneType)
        return next((each for each in found if each is not None), None)
    return None


def _removed(value: Any, path: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_removed(each, path) for each in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: each for key, each in value.items() if key != path[0]}
    return {**value, path[0]: _removed(value[path[0]], path[1:])}
