"""Counts of what was asked and served."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_WITH_ID = frozenset({"bookings", "room-types"})
DROPPED = "dropped"
"""Stands for the status of a request that got no whole answer."""


@dataclass(slots=True)
class Stats:
    """Counters of the contract's endpoints; the sandbox's own are not counted.

    Attributes:
        requests: by method, path and status.
        rows: by stream.
    """

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)

    def count(self, method: str, path: str, status: str) -> None:
        """Counts one request."""
        self.requests[method, template(path), status] += 1

    def as_json(self) -> dict[str, Any]:
        """Gives {"requests": {"GET /bookings": {"200": 3}}, "rows": {"bookings": 1500}}."""
        requests: dict[str, dict[str, int]] = {}
        for (method, path, status), count in sorted(self.requests.items()):
            requests.setdefault(f"{method} {path}", {})[status] = count
        return {"requests": requests, "rows": dict(self.rows)}


def template(path: str) -> str:
    """Gives a path with its id replaced: "/bookings/{id}/payments"."""
    _, resource, *others = path.split("/")
    if resource in _WITH_ID and others:
        others[0] = "{id}"
    return "/".join(["", resource, *others])
