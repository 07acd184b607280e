"""What the engine needs besides a destination, as Protocols: its fields, and the state of one flow in one run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from odoo_pipelines.systems.records import Binding, Counts, Key, Record, Resolution, RowOutcome


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
