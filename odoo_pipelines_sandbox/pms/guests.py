"""Guests, each a pure function of (seed, index)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from odoo_pipelines_sandbox.pms.draws import draws, pick
from odoo_pipelines_sandbox.pms.ids import Ids
from odoo_pipelines_sandbox.pms.locales import LOCALES, NUMBER, Locale
from odoo_pipelines_sandbox.pms.times import iso_day, rfc3339

_CYCLE = 100
_WITH_BAD_EMAIL, _WITHOUT_NAME, _WITHOUT_EMAIL = 7, 42, 61
"""Places in every hundred guests of the unusual ones, so that even a small sandbox has some."""

_BAD_EMAILS = ("{0}.example.com", "{0}@@example.com", "{0}@", "n/a", "{0} (at) example.com")
_DOMAINS = ("example.com", "example.org", "example.net", "travel.example")
_DOCUMENTS = ("passport", "id_card", "driving_licence", None)
_STREET2 = ("", "", "", "Apt. 4B", "c/o Reception & Sons")
_BORN_FROM, _BORN_DAYS = 711_000, 22_000  # 1947 to 2007


@dataclass(frozen=True, slots=True)
class Guests:
    """Generates guests.

    Attributes:
        seed: of the data.
        ids: of the installation.
    """

    seed: int
    ids: Ids

    def record(self, index: int, updated_at: int) -> dict[str, Any]:
        """Gives a guest as the contract describes it."""
        source = draws(self.seed, "guest", index)
        locale = pick(source, LOCALES)
        first, last = (
            ("", "") if index % _CYCLE == _WITHOUT_NAME else (pick(source, locale.given), pick(source, locale.family))
        )
        digits = f"{next(source):05d}{next(source):05d}"
        document = pick(source, _DOCUMENTS)
        return {
            "id": self.ids.of("guests", index),
            "first_name": first,
            "last_name": last,
            "email": _email(source, index, first, last),
            "phone": _phone(source, locale, digits) if next(source) % 10 else "",
            "mobile": _phone(source, locale, digits[::-1]) if next(source) % 3 == 0 else "",
            "country": locale.country,
            "language": pick(source, locale.languages),
            "address": _address(source, locale, digits) if next(source) % 12 else None,
            "date_of_birth": iso_day(_BORN_FROM + next(source) % _BORN_DAYS) if next(source) % 3 else None,
            "document_type": document,
            "document_number": f"{locale.country}{digits[-9:]}" if document else None,
            "nationality": locale.country if next(source) % 8 else None,
            "vip_status": next(source) % 20 == 0,
            "loyalty_points": next(source) % 5000 if next(source) % 2 else 0,
            "updated_at": rfc3339(updated_at),
        }


def _email(source: Iterator[int], index: int, first: str, last: str) -> str:
    place = index % _CYCLE
    name = ".".join(filter(None, (_ascii(first), _ascii(last)))) or "guest"
    mailbox = f"{name}.{index + 1}"
    if place == _WITH_BAD_EMAIL:
        return pick(source, _BAD_EMAILS).format(mailbox)
    if place == _WITHOUT_EMAIL:
        return ""
    email = f"{mailbox}@{pick(source, _DOMAINS)}"
    return f" {email.title()} " if next(source) % 15 == 0 else email


@lru_cache(maxsize=1024)
def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(filter(str.isalnum, plain)).lower()


def _phone(source: Iterator[int], locale: Locale, digits: str) -> str:
    digits_left = _filled(pick(source, locale.phones), digits)
    style = next(source) % 4
    if style == 0:
        return f"+{locale.dial} {digits_left}"
    if style == 1 and locale.trunk:
        return f"+{locale.dial} ({locale.trunk}){digits_left}"
    if style == 2:  # noqa: PLR2004 - the third of four styles
        return f"{locale.trunk}{digits_left}".replace(" ", ".")
    return locale.trunk + digits_left


def _address(source: Iterator[int], locale: Locale, digits: str) -> dict[str, str]:
    city, postal_code = pick(source, locale.cities)
    return {
        "street": _filled(pick(source, locale.streets), digits),
        "street2": pick(source, _STREET2),
        "city": city,
        "postal_code": postal_code,
    }


def _filled(pattern: str, digits: str) -> str:
    return _template(pattern).format(*reversed(digits))


@lru_cache(maxsize=1024)
def _template(pattern: str) -> str:
    return pattern.replace(NUMBER, "{}")
