"""Every field of every payload of the PMS, and what servers send in their place."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeAlias, get_args

from odoo_pipelines.http.json_text import read_json_text
from odoo_pipelines.systems.payload import Payload

Path: TypeAlias = tuple[str, ...]

DEEP = "[" * 1_500 + "]" * 1_500
VALUES: dict[str, Any] = {
    "year one": "0001-01-01",
    "year one with time": "0001-01-01T00:00:00Z",
    "year zero": "0000-00-00",
    "zero of spreadsheets": "1899-12-30",
    "last day": "9999-12-31",
    "last second": "9999-12-31T23:59:59-05:00",
    "first second": "1000-01-01T00:00:00+14:00",
    "far future": "9998-06-01T00:00:00Z",
    "odd zone": "2026-05-01T10:00:00+25:61",
    "odd offset": "2026-05-01T10:00:00.123456789+05:45",
    "no such day": "2026-02-30",
    "soon": "soon",
    "long text": "Ünicode and more " * 30,
    "very long text": "".join(chr(0x4E00 + number % 20_000) for number in range(5_000)),
    "blank": " \t ",
    "empty": "",
    "null": None,
    "NUL": "a\0b",
    "half a pair": read_json_text('"\\ud83d"'),
    "markup": "<script>alert(1)</script> {amount} %s",
    "lines": "a\r\nb\u2028c",
    "huge integer": read_json_text("9" * 5_000),
    "long integer": 10**30,
    "above 32 bits": 2**31,
    "minus zero": -0.0,
    "negative": -7,
    "fraction": 0.5,
    "big": 1e308,
    "infinite": read_json_text("1e999"),
    "tiny": 1e-300,
    "NaN as text": "NaN",
    "infinity as text": "Infinity",
    "exponent": "1e400",
    "comma": "12,50",
    "true": True,
    "false": False,
    "list": [],
    "object": {},
    "list of nothing": [None],
    "list of texts": ["a"],
    "object of objects": {"id": {"id": {}}},
    "deep": read_json_text(DEEP),
}


def fields(model: type[Payload], path: Path = ()) -> Iterator[Path]:
    """The paths of all fields, those of parts and of items of lists included."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        part = _part(field.annotation)
        if part is not None:
            yield from fields(part, (*path, name))


def with_value(payload: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of a payload with another value at a path; in a list, that of its first item."""
    changed = deepcopy(payload)
    place: Any = changed
    for name in path[:-1]:
        place = place[name][0] if isinstance(place[name], list) else place[name]
    place[path[-1]] = value
    return changed


def _part(annotation: Any) -> type[Payload] | None:
    if isinstance(annotation, type) and issubclass(annotation, Payload):
        return annotation
    return next((part for each in get_args(annotation) if (part := _part(each)) is not None), None)
