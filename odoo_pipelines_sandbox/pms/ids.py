"""External ids: text with a prefix, or plain integers in older installations, where each stream counts from 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Stream: TypeAlias = Literal["bookings", "guests", "rooms", "payments"]
STREAMS: tuple[Stream, ...] = ("bookings", "guests", "rooms", "payments")

_PREFIXES = {"bookings": "bk_", "guests": "gst_", "rooms": "rt_", "payments": "pay_", "recorded": "erp_"}
_DIGITS = 8
RECORDED_FROM = 1_000_000_000
"""The index of the first payment that was posted to us: generated ones never come so far."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of all streams; their order is the order of the indices.

    Attributes:
        numeric: as in older installations.
    """

    numeric: bool = False

    def of(self, stream: Stream, index: int) -> str | int:
        """Gives the id of a record."""
        if index >= RECORDED_FROM:
            return index if self.numeric else f"{_PREFIXES['recorded']}{index - RECORDED_FROM + 1:0{_DIGITS}d}"
        return index + 1 if self.numeric else f"{_PREFIXES[stream]}{index + 1:0{_DIGITS}d}"

    def index(self, stream: Stream, text: str) -> int | None:
        """Gives the index that an id stands for, None where it is no id of that stream."""
        if self.numeric:
            number = int(text) if re.fullmatch(r"[1-9]\d*", text, re.ASCII) else 0
            return number if number >= RECORDED_FROM else number - 1 if number else None
        for prefix, first in ((_PREFIXES[stream], 0), (_PREFIXES["recorded"], RECORDED_FROM)):
            if re.fullmatch(rf"{prefix}\d{{{_DIGITS}}}", text, re.ASCII):
                return first + int(text.removeprefix(prefix)) - 1
        return None
