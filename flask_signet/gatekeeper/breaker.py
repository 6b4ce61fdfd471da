"""Circuit breaker for calls to Auth: a request with a valid token never waits because Auth is in trouble.

Every call (refresh, revocation check, shared-secret check) runs in its own thread. How long the request waits
for it depends on the state, which all calls of the process share:

    closed      as long as the call takes
    strained    (a call is older than SLOW_SECONDS, and no call succeeded since) ``max_waiting`` requests
                go on waiting, all others stop and are refused at once
    open        (a call timed out, or FAILURES_TO_OPEN calls failed in a row) no request waits; one call at a
                time probes Auth in the background, and the next request finds its result. A success closes
    paused      (Auth answered 429) all requests are refused until its Retry-After is over

Sources: Nygard, "Release It!" (circuit breaker, bulkhead); RFC 9110 section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

from .errors import AuthUnavailable

T = TypeVar("T")

log = logging.getLogger("flask_signet.gatekeeper")

WAIT_SECONDS = 8.0  # the total limit of a call, and a margin
SLOW_SECONDS = 2.0
FAILURES_TO_OPEN = 3
PROBE_PAUSE = (0.3, 0.6)  # seconds before the next probe: a random number between these
PROBE_SECONDS = 1.2  # the total limit of a probe: a pause and a probe together take less than 2 seconds
PAUSE = 1.0  # seconds after a 429 without Retry-After
MAX_PAUSE = 60.0
MAX_CALLS = 20  # calls in progress


class Breaker:
    """The state of one process; ``monotonic`` returns monotonic seconds, ``uniform`` a random number."""

    def __init__(
        self,
        max_waiting: int = 2,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._max_waiting = max_waiting
        self._monotonic = monotonic
        self._uniform = uniform
        self._lock = threading.Lock()
        self._numbers = count()
        self._started: dict[int, float] = {}  # calls in progress
        self._waiting = 0  # requests
        self._failures = 0  # in a row
        self._last_success = float("-inf")
        self._probe_at: float | None = None  # None: not open
        self._is_probing = False
        self._paused_until = float("-inf")

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._monotonic()

    @property
    def is_open(self) -> bool:
        """Whether only probes are sent."""
        return self._probe_at is not None

    @property
    def failures(self) -> int:
        """The number of calls to Auth that failed in a row."""
        return self._failures

    def run(self, call: Callable[[], None], done: threading.Event, at_most: float = WAIT_SECONDS) -> bool:
        """Start a call that sets ``done`` in the end; return whether it ended while the request waited.

        Raises AuthUnavailable if no call may be made now. ``at_most`` limits the wait, in seconds.
        """
        is_probe = self._admit()

        def run_call() -> None:
            try:
                call()
            finally:
                done.set()
                if is_probe:
                    self._end_probe()

        try:
            threading.Thread(target=run_call, name="auth-call", daemon=True).start()
        except RuntimeError:  # no more threads, or the process is ending
            run_call()
        return self.wait(done, at_most)

    def wait(self, done: threading.Event, at_most: float = WAIT_SECONDS) -> bool:
        """Wait for another request's call as long as this request may; return whether it ended."""
        with self._lock:
            is_within_cap = self._waiting < self._max_waiting
            self._waiting += 1
        try:
            waited = 0.0
            while not done.is_set() and waited < at_most:
                seconds = min(at_most - waited, self._patience(is_within_cap))
                if seconds <= 0:
                    break
                done.wait(seconds)
                waited += seconds
            return done.is_set()
        finally:
            with self._lock:
                self._waiting -= 1

    def ask(self, call: Callable[[], T]) -> T:
        """Return the result of a call, or raise its error; raise AuthUnavailable if it takes too long."""
        done = threading.Event()
        results: list[T] = []
        errors: list[Exception] = []

        def run_call() -> None:
            try:
                results.append(call())
            except Exception as error:
                errors.append(error)

        if not self.run(run_call, done):
            raise AuthUnavailable("Auth has not answered yet", retry_after=1)
        if errors:
            raise errors[0]
        return results[0]

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Guard a call in the request's own thread, such as a sign-in; the caller reports its outcome.

        Raises AuthUnavailable while the breaker is open, except for one probe at a time.
        """
        is_probe = self.is_open and self._admit()
        try:
            yield
        finally:
            if is_probe:
                self._end_probe()

    @contextmanager
    def observe(self) -> Iterator[None]:
        """Measure one call; the caller reports its outcome by ``succeeded``, ``failed`` or ``limited``."""
        with self._lock:
            number = next(self._numbers)
            self._started[number] = self._monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._started[number]

    def succeeded(self) -> None:
        """Note an answer, and close the breaker."""
        with self._lock:
            self._last_success = self._monotonic()
            self._failures = 0
            was_open, self._probe_at = self.is_open, None
        if was_open:
            log.warning("breaker=closed")

    def failed(self, reason: str, *, since: float) -> None:
        """Note a call without an answer; one that took SLOW_SECONDS opens the breaker at once.

        ``since`` is the time of ``now`` at which the call started.
        """
        with self._lock:
            now = self._monotonic()
            if self._last_success > since:
                return  # another call succeeded meanwhile
            self._failures += 1
            was_open = self.is_open
            if was_open or now - since >= SLOW_SECONDS or self._failures >= FAILURES_TO_OPEN:
                self._probe_at = now + self._uniform(*PROBE_PAUSE)
            opens = self.is_open and not was_open
        if opens:
            log.warning("breaker=open reason=%s", reason)

    def limited(self, retry_after: float | None) -> None:
        """Note a 429: pause every call for the seconds of its Retry-After."""
        seconds = min(PAUSE if retry_after is None else float(retry_after), MAX_PAUSE)
        with self._lock:
            self._paused_until = self._monotonic() + seconds * self._uniform(1.0, 1.1)
        log.warning("breaker=paused seconds=%.0f", seconds)

    def _admit(self) -> bool:
        """Return whether the next call is a probe; raise AuthUnavailable if no call may be made."""
        with self._lock:
            now = self._monotonic()
            if now < self._paused_until:
                raise AuthUnavailable(
                    "Auth limits the rate of calls", retry_after=_ceil(self._paused_until - now)
                )
            if self._probe_at is not None:
                if self._is_probing or now < self._probe_at:
                    raise AuthUnavailable("the breaker is open", retry_after=1)
                self._is_probing = True
                return True
            if len(self._started) >= MAX_CALLS or (self._time_to_strain(now) <= 0 and self._is_full):
                raise AuthUnavailable("too many requests wait for Auth", retry_after=1)
            return False

    @property
    def _is_full(self) -> bool:
        return self._waiting >= self._max_waiting

    def _patience(self, is_within_cap: bool) -> float:
        """Return the seconds after which a waiting request looks again whether it may go on waiting."""
        with self._lock:
            if self.is_open:
                return 0.0
            return WAIT_SECONDS if is_within_cap else self._time_to_strain(self._monotonic())

    def _time_to_strain(self, now: float) -> float:
        oldest = min(self._started.values(), default=now)
        return max(oldest, self._last_success) + SLOW_SECONDS - now

    def _end_probe(self) -> None:
        with self._lock:
            self._is_probing = False


class CallBudget:
    """A token bucket of ``burst`` calls, refilled by ``per_second``."""

    def __init__(self, burst: int, per_second: float, monotonic: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._left = float(burst)
        self._updated_at = monotonic()

    def take(self) -> bool:
        """Return whether one more call is within the budget, and count it."""
        with self._lock:
            now = self._monotonic()
            self._left = min(self._burst, self._left + (now - self._updated_at) * self._per_second)
            self._updated_at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def _ceil(seconds: float) -> int:
    return max(1, math.ceil(seconds))
