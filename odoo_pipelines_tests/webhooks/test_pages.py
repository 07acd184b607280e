"""The receiver's page about itself loads nothing, from nowhere."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
import requests

from odoo_pipelines_tests.webhooks.site import MemoryStore, served

LOADS = {"src", "srcset", "data", "poster", "action", "formaction", "background", "manifest"}
SCRIPTED = {"script", "iframe", "object", "embed", "link", "base", "form", "img"}


class Page(HTMLParser):
    """What a browser would load or follow."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in LOADS or name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name == "href"]


@pytest.fixture(scope="module")
def answer() -> requests.Response:
    with served(MemoryStore()) as url:
        found = requests.get(f"{url}/docs", timeout=30)
        assert requests.get(f"{url}/redoc", timeout=30).status_code == 404
        assert requests.get(f"{url}/openapi.json", timeout=30).ok
    return found


def test_it_tells_of_every_path_parameter_and_answer(answer: requests.Response) -> None:
    assert answer.status_code == 200
    for text in ("/api/v1/webhook/{integration_id}", "/api/v1/sync/{integration}/{flow}", "X-Webhook-Signature", "503"):
        assert text in answer.text
    assert "&#34;event_type&#34;" in answer.text


def test_it_loads_nothing_and_has_no_script(answer: requests.Response) -> None:
    page = Page(answer.text)
    assert page.loaded == []
    assert page.links == ["openapi.json"]
    assert not page.tags & SCRIPTED
    assert not re.search(r"https?:|//|@import|url\(", answer.text)


def test_a_browser_is_told_to_load_nothing_but_its_own_style(answer: requests.Response) -> None:
    [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
