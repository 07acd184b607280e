"""Bearers: the API key itself, or a short-lived token that all threads of a run share."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from odoo_pipelines.errors import ExternalProtocolError
from odoo_pipelines.http.answers import Answer, checked
from odoo_pipelines.http.connection import ExternalConnection, is_header_safe
from odoo_pipelines.http.transport import Request, Transport

REFRESH_SECONDS_BEFORE_EXPIRY = 60.0
DEFAULT_LIFETIME_SECONDS = 3600


class Credential(Protocol):
    """Where the bearer of a request comes from."""

    def bearer(self) -> str:
        """The one to use now."""

    def renewed(self, refused: str) -> str | None:
        """Another one in place of a refused one; None where there is no other."""


class ApiKey:
    """The key is the bearer, and there is no other."""

    def __init__(self, api_key: SecretStr) -> None:
        self._api_key = api_key

    def bearer(self) -> str:
        """The key."""
        return self._api_key.get_secret_value()

    def renewed(self, refused: str) -> None:
        """There is no other key."""
        return


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    refresh_at: float


class ExchangedToken:
    """A token that key and secret are exchanged for, anew before it expires or when it was refused.

    Args:
        connection: the key, and the path of the exchange.
        secret: goes with the key.
        transport: sends the exchange, signed and without bearer.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        connection: ExternalConnection,
        secret: SecretStr,
        transport: Transport,
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def bearer(self) -> str:
        """The token, after an exchange if there is none or it is about to expire.

        Raises:
            ExternalError: the exchange failed.
        """
        token = self._usable()
        if token is None:
            with self._lock:
                token = self._usable() or self._exchange()  # another thread may have been first
        return token.value

    def renewed(self, refused: str) -> str:
        """A token other than the refused one, by one exchange for all threads that were refused with it.

        Raises:
            ExternalError: the exchange failed.
        """
        with self._lock:
            token = self._token
            if token is None or token.value == refused:
                token = self._exchange()
        return token.value

    def _usable(self) -> _Token | None:
        token = self._token
        return token if token is not None and self._clock() < token.refresh_at else None

    def _exchange(self) -> _Token:
        asked_at = self._clock()
        answer = checked(self._transport.send(self._request(), bearer=None))
        value, lifetime = _read_token(answer)
        # A token that lives shorter than the margin is used for half its life, not fetched for every request.
        margin = min(REFRESH_SECONDS_BEFORE_EXPIRY, lifetime / 2)
        self._token = _Token(value, asked_at + lifetime - margin)
        return self._token

    def _request(self) -> Request:
        credentials = {
            "api_key": self._connection.api_key.get_secret_value(),
            "api_secret": self._secret.get_secret_value(),
        }
        headers = {"Content-Type": "application/json"}
        return Request("POST", self._connection.token_path, body=json.dumps(credentials).encode(), headers=headers)


def _read_token(answer: Answer) -> tuple[str, int]:
    document: Any = answer.content
    fields = document if isinstance(document, dict) else {}
    value = fields.get("access_token")
    if not isinstance(value, str) or not is_header_safe(value):
        raise _broken(answer, "no usable `access_token`")
    lifetime = fields.get("expires_in", DEFAULT_LIFETIME_SECONDS)
    if type(lifetime) is not int or lifetime <= 0:
        raise _broken(answer, "an `expires_in` that is not a positive whole number of seconds")
    return value, lifetime


def _broken(answer: Answer, what: str) -> ExternalProtocolError:
    return ExternalProtocolError(
        f"{answer.place} answered {answer.status} with {what}. Check that the URL is that of the API.",
        status=answer.status,
    )
