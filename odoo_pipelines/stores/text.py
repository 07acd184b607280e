"""Texts from outside, as PostgreSQL and Arrow can hold them."""

from __future__ import annotations

_NUL = "\0"


def is_storable(text: str) -> bool:
    """Whether the text is free of what no database takes: NUL and lone surrogates."""
    return _NUL not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def storable(text: str) -> str:
    """The text, with NUL and lone surrogates written out as escapes: for messages and payloads that must be kept."""
    if is_storable(text):
        return text
    return text.replace(_NUL, "\\u0000").encode("utf-8", "backslashreplace").decode("utf-8")
