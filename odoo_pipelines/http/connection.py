"""Where an external system is, and the credentials for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from odoo_pipelines.errors import ConfigurationError, ExternalRequestError

CONNECT_TIMEOUT_SECONDS = 10.0
"""Until a connection must stand."""

READ_TIMEOUT_SECONDS = 60.0
"""Without a single byte of an answer."""

ANSWER_BYTES = 32 * 1024 * 1024
"""Of one answer, decompressed: 64 KiB for each row of a page."""

ANSWER_SECONDS = 120.0
"""From a request until its answer has ended."""

PAGE_SIZE = 500
"""Rows asked for at once: the most that the contract allows."""

TOKEN_PATH = "/auth/token"  # noqa: S105 (a path, not a password)
"""Where a key and a secret are exchanged for a token."""

_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ExternalConnection:
    """One external system and who the pipelines are there.

    Attributes:
        url: base address, such as "https://pms.example.com/api"; paths are appended to it.
        api_key: the bearer itself, or what a token is asked for with.
        api_secret: when set, a token is used and every request is signed.
        connect_timeout: seconds until a connection must stand.
        read_timeout: seconds without a byte of an answer.
        page_size: rows asked for at once.
        token_path: where a token is asked for.
        answer_bytes: of one answer, decompressed.
        answer_seconds: until an answer must have ended.

    Raises:
        ConfigurationError: the URL or a credential cannot be used.
    """

    url: str
    api_key: SecretStr
    api_secret: SecretStr | None = None
    connect_timeout: float = CONNECT_TIMEOUT_SECONDS
    read_timeout: float = READ_TIMEOUT_SECONDS
    page_size: int = PAGE_SIZE
    token_path: str = TOKEN_PATH
    answer_bytes: int = ANSWER_BYTES
    answer_seconds: float = ANSWER_SECONDS

    def __post_init__(self) -> None:
        problems = [*_problems_of_url(self.url), *_problems_of_credentials(self.api_key, self.api_secret)]
        if problems:
            raise ConfigurationError(problems)

    def address(self, path: str) -> str:
        """The URL of a path in this system."""
        return f"{self.url.rstrip('/')}/{path.lstrip('/')}"


def record_path(collection: str, *segments: str) -> str:
    """The path of one record or of what belongs to it: "/orders", "A/7", "notes" give "/orders/A%2F7/notes".

    Raises:
        ExternalRequestError: a segment is empty or a dot segment, which a URL cannot carry.
    """
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ExternalRequestError(f"An id below {collection} is empty or only dots; no URL can name such a record.")
    return "/".join([collection.rstrip("/"), *(quote(segment, safe="") for segment in segments)])


def is_header_safe(value: str) -> bool:
    """Whether a value can be sent in a header as it is; requests would quote a bad one in its error."""
    return bool(_HEADER_SAFE.fullmatch(value))


def _problems_of_url(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ["the URL of the external system cannot be read; it must look like https://pms.example.com/api"]
    if not usable:
        return ["the URL of the external system must start with http:// or https:// and name a host"]
    if parts.username is not None or parts.query or parts.fragment:
        return ["the URL of the external system must not carry a user, a password, a query or a fragment"]
    return []


def _problems_of_credentials(api_key: SecretStr, api_secret: SecretStr | None) -> list[str]:
    problems = []
    if not is_header_safe(api_key.get_secret_value()):
        problems.append("the API key of the external system must be printable ASCII without blanks or line ends")
    if api_secret is not None and not api_secret.get_secret_value().strip():
        problems.append("the API secret of the external system is blank; leave it out if there is none")
    return problems
