"""What a sandbox can be asked to be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from odoo_pipelines_sandbox.pms.times import DAY, SECOND, first_not_before

MAX_LIMIT = 500
"""Rows that the contract allows on one page."""

_OTHER_DECIMALS = frozenset(
    (
        "BHD",
        "CLP",
        "IQD",
        "ISK",
        "JOD",
        "JPY",
        "KRW",
        "KWD",
        "LYD",
        "OMR",
        "PYG",
        "TND",
        "UGX",
        "VND",
        "XAF",
        "XOF",
        "XPF",
    )
)


def _has_cents(currency: str) -> str:
    if currency in _OTHER_DECIMALS:
        raise ValueError(f"{currency} has no cents, and all prices here have two decimals")
    return currency


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_has_cents)]


Repeats = Literal["recognised", "by_key", "by_transaction", "ignored"]
"""By what a payment that is posted again is recognised: either will do, one alone, or nothing at all."""


class SandboxOptions(BaseModel):
    """Options of one sandbox; two sandboxes with the same options serve the same data.

    Attributes:
        bookings: how many are generated; guests and payments follow from it.
        seed: of all data.
        api_key: asked for as bearer; None leaves the server open.
        api_secret: with it, keys are exchanged for tokens and every request is signed.
        token_seconds: how long a token lives.
        page_limit: most rows of one page, whatever a request asks for.
        start: first day of the generated history; by default it ends now.
        days: length of the history.
        currencies: of the bookings; each needs two decimals.
        bad_rows: bookings with unusable data: a share below 1, else a number.
        legacy: answer as an older installation does.
        repeats: how a payment that is posted again is treated; the contract recognises it.
        webhook_url: of the receiver that is told of what happens; None tells nobody.
        webhook_secret: that those events are signed with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bookings: int = Field(default=500, ge=0)
    seed: int = 7
    api_key: SecretStr | None = None
    api_secret: SecretStr | None = None
    token_seconds: int = Field(default=3600, ge=1)
    page_limit: int = Field(default=MAX_LIMIT, ge=1, le=MAX_LIMIT)
    start: date | None = None
    days: int = Field(default=60, ge=1)
    currencies: tuple[Currency, ...] = Field(default=("USD",), min_length=1)
    bad_rows: float = Field(default=0, ge=0)
    legacy: bool = False
    repeats: Repeats = "recognised"
    webhook_url: str | None = Field(default=None, pattern=r"^https?://.+")
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _consistent(self) -> SandboxOptions:
        if self.api_secret and not self.api_key:
            raise ValueError("api_secret needs an api_key")
        if self.bookings > self.days * DAY:
            raise ValueError("more bookings than milliseconds in the history: ask for more days")
        if self.bad_bookings > self.bookings:
            raise ValueError("bad_rows exceeds the number of bookings")
        return self

    @property
    def bad_bookings(self) -> int:
        """How many bookings have unusable data."""
        return round(self.bad_rows * self.bookings) if self.bad_rows < 1 else int(self.bad_rows)

    def first_moment(self, now: float) -> int:
        """Gives the begin of the history in milliseconds; `now` is in Unix seconds."""
        if self.start is None:
            return int(now) * SECOND - self.days * DAY
        return first_not_before(datetime.combine(self.start, time(), UTC))
