"""The order of one stream, (updated_at, index) ascending, without a list of its records.

Generated records lie in an order that can be computed; only those that were changed, added or deleted since are held.
They are all later than the generated ones, because the sandbox clock starts after the history.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

Key: TypeAlias = tuple[int, int]
"""Updated at, in milliseconds, and index."""


@dataclass(slots=True)
class Feed:
    """The order of one stream.

    Attributes:
        generated: how many records the history has.
        generated_at: strictly increasing; gives their moments of last change in milliseconds.
        count: records up to now, deleted ones included: the next one's index.
    """

    generated: int
    generated_at: Callable[[int], int]
    count: int = field(init=False)
    _born: dict[int, int] = field(init=False, default_factory=dict)
    _moved: dict[int, int] = field(init=False, default_factory=dict)
    _tail: list[Key] = field(init=False, default_factory=list)
    _deleted: set[int] = field(init=False, default_factory=set)
    _foreign: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.count = self.generated

    def __len__(self) -> int:
        return self.count + len(self._foreign) - len(self._deleted)

    def __contains__(self, index: int) -> bool:
        return (0 <= index < self.count or index in self._foreign) and index not in self._deleted

    def born(self, index: int) -> int:
        """Gives the moment at which a record came into being; a change does not alter it."""
        return self._born[index] if index >= self.generated else self.generated_at(index)

    def updated_at(self, index: int) -> int:
        """Gives the moment of a record's last change."""
        return self._moved[index] if index in self._moved else self.generated_at(index)

    def add(self, moment: int) -> int:
        """Appends a new record and gives its index."""
        index = self.count
        self.count += 1
        self._born[index] = moment
        self.touch(index, moment)
        return index

    def take(self, index: int, moment: int) -> None:
        """Takes in a record that came from elsewhere, under an index of its own."""
        self._foreign.add(index)
        self._born[index] = moment
        self.touch(index, moment)

    def touch(self, index: int, moment: int) -> None:
        """Moves a record to where its change puts it."""
        self._leave_tail(index)
        self._moved[index] = moment
        insort(self._tail, (moment, index))

    def delete(self, index: int) -> None:
        """Takes a record out for good."""
        self._leave_tail(index)
        self._deleted.add(index)

    def after(self, key: Key) -> Iterator[Key]:
        """Walks all records that come after a place in the order."""
        first = bisect_right(range(self.generated), key, key=lambda index: (self.generated_at(index), index))
        for index in range(first, self.generated):
            if index not in self._moved and index not in self._deleted:
                yield self.generated_at(index), index
        for place in range(bisect_right(self._tail, key), len(self._tail)):
            yield self._tail[place]

    def newest(self, wanted: int) -> list[int]:
        """Gives the indices of the last records, the newest first."""
        changed = [index for _, index in self._tail[-wanted:][::-1]]
        unchanged = (i for i in reversed(range(self.generated)) if i not in self._moved and i not in self._deleted)
        return [*changed, *islice(unchanged, wanted - len(changed))]

    def _leave_tail(self, index: int) -> None:
        if index in self._moved:
            del self._tail[bisect_left(self._tail, (self._moved[index], index))]
