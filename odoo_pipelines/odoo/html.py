"""HTML as Odoo's sanitizer leaves it, so that what is written reads back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ESCAPES: Mapping[int, str] = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\u00a0": "&nbsp;", "\n": "<br>"})
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_WINDOWS_1252: Mapping[int, str] = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in _UNDEFINED
}
"""HTML reads these control characters as Windows means them."""

_LINE_END = re.compile(r"\r\n?")
_QUOTE_MARK = re.compile(r' data-o-mail-quote(?:-[a-z]+)?="[^"]*"')


def html_from_text(text: str) -> str:
    """A plain text as a paragraph, in the one spelling that Odoo does not change."""
    unified = _LINE_END.sub("\n", text).translate(_WINDOWS_1252)
    return f"<p>{unified.translate(_ESCAPES)}</p>"


def comparable_html(stored: str) -> str:
    """HTML that Odoo printed, without the marks that it sets on what looks like a quotation or a signature."""
    return _QUOTE_MARK.sub("", _LINE_END.sub("\n", stored))
