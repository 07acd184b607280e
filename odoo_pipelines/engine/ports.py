"""What the engine needs of the world, as Protocols: Odoo, its schema, and the state of one flow in one run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from odoo_pipelines.systems.records import Binding, Counts, Key, Record, Resolution, RowOutcome

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


class Schema(Protocol):
    """One model's fields as the server has them."""

    def server_name(self, name: str) -> str | None:
        """The server's name of a field of Odoo 19; None where it has no such field."""

    def relation(self, name: str) -> str:
        """The model that a relational field points to."""

    def caster(self, name: str, *, required: bool = False) -> Callable[[Any], Any]:
        """Gives a value as Odoo will hold and print it; raises RowRejectedError where it does not fit the field.

        Args:
            name: of the field.
            required: it may not be empty, whatever its definition says.
        """

    def canonical(self, name: str, value: Any) -> Any:
        """A value that was read, in the one form in which values are compared."""

    def written(self, name: str, value: Any) -> Any:
        """A cast value in the form that `write` takes."""

    def cells(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Cast values by field as cells of `load` by column."""


class Schemas(Protocol):
    """Schemas by model."""

    def __call__(self, model: str) -> Schema: ...


class Claims(Protocol):
    """All rows of one load, those of chunks to come included: who else claims a record of Odoo."""

    def holding(
        self, entity: str, wanted: Mapping[str, Collection[str]]
    ) -> Iterable[tuple[str, Mapping[str, str | None]]]:
        """External ids and values of an entity's rows that hold one of the wanted values.

        Args:
            entity: kind of external record.
            wanted: values by mapped field.
        """


class FlowState(Protocol):
    """The state, as one flow of one integration sees it in one run."""

    def bindings(self, entity: str, external_ids: Iterable[str]) -> Mapping[str, Binding]: ...
    def records(self, keys: Iterable[Key]) -> Mapping[Key, Record]: ...
    def owners(self, model: str, odoo_ids: Iterable[int]) -> Mapping[int, Key]: ...
    def resolutions(self) -> Mapping[Key, Sequence[Resolution]]:
        """All answers to conflicts of this flow that have not been applied yet."""

    def asked(self) -> Collection[Key]:
        """Rows over whose record a human is asked, and has not said that it is a new one."""

    def in_doubt(self) -> Collection[Key]:
        """Records of any flow of which nobody has decided yet whether they are still those of their external ids."""

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None: ...
