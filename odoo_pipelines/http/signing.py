"""Signatures of requests: hex HMAC-SHA256, keyed with the secret, of METHOD + path + timestamp + raw body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

TIMESTAMP_HEADER = "X-Timestamp"
SIGNATURE_HEADER = "X-Signature"


def signature(secret: SecretStr, method: str, path: str, timestamp: str, body: bytes) -> str:
    """Signs one request.

    Args:
        secret: shared with the server.
        method: in capitals.
        path: as it goes over the wire, base path included, query excluded.
        timestamp: Unix seconds.
        body: as it goes over the wire; b"" where there is none.

    Returns:
        64 lower-case hexadecimal digits.
    """
    message = method.encode() + path.encode() + timestamp.encode() + body
    return hmac.new(secret.get_secret_value().encode(), message, hashlib.sha256).hexdigest()


class Authorization(AuthBase):
    """Puts bearer and signature on a request that is otherwise ready, so that just what is sent gets signed.

    Being set for every request, it also keeps a ~/.netrc of the machine from replacing the bearer.

    Args:
        bearer: key or token; None for the request that asks for a token.
        secret: signs the request when set.
        clock: gives Unix seconds.
    """

    def __init__(self, bearer: str | None, secret: SecretStr | None, clock: Callable[[], float]) -> None:
        self._bearer = bearer
        self._secret = secret
        self._clock = clock

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the headers."""
        if self._bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._bearer}"
        if self._secret is not None:
            timestamp = str(int(self._clock()))
            path = request.path_url.partition("?")[0]
            body = request.body if isinstance(request.body, bytes) else b""
            request.headers[TIMESTAMP_HEADER] = timestamp
            request.headers[SIGNATURE_HEADER] = signature(self._secret, request.method or "", path, timestamp, body)
        return request
