"""Exchange refresh tokens: one flight per token, results shared, ended sessions never revived.

Several requests of one browser arrive together with the same cookie. One of them asks Auth, the others wait
for its answer, and those that come a little later still get it. Other processes may do the same at the same
moment: Auth gives every holder of the parent of the active token that same active token, so nobody is signed
out by a race.

A session that ended here (sign-out) stays ended: an exchange that was under way gives nothing, and what was
kept of earlier ones is dropped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from .digest import digest
from .errors import AuthMisconfigured, AuthUnavailable, GatekeeperError, SessionEnded
from .identity import AccessClaims, SessionTokens

KEEP_SECONDS = 10.0  # how long late requests with the old cookie get the finished exchange
COOL_DOWN = 60.0  # after a failed exchange of a session that is still good
WAIT_SECONDS = 8.0  # connecting and reading, and a little
MAX_FLIGHTS = 4096  # kept at once, about 1 kB each; strangers can add to them where cookies are shared ones


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A finished exchange: the new pair, and the verified claims of its access token."""

    tokens: SessionTokens
    claims: AccessClaims


@dataclass(slots=True)
class _Flight:
    done: threading.Event = field(default_factory=threading.Event)
    result: Refreshed | GatekeeperError | None = None
    finished_at: float = 0.0
    keep_until: float = float("inf")

    def gave(self, session_id: UUID) -> bool:
        """Return whether it ended with new tokens for this session."""
        return isinstance(self.result, Refreshed) and self.result.claims.session_id == session_id


class EndedSessions:
    """Session ids that ended in this process, each until no token of it can be good any more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[UUID, float] = {}

    def add(self, session_id: UUID, seconds: float) -> None:
        """Remember a session as ended for so long."""
        now = self._clock()
        with self._lock:
            self._until = {known: until for known, until in self._until.items() if until > now}
            self._until[session_id] = now + seconds

    def __contains__(self, session_id: UUID) -> bool:
        """Return whether this session ended here."""
        return self._until.get(session_id, 0.0) > self._clock()


class Refresher:
    """Exchanges refresh tokens for one process.

    ``exchange`` asks Auth, given a refresh token and the browser's user agent, and verifies what it gives; it
    raises GatekeeperError. ``clock`` counts seconds.
    """

    def __init__(
        self,
        exchange: Callable[[str, str], Refreshed],
        ended: EndedSessions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._ended = ended
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight] = {}

    def refresh(self, refresh_token: str, user_agent: str = "") -> Refreshed:
        """Return the new pair for a session whose token is over; raise SessionEnded, AuthUnavailable, …"""
        flight, is_leader = self._board(refresh_token)
        if is_leader:
            self._fly(flight, refresh_token, user_agent)
        elif not flight.done.wait(WAIT_SECONDS):
            raise AuthUnavailable("waited too long for the exchange under way")
        return self._landed(flight)

    def refresh_early(self, refresh_token: str, user_agent: str = "") -> Refreshed | None:
        """Return the new pair for a session that is still good, or None when it is better left alone.

        It is left alone while another request exchanges it, and for a minute after a failure. Raises
        SessionEnded when Auth says so.
        """
        with self._lock:
            known = self._flights.get(digest(refresh_token))
            if known is not None and (not known.done.is_set() or self._failed_lately(known)):
                return None
        try:
            return self.refresh(refresh_token, user_agent)
        except (AuthUnavailable, AuthMisconfigured):
            return None

    def forget(self, session_id: UUID) -> None:
        """Drop what is kept of a session that has just ended."""
        with self._lock:
            self._flights = {
                key: flight for key, flight in self._flights.items() if not flight.gave(session_id)
            }

    def _board(self, refresh_token: str) -> tuple[_Flight, bool]:
        """Return the flight of a token and whether the caller has to fly it."""
        now = self._clock()
        key = digest(refresh_token)
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and now < flight.keep_until:
                return flight, False
            self._make_room(now)
            # One that takes longer than anybody waits (bytes may drip in for ever) must not block the next.
            flight = self._flights[key] = _Flight(keep_until=now + WAIT_SECONDS)
            return flight, True

    def _make_room(self, now: float) -> None:
        """Forget what is over, and the oldest when there are too many: those are merely exchanged again."""
        kept = {
            known: flight
            for known, flight in self._flights.items()
            if now < max(flight.keep_until, flight.finished_at + COOL_DOWN)
        }
        landed = (known for known, flight in kept.items() if flight.done.is_set())
        for oldest in list(islice(landed, max(0, len(kept) - MAX_FLIGHTS + 1))):
            del kept[oldest]
        self._flights = kept

    def _fly(self, flight: _Flight, refresh_token: str, user_agent: str) -> None:
        try:
            flight.result = self._exchange(refresh_token, user_agent)
            keep = KEEP_SECONDS
        except SessionEnded as error:
            flight.result, keep = error, KEEP_SECONDS
        except AuthUnavailable as error:
            flight.result, keep = error, float(error.retry_after or 1)
        except GatekeeperError as error:
            flight.result, keep = error, 1.0
        except BaseException:
            flight.result, keep = AuthUnavailable("the exchange failed"), 0.0
            raise
        finally:
            flight.finished_at = self._clock()
            flight.keep_until = flight.finished_at + keep
            flight.done.set()

    def _landed(self, flight: _Flight) -> Refreshed:
        result = flight.result
        if isinstance(result, Refreshed):
            if result.claims.session_id in self._ended:
                raise SessionEnded("signed_out")
            return result
        assert result is not None  # noqa: S101 - set before the flight is done
        raise result.with_traceback(None)  # one instance serves every waiting thread

    def _failed_lately(self, flight: _Flight) -> bool:
        return (
            isinstance(flight.result, AuthUnavailable | AuthMisconfigured)
            and self._clock() < flight.finished_at + COOL_DOWN
        )
