"""Payloads as JSON text and back, without a change: orjson, which is fast, knows no integer beyond 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_LONG_DIGITS = re.compile(r"\d{19}")


def payload_text(payload: Any) -> str:
    """The JSON text of a payload of JSON types."""
    try:
        return orjson.dumps(payload).decode()
    except TypeError:  # an integer that is too long for orjson; one such row must not stop all others
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def payload_of(text: str) -> Any:
    """The payload that `payload_text` was given; orjson would turn long integers into floats without a word."""
    return json.loads(text) if _LONG_DIGITS.search(text) else orjson.loads(text)
