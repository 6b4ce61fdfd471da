"""Exchange refresh tokens: single-flight per token, results shared for a few seconds.

Requests of one browser arrive together with the same cookie. One of them asks Auth, the others wait for its
result, and requests that come within KEEP_SECONDS still get it. Other processes may do the same at the same
moment: Auth gives the holder of the parent of the active token that same active token, so a race ends
no session.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from uuid import UUID

from .auth_http import Answer, tokens_from
from .breaker import WAIT_SECONDS, Breaker
from .errors import (
    AuthMisconfigured,
    AuthUnavailable,
    GatekeeperError,
    KeysUnavailable,
    SessionEnded,
    TokenError,
)
from .tokens import AccessClaims, SessionTokens, digest

log = logging.getLogger("flask_signet.gatekeeper")

KEEP_SECONDS = 10.0  # how long requests with the old cookie get the finished exchange
EARLY_SECONDS = 1.0  # how long a request with a valid token waits for a new one
COOL_DOWN = 60.0  # after a failed exchange of a session whose token is still valid
MAX_FLIGHTS = 4096  # about 1 kB each; forged shared cookies can add to them


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A finished exchange: the new pair, and the verified claims of its access token."""

    tokens: SessionTokens
    claims: AccessClaims


@dataclass(slots=True)
class _Flight:
    done: threading.Event = field(default_factory=threading.Event)
    result: Refreshed | GatekeeperError | None = None
    finished_at: float = float("-inf")
    keep_until: float = float("inf")

    def is_of(self, session_id: UUID) -> bool:
        """Return whether the exchange gave new tokens for this session."""
        return isinstance(self.result, Refreshed) and self.result.claims.session_id == session_id


class Refresher:
    """Exchanges the refresh tokens of one process.

    ``ask`` sends a refresh token and the browser's user agent to Auth; ``verify`` checks an access token that
    Auth issued; ``breaker`` limits how long requests wait. ``clock`` returns unix seconds, ``monotonic``
    monotonic seconds.
    """

    def __init__(
        self,
        ask: Callable[[str, str], Answer],
        verify: Callable[[str], AccessClaims],
        breaker: Breaker,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._verify = verify
        self._breaker = breaker
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight] = {}

    def refresh(self, refresh_token: str, user_agent: str = "", at_most: float = WAIT_SECONDS) -> Refreshed:
        """Return the new pair; raise SessionEnded, AuthUnavailable or AuthMisconfigured.

        The request waits for ``at_most`` seconds, or less while Auth is in trouble. The exchange goes on, and
        its result is kept for the next request.
        """
        flight, is_leader = self._join_or_start(refresh_token)
        if not is_leader:
            is_done = self._breaker.wait(flight.done, at_most)
        else:
            try:
                call = partial(self._run, flight, refresh_token, user_agent)
                is_done = self._breaker.run(call, flight.done, at_most)
            except AuthUnavailable as refused:
                self._finish(flight, refused, keep=0)
                flight.done.set()
                raise
        if not is_done:
            raise AuthUnavailable("the exchange is still in progress", retry_after=1)
        if isinstance(flight.result, Refreshed):
            return flight.result
        assert flight.result is not None  # noqa: S101 - set before the flight is done
        raise flight.result.with_traceback(None)  # one instance serves every waiting thread

    def refresh_early(self, refresh_token: str, user_agent: str = "") -> Refreshed | None:
        """Return the new pair for a token that is still valid, or None to keep the present one.

        None during an exchange by another request, for COOL_DOWN after a failure, and if the exchange takes
        longer than EARLY_SECONDS. Raises SessionEnded.
        """
        with self._lock:
            known = self._flights.get(digest(refresh_token))
            if known is not None and (not known.done.is_set() or self._failed_recently(known)):
                return None
        try:
            return self.refresh(refresh_token, user_agent, at_most=EARLY_SECONDS)
        except (AuthUnavailable, AuthMisconfigured):
            return None

    def forget(self, session_id: UUID) -> None:
        """Drop the kept results of a session."""
        with self._lock:
            self._flights = {
                key: flight for key, flight in self._flights.items() if not flight.is_of(session_id)
            }

    def _join_or_start(self, refresh_token: str) -> tuple[_Flight, bool]:
        """Return the flight of a token and whether the caller has to run it."""
        now = self._monotonic()
        key = digest(refresh_token)
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and now < flight.keep_until:
                return flight, False
            self._make_room(now)
            # Stop sharing a flight after WAIT_SECONDS: a dripping response must not block the session.
            flight = self._flights[key] = _Flight(keep_until=now + WAIT_SECONDS)
            return flight, True

    def _make_room(self, now: float) -> None:
        """Drop expired flights, and the oldest finished ones beyond MAX_FLIGHTS."""
        kept = {
            known: flight
            for known, flight in self._flights.items()
            if now < max(flight.keep_until, flight.finished_at + COOL_DOWN)
        }
        finished = (known for known, flight in kept.items() if flight.done.is_set())
        for oldest in list(islice(finished, max(0, len(kept) - MAX_FLIGHTS + 1))):
            del kept[oldest]
        self._flights = kept

    def _run(self, flight: _Flight, refresh_token: str, user_agent: str) -> None:
        """Exchange the token and set the flight's result; a failure is logged once per flight."""
        try:
            self._finish(flight, self._exchange(refresh_token, user_agent), KEEP_SECONDS)
        except SessionEnded as error:
            self._finish(flight, error, KEEP_SECONDS)
        except AuthUnavailable as error:
            log.warning("exchange=failed code=%s detail=%r", error.code, str(error))
            self._finish(flight, error, keep=error.retry_after or 1)
        except AuthMisconfigured as error:
            log.error("exchange=failed code=%s detail=%r", error.code, str(error))
            self._finish(flight, error, keep=1)
        except Exception as error:  # a thread has no caller that would show it
            log.exception("exchange=failed code=internal_error")
            self._finish(flight, AuthUnavailable(f"the exchange failed: {type(error).__name__}"), keep=0)

    def _finish(self, flight: _Flight, result: Refreshed | GatekeeperError, keep: float) -> None:
        flight.result = result
        flight.finished_at = self._monotonic()
        flight.keep_until = flight.finished_at + keep

    def _exchange(self, refresh_token: str, user_agent: str) -> Refreshed:
        tokens = tokens_from(self._ask(refresh_token, user_agent), self._clock())
        try:
            return Refreshed(tokens, self._verify(tokens.access_token))
        except (TokenError, KeysUnavailable, AuthUnavailable) as error:
            raise AuthUnavailable(f"the new access token does not verify: {error.code}") from error

    def _failed_recently(self, flight: _Flight) -> bool:
        return (
            isinstance(flight.result, AuthUnavailable | AuthMisconfigured)
            and self._monotonic() < flight.finished_at + COOL_DOWN
        )
