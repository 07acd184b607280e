"""The sandbox PMS as the tests drive it: time passes, records are edited, and the whole truth is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import SecretStr

from odoo_pipelines_sandbox.pms.app import create_app
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running

KEY = "hotel-key"
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Hotel:
    """One running sandbox PMS.

    Attributes:
        url: where it listens.
    """

    url: str

    def advance(self, **order: Any) -> dict[str, Any]:
        """Lets time pass; tells the ids of what has changed."""
        return self._post("advance", order)

    def edit(self, external_id: str | int, stream: str = "bookings", **fields: Any) -> dict[str, Any]:
        """Replaces fields of a record; gives it as it is served now."""
        return self._post("edit", {"stream": stream, "id": external_id, "fields": fields})

    def delete(self, external_id: str | int, stream: str = "bookings") -> None:
        """Has a record no more, and serves no trace of it."""
        self._post("delete", {"stream": stream, "id": external_id})

    def truth(self) -> dict[str, Any]:
        """Every record as it is served now, by stream, and the bookings that were made unusable."""
        return self._answer(requests.get(f"{self.url}/sandbox/oracle", timeout=TIMEOUT_SECONDS))

    def bookings(self, status: str) -> list[dict[str, Any]]:
        """The bookings of a status, oldest first."""
        return sorted(
            (each for each in self.truth()["bookings"] if each["status"] == status), key=lambda row: row["id"]
        )

    def booking(self, external_id: str | int) -> dict[str, Any]:
        """One booking as it is served now."""
        found: dict[str, Any] = next(each for each in self.truth()["bookings"] if each["id"] == external_id)
        return found

    def _post(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        return self._answer(requests.post(f"{self.url}/sandbox/{what}", json=content, timeout=TIMEOUT_SECONDS))

    @staticmethod
    def _answer(response: requests.Response) -> dict[str, Any]:
        response.raise_for_status()
        content: dict[str, Any] = response.json()
        return content


@contextmanager
def open_hotel(bookings: int, **options: Any) -> Iterator[Hotel]:
    """A sandbox PMS with generated data, until the context ends."""
    chosen = SandboxOptions(bookings=bookings, api_key=SecretStr(KEY), **options)
    with running(create_app(chosen)) as url:
        yield Hotel(url)
