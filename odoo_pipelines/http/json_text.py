"""JSON that Python cannot hold: integers of thousands of digits, numbers beyond a double, nesting without an end.

One such value must cost its own row at most, and not the page or the body around it. In its place stands a list with
its JSON as a text: nothing is lost, and no field reads a list of texts.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

_MOST_DIGITS = 1_000
"""Far below what Python refuses to read, far above what any field takes."""
_DEEPEST = 64
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def decoder(pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> json.JSONDecoder:
    """Reads JSON exactly; NaN and Infinity are none, and raise ValueError. What is nested deeply is a RecursionError.

    Args:
        pairs: makes an object of its keys and values.
    """
    return json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_refuse, parse_float=_finite, parse_int=_integer)


def read_json_text(text: str) -> Any:
    """Reads JSON exactly, and what is nested deeply, too.

    Raises:
        ValueError: it is no JSON; NaN and Infinity are not.
        RecursionError: it is nested without an end, and no JSON either.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return _DECODER.decode(_shallow(text))


def storable(value: Any) -> Any:
    """A value with lists in place of texts that hold half a surrogate pair, which no UTF-8 can; keys are escaped."""
    if isinstance(value, str):
        return value if _is_utf8(value) else [json.dumps(value)]
    if isinstance(value, dict):
        return {key if _is_utf8(key) else json.dumps(key): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value


def is_storable(value: str) -> bool:
    """Whether a text is free of what no database takes: NUL and lone surrogates."""
    return ("\0" not in value) if value.isascii() else _UNSTORABLE.search(value) is None


def _is_utf8(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(written: str) -> float | list[str]:
    value = float(written)
    return [written] if math.isinf(value) else value


def _integer(written: str) -> int | list[str]:
    return int(written) if len(written) <= _MOST_DIGITS else [written]


def _shallow(text: str) -> str:
    """The text, with what is nested too deeply as texts in lists."""
    parts: list[str] = []
    depth = done = begun = 0
    for token in _STRUCTURE.finditer(text):
        if (mark := token[0]) in "[{":
            depth += 1
            if depth == _DEEPEST:
                begun = token.start()
        elif mark in "]}":
            if depth == _DEEPEST:
                parts += [text[done:begun], json.dumps([text[begun : token.end()]])]
                done = token.end()
            depth -= 1
    return "".join([*parts, text[done:]])


_DECODER = decoder()
