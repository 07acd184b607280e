"""The calls that are made to Odoo, as Protocols: a client makes them, a dry run overlays them, a test fakes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

EVEN_ARCHIVED: Mapping[str, bool] = {"active_test": False}
"""Context with which Odoo finds archived records, too."""


class LoadMessage(Protocol):
    """One message of `load`: why a row was refused.

    `record` is the 0-based number of the record (a row with its sub-rows) in the call, None where Odoo does not tell.
    """

    @property
    def record(self) -> int | None: ...
    @property
    def field(self) -> str: ...
    @property
    def message(self) -> str: ...


class LoadResult(Protocol):
    """Answer of `load`: ids in the order of the records, or None and the messages that say why not."""

    @property
    def ids(self) -> Sequence[int] | None: ...
    @property
    def messages(self) -> Sequence[LoadMessage]: ...


class Odoo(Protocol):
    """The calls that the engine makes. Reading ones repeat themselves; writing ones are sent once."""

    @property
    def server_time(self) -> datetime | None:
        """The server's clock at its newest answer, UTC to the second; None where that did not tell."""

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, context: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]: ...
    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[dict[str, Any]]: ...
    def load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> LoadResult: ...
    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> None: ...
    def web_save_multi(self, model: str, ids: Sequence[int], vals_list: Sequence[Mapping[str, Any]]) -> None: ...
    def unlink(self, model: str, ids: Sequence[int]) -> None: ...
    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **kwargs: Any) -> Any: ...
