"""External ids: text with a prefix, or plain integers in older installations, where each stream counts from 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Stream: TypeAlias = Literal["bookings", "guests", "rooms", "payments"]
STREAMS: tuple[Stream, ...] = ("bookings", "guests", "rooms", "payments")

_PREFIXES = {"bookings": "bk_", "guests": "gst_", "rooms": "rt_", "payments": "pay_", "recorded": "erp_"}
_DIGITS = 8
_RECORDED_FROM = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of all streams; their order is the order of the indices.

    Attributes:
        numeric: as in older installations.
    """

    numeric: bool = False

    def of(self, stream: Stream, index: int) -> str | int:
        """Gives the id of a record."""
        return index + 1 if self.numeric else f"{_PREFIXES[stream]}{index + 1:0{_DIGITS}d}"

    def index(self, stream: Stream, text: str) -> int | None:
        """Gives the index that an id stands for, None where it is no id of that stream."""
        shape = r"[1-9]\d*" if self.numeric else rf"{_PREFIXES[stream]}\d{{{_DIGITS}}}"
        if not re.fullmatch(shape, text, re.ASCII):
            return None
        return int(text.removeprefix(_PREFIXES[stream])) - 1

    def recorded(self, index: int) -> str | int:
        """Gives the id of a payment that was posted to us: never that of a generated one."""
        return _RECORDED_FROM + index if self.numeric else f"{_PREFIXES['recorded']}{index + 1:0{_DIGITS}d}"
