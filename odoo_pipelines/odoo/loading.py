"""Creates records through `load`, at most once each, and finds the rows that Odoo refuses.

`load` creates under xmlids, which are unique: a repeated or concurrent call cannot create a record twice. After an
answer that was lost, what got through is found by sync key and only the rest is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from odoo_pipelines.errors import OdooMissingRecordError, OdooServerError, OdooValidationError, RowRejectedError
from odoo_pipelines.odoo.calls import LoadMessage, Odoo
from odoo_pipelines.odoo.retries import RefusalBackoff, Retries

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


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A call that the server refused: its items, what it said of them, and in one sentence why."""

    items: Sequence[LoadItem]
    messages: Sequence[LoadMessage]
    summary: str


class Loading:
    """Loads items of one model.

    Args:
        odoo: where they go.
        model: technical name.
        find: gives the ids of the records that carry these sync keys.
        retries: for lost answers and concurrent updates.
        backoff: learns how many rows go into one call.
    """

    def __init__(
        self,
        odoo: Odoo,
        model: str,
        find: Callable[[str, Iterable[str]], Mapping[str, list[int]]],
        retries: Retries,
        backoff: RefusalBackoff,
    ) -> None:
        self._odoo = odoo
        self._model = model
        self._find = find
        self._retries = retries
        self._backoff = backoff

    def load(self, items: Sequence[LoadItem]) -> Loaded:
        """Creates every item that Odoo accepts.

        Raises:
            OdooAccessError: the user may not create records of this model.
            OdooTransientError, OdooConflictError: Odoo could not be reached for long; what got through is in Odoo.
        """
        loaded = Loaded()
        for columns, alike in _by_columns(items).items():
            sent = 0
            while sent < len(alike):
                with self._backoff.turn(len(alike) - sent) as size:
                    some = alike[sent : sent + size]
                    refusals = self._try(columns, some, loaded)
                    self._backoff.learn(len(some), refused=bool(refusals))
                for refusal in refusals:
                    self._isolate(columns, refusal, loaded)
                sent += len(some)
        return loaded

    def _load(self, columns: tuple[str, ...], items: Sequence[LoadItem], loaded: Loaded) -> None:
        for refusal in self._try(columns, items, loaded):
            self._isolate(columns, refusal, loaded)

    def _try(self, columns: tuple[str, ...], items: Sequence[LoadItem], loaded: Loaded) -> list[_Refusal]:
        """Sends items until every call of them was answered, and returns the calls that were refused."""
        refusals: list[_Refusal] = []

        def send(some: Sequence[LoadItem]) -> None:
            refusal = self._send(columns, some, loaded)
            if refusal:
                refusals.append(refusal)

        def left(some: Sequence[LoadItem]) -> list[LoadItem]:
            refused = {item.key for refusal in refusals for item in refusal.items}
            return [item for item in self._not_through(some, loaded) if item.key not in refused]

        self._retries.send(items, send, left)
        return refusals

    def _send(self, columns: tuple[str, ...], items: Sequence[LoadItem], loaded: Loaded) -> _Refusal | None:
        rows = [[row.get(column, "") for column in columns] for item in items for row in item.rows]
        try:
            result = self._odoo.load(self._model, columns, rows)
        except REFUSALS as error:
            return _Refusal(items, (), str(error.odoo_message or error))
        if result.ids is None:
            return _Refusal(items, result.messages, _summary(result.messages))
        loaded.ids.update(zip((item.key for item in items), result.ids, strict=True))
        self._refuse_guesses(items, result.messages, loaded)
        return None

    @staticmethod
    def _refuse_guesses(items: Sequence[LoadItem], warnings: Sequence[LoadMessage], loaded: Loaded) -> None:
        """Rows that Odoo stored with a warning: it took the first of several records of a name, for instance.

        They are in Odoo, and their next run compares them, value by value.
        """
        for warning in warnings:
            about = items if warning.record is None else items[warning.record : warning.record + 1]
            for item in about:
                loaded.ids.pop(item.key, None)
                loaded.refused[item.key] = RowRejectedError(warning.field, "refused_by_odoo", warning.message)

    def _not_through(self, items: Sequence[LoadItem], loaded: Loaded) -> list[LoadItem]:
        found = self._find(self._model, [item.key for item in items])
        loaded.ids.update({key: ids[0] for key, ids in found.items()})
        return [item for item in items if item.key not in found]

    def _isolate(self, columns: tuple[str, ...], refusal: _Refusal, loaded: Loaded) -> None:
        """Sends the rest without the rows that were named; halves where the server named none, or too many."""
        # An error, unlike messages, does not tell that nothing was stored.
        items = refusal.items if refusal.messages else self._not_through(refusal.items, loaded)
        if len(items) <= 1:
            for item in items:
                loaded.refused[item.key] = _reason(refusal)
            return
        records = {message.record for message in refusal.messages}
        named = {record for record in records if record is not None and record < len(items)}
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
    shapes: dict[tuple[tuple[str, ...], ...], tuple[str, ...]] = {}  # few, for many items
    for item in items:
        shape = tuple(tuple(row) for row in item.rows)
        if shape not in shapes:
            shapes[shape] = tuple(
                sorted({each for row in shape for each in row}, key=lambda each: (each != "id", each))
            )
        groups.setdefault(shapes[shape], []).append(item)
    return groups


def _summary(messages: Sequence[LoadMessage]) -> str:
    return "; ".join(dict.fromkeys(message.message for message in messages)) or "Odoo gave no reason"


def _reason(refusal: _Refusal) -> RowRejectedError:
    field = next((message.field for message in refusal.messages if message.field), "")
    return RowRejectedError(field, "refused_by_odoo", refusal.summary)
