"""HTTP under both protocols: one POST, its JSON answer, and every way in which there is none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from requests.auth import AuthBase

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.http.bounds import (
    AnswerTooLargeError,
    AnswerTooSlowError,
    Bounds,
    bounded_adapter,
    find_cause,
    parse_http_date,
    read_body,
)
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.faults import Call, lost_answer

LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A server may ask for more; then the call fails after all tries, and the next run goes on."""

_JSON = {"Content-Type": "application/json"}

_LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


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
    """Sends requests to one Odoo, with one session per thread.

    Attributes:
        server_time: the server's clock at its newest answer, UTC to the second; None where that did not tell.
    """

    def __init__(
        self,
        connection: OdooConnection,
        counter: RequestCounter,
        limiter: Limiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._counter = counter
        self._limiter = limiter
        self._sleep = sleep
        self._free = threading.BoundedSemaphore(connection.concurrency)
        self._local = threading.local()
        self.server_time: datetime | None = None
        self._bounds = Bounds(connection.answer_bytes, connection.answer_seconds)

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
        return self._send("POST", path, call, writes=writes, data=orjson.dumps(body), headers=_JSON, auth=auth)

    def _send(self, verb: str, path: str, call: Call, *, writes: bool, **content: Any) -> Answer:
        try:
            with self._free:
                if self._limiter is not None:
                    self._limiter.acquire()
                self._counter.add(writes=writes)
                response = self._session().request(
                    verb,
                    self._connection.address(path),
                    timeout=(self._connection.connect_timeout, self._connection.read_timeout),
                    allow_redirects=False,  # a followed redirect would turn the POST into a GET
                    stream=True,
                    **content,
                )
                body = read_body(response, self._bounds)
        except (*_LOST, AnswerTooLargeError) as error:
            raise lost_answer(self._reason(error), call) from None
        self.server_time = parse_http_date(response.headers.get("Date"))
        if asked_for := _retry_after(response):
            self._sleep(asked_for)
        _refuse_redirect(response)
        return _answer(response.status_code, body, call)

    def _reason(self, error: Exception) -> str:
        if large := find_cause(error, AnswerTooLargeError):
            return f"it is {large}, the most that is read of one"
        if find_cause(error, AnswerTooSlowError):
            return f"it had not ended after {self._bounds.seconds:g} s"
        return type(error).__name__

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, bounded_adapter(self._bounds))
        session.headers["X-Odoo-Database"] = self._connection.database
        # Proxies and certificates of the environment; looked up in every request they cost a millisecond each time.
        settings = session.merge_environment_settings(self._connection.url, {}, None, self._connection.verify, None)
        session.proxies, session.verify, session.trust_env = settings["proxies"], settings["verify"], False
        session.cookies.set_policy(
            DefaultCookiePolicy(allowed_domains=[])
        )  # a session cookie could name another database
        return session


def _retry_after(response: requests.Response) -> float:
    """Seconds that an overloaded server asks for; 0 where it does not, or names a date."""
    asked_for = response.headers.get("Retry-After", "")
    overloaded = response.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return min(float(asked_for), LONGEST_RETRY_AFTER_SECONDS) if overloaded and asked_for.isdecimal() else 0.0


def _refuse_redirect(response: requests.Response) -> None:
    if not response.is_redirect:
        return
    target = urlsplit(response.headers["Location"])
    raise ConfigurationError([f"ODOO_URL: the server redirects to {target.scheme}://{target.netloc}; set that address"])


def _answer(status: int, body: bytes, call: Call) -> Answer:
    """The answer.

    Raises:
        OdooTransientError: it says success, but is no JSON: cut off on the way, or not Odoo's.
    """
    try:
        return Answer(status, json.loads(body), is_json=True)
    except (ValueError, RecursionError):  # includes UnicodeDecodeError
        if is_success(status):
            raise lost_answer(f"HTTP {status} with {len(body)} bytes that are no whole JSON", call) from None
        return Answer(status, None, is_json=False)


def is_success(status: int) -> bool:
    """Whether a status is one of the 2xx."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
