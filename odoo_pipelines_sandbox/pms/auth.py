"""Who may ask: an API key as bearer or, with a secret, tokens that expire and signed requests."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

TIMESTAMP_TOLERANCE_SECONDS = 300
"""How far X-Timestamp may be off, either way: the same as for webhooks."""

_BEARER = "bearer "
_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)


class UnauthorizedError(Exception):
    """The request is refused; the text says why without quoting it."""


@dataclass(slots=True)
class Gate:
    """Checks requests.

    Attributes:
        api_key: None leaves the server open.
        api_secret: with it, tokens and signatures are asked for.
        token_seconds: how long a token lives.
        now: gives Unix seconds.
    """

    api_key: SecretStr | None
    api_secret: SecretStr | None
    token_seconds: int
    now: Callable[[], float]
    _expiries: dict[str, float] = field(default_factory=dict, repr=False)

    def issue(self, api_key: str, api_secret: str) -> str:
        """Exchanges key and secret for a token.

        Raises:
            UnauthorizedError: one of them is wrong, or this server has no secret.
        """
        if not (_same(api_key, self.api_key) and _same(api_secret, self.api_secret)):
            raise UnauthorizedError("api_key or api_secret is wrong")
        token = secrets.token_urlsafe(24)
        self._expiries[token] = self.now() + self.token_seconds
        return token

    def revoke(self) -> None:
        """Makes all tokens invalid."""
        self._expiries.clear()

    def check(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Lets a request pass.

        Args:
            method: in upper case.
            path: as on the wire, without the query.
            headers: looked up in lower case.
            body: raw.

        Raises:
            UnauthorizedError: key, token, timestamp or signature is missing or wrong.
        """
        if self.api_key is None:
            return
        credentials = headers.get("authorization", "")
        if not credentials.lower().startswith(_BEARER):
            raise UnauthorizedError("no bearer in the Authorization header")
        bearer = credentials[len(_BEARER) :].strip()
        if self.api_secret is None:
            if not _same(bearer, self.api_key):
                raise UnauthorizedError("the API key is wrong")
            return
        self._check_token(bearer)
        self._check_signature(self.api_secret, f"{method}{path}", headers, body)

    def _check_token(self, token: str) -> None:
        expiry = self._expiries.get(token)
        if expiry is None:
            raise UnauthorizedError("the token is unknown or revoked")
        if self.now() >= expiry:
            raise UnauthorizedError("the token has expired")

    def _check_signature(self, secret: SecretStr, target: str, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers.get("x-timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise UnauthorizedError("X-Timestamp is not in Unix seconds")
        if abs(self.now() - int(timestamp)) > TIMESTAMP_TOLERANCE_SECONDS:
            raise UnauthorizedError("X-Timestamp is too far off")
        message = target.encode() + timestamp.encode() + body
        expected = hmac.new(secret.get_secret_value().encode(), message, "sha256").hexdigest()
        if not hmac.compare_digest(headers.get("x-signature", "").encode(), expected.encode()):
            raise UnauthorizedError("X-Signature does not match")


def _same(given: str, expected: SecretStr | None) -> bool:
    return expected is not None and hmac.compare_digest(given.encode(), expected.get_secret_value().encode())
