"""Payloads as JSON text and back, without a change: orjson, which is fast, knows no integer beyond 64 bits."""

from __future__ import annotations

import json
from typing import Any

import orjson

from odoo_pipelines.http.json_text import storable

_ALL_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_LONG_DIGITS = b"0" * 19


def payload_text(payload: Any) -> str:
    """The JSON text of a payload of JSON types."""
    try:
        return orjson.dumps(payload).decode()
    except TypeError:  # an integer too long for orjson, or half a surrogate pair; it must not stop all other rows
        return json.dumps(storable(payload), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def payload_of(text: str) -> Any:
    """The payload that `payload_text` was given; orjson would turn long integers into floats without a word."""
    digits = text.encode("utf-8", "surrogatepass").translate(
        _ALL_DIGITS_ALIKE
    )  # a tenth of a regular expression's time
    return json.loads(text) if _LONG_DIGITS in digits else orjson.loads(text)
