"""Request rates that all threads and processes of a host share.

pyrate-limiter keeps the times of recent requests in an SQLite file, guarded by a file lock that the kernel drops
however its holder ends. The directory must be on a local disk; a limiter must be made after a fork, not before.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pyrate_limiter import Limiter as RateLimiter
from pyrate_limiter import Rate, SQLiteBucket

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.stores.private_files import make_file, make_folder

PATIENCE_SECONDS = 60.0
"""After a wait as long as this the log tells, and the clock is looked at."""

_logger = logging.getLogger(__name__)


class Limiter(Protocol):
    """Slows requests down."""

    def acquire(self) -> None:
        """Waits until one more request may be made."""

    def close(self) -> None:
        """Lets files go; the limiter cannot be used any more."""


class SharedLimiter:
    """A rate in a file: at most `burst` requests in any `burst / requests_per_second` seconds.

    Args:
        path: of the file; everyone who names it shares the rate.
        rate: what is allowed.
        patience: seconds, see PATIENCE_SECONDS.
    """

    def __init__(self, path: Path, rate: Rate, patience: float) -> None:
        self._name = path.stem
        self._path = path
        self._patience = patience
        self._interval = rate.interval
        self._bucket = SQLiteBucket.init_from_file([rate], db_path=str(path), use_file_lock=True)
        self._limiter = RateLimiter(self._bucket, buffer_ms=0)

    def acquire(self) -> None:
        """Waits until one more request may be made.

        Raises:
            ConfigurationError: the file cannot be used any more, as on a full disk.
        """
        with _failures(self._path):
            self._wait()

    def _wait(self) -> None:
        while not self._limiter.try_acquire(self._name, timeout=self._patience):
            _logger.warning("limiter %s: waiting for more than %g s for its turn", self._name, self._patience)
            self._forget_the_future()

    def close(self) -> None:
        """Closes the file."""
        self._limiter.close()

    def _forget_the_future(self) -> None:
        # The times are of the wall clock: after it was set back, everybody would wait until it is there again.
        newest = self._bucket.peek(0)
        if newest is not None and newest.timestamp > time.time() * 1000 + self._interval:
            self._bucket.flush()


class Unlimited:
    """No limit."""

    def acquire(self) -> None:
        """Does not wait."""

    def close(self) -> None:
        """Has nothing to let go."""


def shared_limiter(
    directory: Path,
    name: str,
    requests_per_second: float,
    burst: int = 1,
    *,
    patience: float = PATIENCE_SECONDS,
) -> SharedLimiter:
    """The limiter of this name, shared by everyone who names the same directory.

    Args:
        directory: on a local disk; made if it does not exist.
        name: of what is limited, such as "grand-hotel.external".
        requests_per_second: the rate in the long run, also below 1.
        burst: requests that may go out at once after a pause.
        patience: seconds after which a waiting request is logged.

    Raises:
        ConfigurationError: the rate or the burst is not positive, or the directory cannot be used.
    """
    if not (math.isfinite(requests_per_second) and requests_per_second > 0 and burst >= 1):
        raise ConfigurationError([f"limiter '{name}': requests per second and burst must be positive numbers"])
    rate = Rate(burst, max(1, math.ceil(burst / requests_per_second * 1000)))
    path = directory / f"{quote(name, safe='')}.sqlite"
    with _failures(path):
        make_folder(directory)
        make_file(path)
        return SharedLimiter(path, rate, patience)


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        problem = f"DAGSTER_HOME: {path}, which keeps the rate of requests, cannot be used ({why})"
        raise ConfigurationError([problem]) from error


def unlimited() -> Unlimited:
    """A limiter that never waits."""
    return Unlimited()
