"""HTTP under both protocols: one POST, its JSON answer, and every way in which there is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.faults import Call, lost_answer

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must stand."""

READ_TIMEOUT = 300.0
"""Seconds without an answer: longer than the server's own limit (120 s) and its tries on concurrent updates (30 s)."""


class Limiter(Protocol):
    """Slows requests down to what the server allows."""

    def acquire(self) -> None:
        """Waits until one more request may be made."""


class RequestCounter:
    """Counts HTTP requests, repeated ones included; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads = 0
        self._writes = 0

    def add(self, *, writes: bool) -> None:
        """Counts one request."""
        with self._lock:
            if writes:
                self._writes += 1
            else:
                self._reads += 1

    @property
    def reads(self) -> int:
        """Requests that could change nothing."""
        return self._reads

    @property
    def writes(self) -> int:
        """Requests that could change records."""
        return self._writes

    @property
    def total(self) -> int:
        """All requests."""
        with self._lock:
            return self._reads + self._writes


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: HTTP status.
        body: decoded JSON; None when the body is not JSON.
        is_json: whether the body is JSON.
    """

    status: int
    body: Any
    is_json: bool


class HttpSender:
    """Sends requests to one Odoo, with one session per thread."""

    def __init__(self, connection: OdooConnection, counter: RequestCounter, limiter: Limiter | None = None) -> None:
        self._connection = connection
        self._counter = counter
        self._limiter = limiter
        self._free = threading.BoundedSemaphore(connection.concurrency)
        self._local = threading.local()

    def get(self, path: str, call: Call) -> Answer:
        """Sends a GET.

        Raises:
            OdooTransientError: no whole answer came.
            ConfigurationError: the server sends us elsewhere.
        """
        return self._send("GET", path, call, writes=False)

    def post(
        self, path: str, body: Mapping[str, Any], call: Call, *, writes: bool, auth: AuthBase | None = None
    ) -> Answer:
        """Sends a POST with a JSON body.

        Raises:
            OdooTransientError: no whole answer came; the server may have done its work.
            ConfigurationError: the server sends us elsewhere.
        """
        return self._send("POST", path, call, writes=writes, json=body, auth=auth)

    def _send(self, verb: str, path: str, call: Call, *, writes: bool, **content: Any) -> Answer:
        try:
            with self._free:
                if self._limiter is not None:
                    self._limiter.acquire()
                self._counter.add(writes=writes)
                response = self._session().request(
                    verb,
                    self._connection.address(path),
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                    allow_redirects=False,  # a followed redirect would turn the POST into a GET
                    **content,
                )
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise lost_answer(type(error).__name__, call) from None
        _refuse_redirect(response)
        return _answer(response)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers["X-Odoo-Database"] = self._connection.database
        session.verify = self._connection.verify
        session.cookies.set_policy(
            DefaultCookiePolicy(allowed_domains=[])
        )  # a session cookie could name another database
        return session


def _refuse_redirect(response: requests.Response) -> None:
    if not response.is_redirect:
        return
    target = urlsplit(response.headers["Location"])
    raise ConfigurationError([f"ODOO_URL: the server redirects to {target.scheme}://{target.netloc}; set that address"])


def _answer(response: requests.Response) -> Answer:
    try:
        return Answer(response.status_code, json.loads(response.content), is_json=True)
    except ValueError:  # includes UnicodeDecodeError
        return Answer(response.status_code, None, is_json=False)


def is_success(status: int) -> bool:
    """Whether a status is one of the 2xx."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
