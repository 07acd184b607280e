"""Reads what identifies people: e-mail addresses and telephone numbers."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from odoo_pipelines.systems.values import UnreadableValueError

_CACHED = 16_384  # guests repeat in bookings, and parsing one number takes longer than mapping the rest of the row


@lru_cache(maxsize=_CACHED)
def email(written: str) -> str:
    """Returns the address trimmed and in lower case, as Odoo's `email_normalized` has it.

    Raises:
        UnreadableValueError: not one valid address. Whether the domain exists is not asked.
    """
    try:
        return validate_email(written.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise UnreadableValueError("invalid_email", "is not an e-mail address") from None


@lru_cache(maxsize=_CACHED)
def phone(written: str, country: str | None) -> str:
    """Returns the number in E.164, as Odoo's `phone_sanitized` has it.

    Args:
        written: national or international, with any punctuation.
        country: ISO 3166-1 alpha-2, by which national numbers are read.

    Raises:
        UnreadableValueError: no possible number, a national one without a country, or one with an extension, which
            E.164 cannot hold.
    """
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        raise UnreadableValueError("invalid_phone", "is not a telephone number") from None
    if number.extension or not phonenumbers.is_possible_number(number):
        raise UnreadableValueError("invalid_phone", "is not a telephone number that E.164 can hold")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
