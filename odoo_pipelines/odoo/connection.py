"""Where an Odoo is, as whom to log in, and which version answers there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import SecretStr

CONNECT_TIMEOUT_SECONDS = 10.0
"""Until a connection must stand."""

READ_TIMEOUT_SECONDS = 300.0
"""Without an answer: longer than the server's own limit (120 s) and its tries on concurrent updates (30 s)."""

ANSWER_BYTES = 256 * 1024 * 1024
"""Of one answer, decompressed: a hundred times what a chunk of rows has."""

ANSWER_SECONDS = 600.0
"""From a call until its answer has ended: as long as the server may be silent, and again for a slow line."""

TransportChoice: TypeAlias = Literal["auto", "json2", "jsonrpc"]


@dataclass(frozen=True, slots=True)
class OdooConnection:
    """One Odoo database and the user that the pipelines are there.

    Attributes:
        url: address of the server, such as "https://odoo.example.com".
        database: its name.
        username: login of the user.
        secret: API key of that user, or the password (JSON-RPC only).
        transport: "auto" takes JSON-2 where server and secret allow it, JSON-RPC elsewhere.
        company_id: company in which every call works; None for the user's own.
        verify: check the TLS certificate; a string is the path of a CA bundle.
        concurrency: requests at a time, of all threads that share a client.
        connect_timeout: seconds until a connection must stand.
        read_timeout: seconds without an answer.
        answer_bytes: of one answer, decompressed.
        answer_seconds: until an answer must have ended.
    """

    url: str
    database: str
    username: str
    secret: SecretStr
    transport: TransportChoice = "auto"
    company_id: int | None = None
    verify: bool | str = True
    concurrency: int = 2
    connect_timeout: float = CONNECT_TIMEOUT_SECONDS
    read_timeout: float = READ_TIMEOUT_SECONDS
    answer_bytes: int = ANSWER_BYTES
    answer_seconds: float = ANSWER_SECONDS

    def address(self, path: str) -> str:
        """The URL of a path on this server."""
        return self.url.rstrip("/") + path


@dataclass(frozen=True, slots=True, order=True)
class OdooVersion:
    """Version of an Odoo server.

    Attributes:
        major: such as 19.
        minor: such as 0; Odoo Online has others.
        text: as the server prints it, such as "19.0" or "saas~18.3+e".
    """

    major: int
    minor: int
    text: str
