"""Chance that can be repeated: every draw is a pure function of (seed, kind, index).

A hash of that triple is faster than seeding a generator for each record, and gives the same on every machine.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from math import gcd
from typing import TypeVar

_UNPACK = struct.Struct("<32H").unpack
_Item = TypeVar("_Item")


def draws(seed: int, kind: str, index: int) -> Iterator[int]:
    """Gives 32 numbers from 0 to 65535."""
    return iter(_UNPACK(blake2b(f"{seed}/{kind}/{index}".encode()).digest()))


def number(seed: int, kind: str, index: int) -> int:
    """Gives one number of 64 bits."""
    return int.from_bytes(blake2b(f"{seed}/{kind}/{index}".encode(), digest_size=8).digest(), "little")


def pick(source: Iterator[int], table: Sequence[_Item]) -> _Item:
    """Takes one item; a table says how often by repeating it."""
    return table[next(source) % len(table)]


def choose(seed: int, kind: str, population: int, wanted: int, fits: Callable[[int], bool]) -> list[int]:
    """Chooses distinct indices that fit, fewer than wanted where there are no more.

    Args:
        seed: of the draw.
        kind: of the draw.
        population: indices 0 to population - 1 are tried, each once, in a scattered order.
        wanted: how many to choose.
        fits: which ones may be chosen.
    """
    if not wanted or not population:
        return []
    start = number(seed, f"{kind} start", population) % population
    stride = number(seed, f"{kind} stride", population) % population or 1
    while gcd(stride, population) > 1:
        stride += 1
    scattered = ((start + step * stride) % population for step in range(population))
    return list(islice(filter(fits, scattered), wanted))
