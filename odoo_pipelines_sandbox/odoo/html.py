"""Html as Odoo stores it: unsafe parts gone, one canonical spelling."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset({"br", "hr", "img", "wbr"})
_BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"})
_INLINE = frozenset({"a", "b", "strong", "i", "em", "u", "s", "span", "small", "sub", "sup", "code", "font", "mark"})
_KEPT = _VOID | _BLOCKS | _INLINE | {"li", "thead", "tbody", "tr", "td", "th", "section", "article", "header", "footer"}
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "head", "title", "iframe", "object"})
_KEPT_ATTRIBUTES = frozenset({"href", "src", "class", "style", "title", "alt", "target", "rel", "colspan", "rowspan"})


def canonical(source: str) -> str:
    """Odoo's spelling of an html value; text that stands outside of any element is wrapped in a span."""
    if not source.strip():
        return source
    cleaner = _Cleaner()
    cleaner.feed(source.replace("\r", ""))
    cleaner.close()
    body = cleaner.finished()
    return body if cleaner.one_root else f"<span>{body}</span>"


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._muted = 0
        self.one_root = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._muted += 1
        elif tag in _KEPT and not self._muted:
            self._note_root(tag)
            kept = "".join(f' {name}="{_escape(value or "")}"' for name, value in attrs if name in _KEPT_ATTRIBUTES)
            self._parts.append(f"<{tag}{kept}>")
            if tag not in _VOID:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._muted = max(0, self._muted - 1)
        elif tag in self._open and not self._muted:
            while self._close_last() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._muted:
            if data.strip():
                self._note_root("")
            self._parts.append(_escape(data))

    def finished(self) -> str:
        while self._open:
            self._close_last()
        return "".join(self._parts)

    def _close_last(self) -> str:
        tag = self._open.pop()
        self._parts.append(f"</{tag}>")
        return tag

    def _note_root(self, tag: str) -> None:
        if not self._open and tag not in _BLOCKS:
            self.one_root = False


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")
