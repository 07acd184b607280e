"""A plain client for the tests: what a person with curl would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import requests

from odoo_pipelines_sandbox.pms import SandboxOptions, create_app
from odoo_pipelines_sandbox.serving import running

START = date(2025, 12, 1)
TIMEOUT = (5, 30)


def options(**given: Any) -> SandboxOptions:
    return SandboxOptions.model_validate({"bookings": 60, "start": START, **given})


class Client:
    """Asks one sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=TIMEOUT, **given)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.ask("GET", path, params=params)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.ask("POST", path, json=body)

    def control(self, name: str, **body: Any) -> Any:
        answer = self.post(f"/sandbox/{name}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
        page = self.get(path, **params).json()
        yield page["data"]
        while page.get("next_cursor"):
            page = self.get(path, **params, cursor=page["next_cursor"]).json()
            yield page["data"]

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(path, **params) for row in page]


@contextmanager
def sandbox(now: Callable[[], float] | None = None, **given: Any) -> Iterator[Client]:
    app = create_app(options(**given), *([now] if now else []))
    with running(app) as url:
        client = Client(url)
        with client.session:
            yield client
