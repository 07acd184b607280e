"""Creates records through `load`, at most once each, and finds the rows that Odoo refuses.

`load` creates under xmlids, which are unique: a repeated or concurrent call cannot create a record twice. After an
answer that was lost, what got through is found by sync key and only the rest is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from odoo_pipelines.errors import OdooMissingRecordError, OdooServerError, OdooValidationError, RowRejectedError
from odoo_pipelines.sync.patience import Patience
from odoo_pipelines.sync.ports import LoadMessage, LoadResult, Odoo

SERVER_STOPS_AT = 10
"""Odoo stops naming faulty rows after this many, so a longer list says nothing about the rest (measured on 19.0)."""

REFUSALS = (OdooValidationError, OdooMissingRecordError, OdooServerError)
"""Errors that are about the values sent, and not about the call as such."""


@dataclass(frozen=True, slots=True)
class LoadItem:
    """One record to create.

    Attributes:
        key: its sync key.
        rows: cells by column: its row, and one more for every further line.
    """

    key: str
    rows: tuple[Mapping[str, str], ...]


@dataclass(slots=True)
class Loaded:
    """What became of the items.

    Attributes:
        ids: Odoo ids by sync key.
        refused: the reasons by sync key.
    """

    ids: dict[str, int] = field(default_factory=dict)
    refused: dict[str, RowRejectedError] = field(default_factory=dict)


class Loading:
    """Loads items of one model.

    Args:
        odoo: where they go.
        model: technical name.
        find: gives the ids of the records that carry these sync keys.
        patience: for lost answers and concurrent updates.
    """

    def __init__(
        self, odoo: Odoo, model: str, find: Callable[[str, Iterable[str]], Mapping[str, list[int]]], patience: Patience
    ) -> None:
        self._odoo = odoo
        self._model = model
        self._find = find
        self._patience = patience

    def load(self, items: Sequence[LoadItem]) -> Loaded:
        """Creates every item that Odoo accepts.

        Raises:
            OdooAccessError: the user may not create records of this model.
            OdooTransientError, OdooConflictError: Odoo could not be reached for long; what got through is in Odoo.
        """
        loaded = Loaded()
        for columns, alike in _by_columns(items).items():
            self._load(columns, alike, loaded)
        return loaded

    def _load(self, columns: tuple[str, ...], items: list[LoadItem], loaded: Loaded) -> None:
        try:
            rest, result = self._patience.repeat(
                lambda: self._attempt(columns, items), lambda: self._attempt(columns, self._not_through(items, loaded))
            )
        except REFUSALS as error:
            self._isolate(columns, self._not_through(items, loaded), (), str(error.odoo_message or error), loaded)
            return
        if result is None:
            return
        if result.ids is None:
            self._isolate(columns, rest, result.messages, _summary(result.messages), loaded)
        else:
            loaded.ids.update(zip((item.key for item in rest), result.ids, strict=True))

    def _attempt(self, columns: tuple[str, ...], items: list[LoadItem]) -> tuple[list[LoadItem], LoadResult | None]:
        if not items:
            return items, None
        rows = [[row.get(column, "") for column in columns] for item in items for row in item.rows]
        return items, self._odoo.load(self._model, columns, rows)

    def _not_through(self, items: list[LoadItem], loaded: Loaded) -> list[LoadItem]:
        found = self._find(self._model, [item.key for item in items])
        loaded.ids.update({key: ids[0] for key, ids in found.items()})
        return [item for item in items if item.key not in found]

    def _isolate(
        self,
        columns: tuple[str, ...],
        items: list[LoadItem],
        messages: Sequence[LoadMessage],
        summary: str,
        loaded: Loaded,
    ) -> None:
        """Sends the rest without the rows that were named; halves where the server named none, or too many."""
        if len(items) <= 1:
            for item in items:
                loaded.refused[item.key] = _refusal(messages, summary)
            return
        named = {message.record for message in messages if message.record is not None and message.record < len(items)}
        if named and len(named) < SERVER_STOPS_AT:
            self._load(columns, [item for index, item in enumerate(items) if index not in named], loaded)
            for index in sorted(named):
                self._load(columns, [items[index]], loaded)
        else:
            middle = len(items) // 2
            self._load(columns, items[:middle], loaded)
            self._load(columns, items[middle:], loaded)


def _by_columns(items: Sequence[LoadItem]) -> dict[tuple[str, ...], list[LoadItem]]:
    """Items with the same columns go together: an empty cell would clear a default that an absent column leaves."""
    groups: dict[tuple[str, ...], list[LoadItem]] = {}
    for item in items:
        columns = tuple(dict.fromkeys(column for row in item.rows for column in row))
        groups.setdefault(tuple(sorted(columns, key=lambda column: (column != "id", column))), []).append(item)
    return groups


def _summary(messages: Sequence[LoadMessage]) -> str:
    return "; ".join(dict.fromkeys(message.message for message in messages)) or "Odoo gave no reason"


def _refusal(messages: Sequence[LoadMessage], summary: str) -> RowRejectedError:
    field = next((message.field for message in messages if message.field), "")
    return RowRejectedError(field, "refused_by_odoo", summary)
