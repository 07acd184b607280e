"""Signatures of webhooks: the PMS's own, and those of Standard Webhooks (https://www.standardwebhooks.com).

Both are HMAC-SHA256 over a timestamp and the raw body. Headers are bytes, as they came over the wire: nothing that a
sender can put into one makes a check fail in another way than by refusing it.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TypeAlias

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.webhooks.refusals import NOT_SIGNED, UNSIGNED, RefusedError

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case, in the order of coming, the same name perhaps twice."""

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 16
_PREFIX = "whsec_"
_TIMESTAMP = re.compile(rb"[0-9]{1,11}")
_HEX = re.compile(rb"[0-9a-f]{64}")
_STANDARD = re.compile(rb"v1,[A-Za-z0-9+/]{43}=")
_MESSAGE_ID = re.compile(rb"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret, as each of the two ways of signing takes it.

    Attributes:
        plain: the bytes of its text.
        standard: what "whsec_..." holds in base64; of other texts the bytes.
        until: last day, UTC, on which it is accepted; None: for ever.
    """

    plain: bytes = field(repr=False)
    standard: bytes = field(repr=False)
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """What a sender says of its signature.

    Attributes:
        timestamp: as written.
        signatures: well-formed ones, of which one must be right.
        message_id: of Standard Webhooks; None for the PMS's own way.
        keys: with one of which it must have been made.
    """

    timestamp: bytes
    signatures: tuple[bytes, ...]
    message_id: bytes | None = None
    keys: tuple[SigningKey, ...] = ()


def signing_keys(integration: Integration) -> tuple[SigningKey, ...]:
    """The secrets of an integration, ready for use.

    Raises:
        ConfigurationError: one begins with "whsec_" and goes on with something else than base64.
    """
    keys = []
    for secret in integration.webhook_secrets:
        text = secret.secret.get_secret_value()
        keys.append(SigningKey(text.encode(), _standard_key(integration.name, text), secret.until))
    return tuple(keys)


def read_signature(headers: RawHeaders, keys: Iterable[SigningKey], now: float) -> SignedHeaders:
    """What the headers of a request say of its signature: all that can be refused before its body is read.

    Args:
        headers: of the request.
        keys: of the integration; those that have ended are left out here.
        now: Unix seconds.

    Raises:
        RefusedError: UNSIGNED: no body can have such a signature, or it was not made a moment ago; with the reason for
            the log.
    """
    signed = _read(headers)
    if abs(now - int(signed.timestamp)) > TOLERANCE_SECONDS:
        raise RefusedError(UNSIGNED, "timestamp")
    today = datetime.fromtimestamp(now, UTC).date()
    valid = tuple(key for key in keys if key.until is None or today <= key.until)
    if not valid:
        raise RefusedError(UNSIGNED, "no secret")
    return replace(signed, keys=valid)


def check_signature(signed: SignedHeaders, body: bytes) -> str | None:
    """Checks that a body was signed with one of the keys.

    Args:
        signed: what the headers of the request say.
        body: as it came.

    Returns:
        The id of the message that Standard Webhooks signs along; None where the PMS's own headers were used.

    Raises:
        RefusedError: NOT_SIGNED.
    """
    matches = False
    for key in signed.keys:
        expected = _expected(signed, body, key)
        for signature in signed.signatures:  # all of them, so that time tells nothing
            matches |= hmac.compare_digest(expected, signature)
    if not matches:
        raise RefusedError(NOT_SIGNED, "signature")
    return None if signed.message_id is None else signed.message_id.decode("ascii")


def _read(headers: RawHeaders) -> SignedHeaders:
    names = {name for name, _ in headers}
    if b"x-webhook-signature" not in names and b"webhook-signature" in names:
        message_id = _one(headers, b"webhook-id", _MESSAGE_ID)
        timestamp = _one(headers, b"webhook-timestamp", _TIMESTAMP)
        return SignedHeaders(timestamp, _signatures(headers, b"webhook-signature", b" ", _STANDARD), message_id)
    timestamp = _one(headers, b"x-webhook-timestamp", _TIMESTAMP)
    return SignedHeaders(timestamp, _signatures(headers, b"x-webhook-signature", b",", _HEX))


def _one(headers: RawHeaders, name: bytes, form: re.Pattern[bytes]) -> bytes:
    """The value of a header that must be there once: of two, nobody could say which was signed."""
    values = [value for each, value in headers if each == name]
    if len(values) != 1:
        raise RefusedError(UNSIGNED, "header repeated" if values else "header missing")
    if not form.fullmatch(values[0]):
        raise RefusedError(UNSIGNED, "header malformed")
    return values[0]


def _signatures(headers: RawHeaders, name: bytes, separator: bytes, form: re.Pattern[bytes]) -> tuple[bytes, ...]:
    """The well-formed ones of a list, as a sender that changes its secret writes it."""
    written = _one(headers, name, re.compile(rb".*", re.DOTALL)).split(separator, MOST_SIGNATURES)[:MOST_SIGNATURES]
    found = tuple(each for part in written if form.fullmatch(each := part.strip()))
    if not found:
        raise RefusedError(UNSIGNED, "signature malformed")
    return found


def _expected(signed: SignedHeaders, body: bytes, key: SigningKey) -> bytes:
    if signed.message_id is None:
        return hmac.new(key.plain, signed.timestamp + body, hashlib.sha256).hexdigest().encode()
    message = b".".join((signed.message_id, signed.timestamp, body))
    return b"v1," + b64encode(hmac.new(key.standard, message, hashlib.sha256).digest())


def _standard_key(integration: str, secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigurationError(
            [f"integrations.{integration}.webhook_secrets: '{_PREFIX}' must be followed by base64"]
        )
    return key
