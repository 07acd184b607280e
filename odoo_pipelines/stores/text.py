"""Texts from outside, as PostgreSQL and Arrow can hold them."""

from __future__ import annotations

from odoo_pipelines.http.json_text import is_storable


def storable(text: str) -> str:
    """The text, with NUL and lone surrogates written out as escapes: for messages and payloads that must be kept."""
    if is_storable(text):
        return text
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode("utf-8")
