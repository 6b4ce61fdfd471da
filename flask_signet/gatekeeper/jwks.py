"""The published key set, always at hand: fetched ahead of need, kept through an outage, never for ever.

Trust: keys come from the one configured URL (or inline settings) and from nowhere that a token names. A
request meets the network here in two cases only: when this process holds no set yet or one past its life, and
once per cool-down when a token names a key that is not in the set. Every fetch runs in a thread of its own
that ends with it; whoever must wait does so for three seconds at most.

    age of the set      what a request gets
    < 8 min             the set
    8 to 10 min         the set, and a fetch starts behind its back
    10 min to 1 h       a fetch first; the old set when that fails, and for a minute without waiting again
    > 1 h, or no set    a fetch first; KeysUnavailable when that fails
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .errors import KeysUnavailable
from .key_set_parsing import KeySetRefused, parse_key_set
from .tokens import VerificationKey

log = logging.getLogger(__name__)

LIFE = 600  # seconds; Auth publishes with max-age=600
AHEAD = 120  # seconds before the end of life at which the next fetch starts
STALE_LIMIT = 3600  # seconds; by then every token of a key that may be revoked has run out
UNKNOWN_KID_COOL_DOWN = 30  # seconds
FAILURE_COOL_DOWN = 5  # seconds
OUTAGE = 60  # seconds after a failure during which requests do not wait for the next fetch
FLIGHT_LIMIT = 10  # seconds; a fetch that is not over by then is given up, whatever may still drip in
MAX_GIVEN_UP = 3  # fetches that were given up and have not ended yet
WAIT = 3.0  # seconds that a request waits for a fetch

Keys = Mapping[str, VerificationKey]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fetched key set. ``is_legacy``: a project that signs with a shared secret and publishes no key."""

    keys: Keys
    fetched_at: float
    is_legacy: bool = False


@dataclass(slots=True)
class _Flight:
    started_at: float
    landed: threading.Event = field(default_factory=threading.Event)


class KeySet:
    """The key set of one project for one process; safe to use from any thread.

    ``fetch`` returns the raw document or raises; ``clock`` counts monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        *,
        allow_development_key: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wait: float = WAIT,
    ) -> None:
        self._fetch = fetch
        self._allow_development_key = allow_development_key
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._flight: _Flight | None = None
        self._given_up = 0
        self._failed_at = -FAILURE_COOL_DOWN * 1.0
        self._looked_for_unknown_at = -UNKNOWN_KID_COOL_DOWN * 1.0
        self._has_held_keys = False

    @property
    def is_cold(self) -> bool:
        """Whether this process holds no key set yet."""
        return self._snapshot is None

    def current(self) -> Snapshot:
        """Return the key set to verify with now; raise KeysUnavailable when there is none to be had."""
        snapshot = self._snapshot
        age = self._age(snapshot)
        if snapshot is not None and age < LIFE:
            if age >= LIFE - AHEAD:
                self._start_fetch()
            return snapshot
        if snapshot is not None and age < STALE_LIMIT and self._clock() - self._failed_at < OUTAGE:
            self._start_fetch()  # it failed just now: an outage must not hold up every request
            return snapshot
        self._fetch_and_wait()
        snapshot = self._snapshot
        if snapshot is None or self._age(snapshot) >= STALE_LIMIT:
            raise KeysUnavailable
        return snapshot

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Return a set fetched because ``kid`` was missing, or the present one during the cool-down.

        ``from_auth`` says that the token that names the kid came from Auth itself just now, so asking at once
        is no gift to strangers.
        """
        now = self._clock()
        with self._lock:
            is_due = from_auth or now - self._looked_for_unknown_at >= UNKNOWN_KID_COOL_DOWN
            if is_due:
                self._looked_for_unknown_at = now
        if is_due:
            log.info("key set fetched again for an unknown kid")
            self._fetch_and_wait()
        return self.current()

    def _age(self, snapshot: Snapshot | None) -> float:
        return float("inf") if snapshot is None else self._clock() - snapshot.fetched_at

    def _fetch_and_wait(self) -> None:
        flight = self._start_fetch()
        if flight is not None:
            flight.landed.wait(self._wait)

    def _start_fetch(self) -> _Flight | None:
        """Start a fetch, or join the one under way; None while the cool-down after a failure lasts."""
        with self._lock:
            now = self._clock()
            if self._flight is not None:
                if now - self._flight.started_at < FLIGHT_LIMIT:
                    return self._flight
                self._flight, self._failed_at, self._given_up = None, now, self._given_up + 1
                log.warning("key set not fetched: given up after %s seconds", FLIGHT_LIMIT)
            if now - self._failed_at < FAILURE_COOL_DOWN or self._given_up >= MAX_GIVEN_UP:
                return None
            self._flight = flight = _Flight(now)
        try:
            threading.Thread(target=self._fly, args=(flight,), name="jwks-fetch", daemon=True).start()
        except RuntimeError as error:  # no more threads, or the process is ending
            self._land(flight, error)
        return flight

    def _fly(self, flight: _Flight) -> None:
        outcome: Snapshot | Exception = KeySetRefused("the fetch was cut short")
        try:
            outcome = self._read(self._fetch(), flight.started_at)
        except Exception as error:  # any failure of a fetch means the same: keep what we have
            outcome = error
        finally:
            self._land(flight, outcome)

    def _land(self, flight: _Flight, outcome: Snapshot | Exception) -> None:
        with self._lock:
            if self._flight is not flight:
                self._given_up -= 1  # too late: whatever it brings may be older than what others fetched
                return
            self._flight = None
            if isinstance(outcome, Snapshot):
                self._snapshot = outcome
            else:
                self._failed_at = self._clock()
        if isinstance(outcome, Exception):
            log.warning("key set not fetched: %s", outcome)
        flight.landed.set()

    def _read(self, raw: bytes, asked_at: float) -> Snapshot:
        parsed = parse_key_set(raw, allow_development_key=self._allow_development_key)
        for line in parsed.refused:
            log.warning("key refused: %s", line)
        if parsed.keys:
            self._has_held_keys = True
        elif self._has_held_keys:
            raise KeySetRefused("the set became empty")
        keys: Keys = MappingProxyType(parsed.keys)
        if self._snapshot is not None and self._snapshot.keys == keys:
            keys = self._snapshot.keys  # the very same object: what was verified with it stays verified
        return Snapshot(keys, asked_at, is_legacy=not keys)


class InlineKeySet:
    """A key set that is given in the settings and never fetched."""

    def __init__(self, raw: bytes, *, allow_development_key: bool = False) -> None:
        keys = parse_key_set(raw, allow_development_key=allow_development_key).keys
        if not keys:
            raise KeySetRefused("no keys")
        self._snapshot = Snapshot(MappingProxyType(keys), 0.0)
        self.is_cold = False

    def current(self) -> Snapshot:
        """Return the set."""
        return self._snapshot

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Return the same set: there is nowhere to look."""
        return self._snapshot
