"""JWKS cache and parser: refresh-ahead, stale-if-error for 1 h, single-flight (RFC 7517).

Trust: keys come from the one configured URL or from the settings, never from a place that a token names.
Keys are checked before use although Auth publishes them: a private, symmetric or weak key, or two keys under
one id, would make token verification worthless.

A request waits for the network in two cases only: no key set within its life is cached, or, once per
cool-down, a token names a key that is not in the set. Every fetch runs in its own thread; a request waits for
it for three seconds at most.

    age of the set      what a request gets
    < 8 min             the set
    8 to 10 min         the set; a fetch starts in the background
    10 min to 1 h       a fetch; the old set if it fails, and for a minute the old set without waiting
    > 1 h, or no set    a fetch; KeysUnavailable if it fails, and for a minute only two requests wait
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from .errors import KeysUnavailable
from .tokens import ALGORITHMS, KID_PATTERN, VerificationKey, read_json

log = logging.getLogger("flask_signet.gatekeeper")

LIFE = 600  # seconds; Auth publishes with max-age=600
AHEAD = 120  # seconds before the end of life at which the next fetch starts
STALE_LIMIT = 3600  # seconds; tokens of a key that was revoked meanwhile have expired by then
UNKNOWN_KID_COOL_DOWN = 30  # seconds
FAILURE_COOL_DOWN = 5  # seconds
OUTAGE = 60  # seconds after a failure during which requests do not wait for the next fetch
FLIGHT_LIMIT = 10  # seconds after which a fetch is abandoned: a response may drip in for ever
MAX_ABANDONED = 3  # abandoned fetches whose threads are still running
WAIT = 3.0  # seconds that a request waits for a fetch
MAX_WAITING = 2  # requests that wait for a fetch during an outage; all others get the old set or none
MAX_KEYS = 32
RSA_BITS = range(2048, 8193)
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# The private half of this key is public (the official CLI signs with it): accepted on loopback only.
PUBLIC_DEVELOPMENT_KID = "b81269f1-21d8-4f2e-b719-c2240a840d90"
_KINDS = {("EC", "P-256"): "ES256", ("RSA", None): "RS256", ("OKP", "Ed25519"): "EdDSA"}

Keys = Mapping[str, VerificationKey]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fetched key set; ``is_legacy`` marks a project that publishes no key (shared-secret HS256)."""

    keys: Keys
    fetched_at: float
    is_legacy: bool = False


@dataclass(slots=True)
class _Flight:
    started_at: float
    done: threading.Event = field(default_factory=threading.Event)


class KeySet:
    """The cached key set of one project in one process; thread-safe.

    ``fetch`` returns the raw document or raises; ``clock`` returns monotonic seconds.
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
        self._abandoned = 0
        self._waiting = 0  # requests
        # A monotonic clock may start anywhere, so "never" is not a number near zero.
        self._failed_at = float("-inf")
        self._looked_for_unknown_at = float("-inf")
        self._has_held_keys = False

    @property
    def is_cold(self) -> bool:
        """Whether no key set was fetched yet."""
        return self._snapshot is None

    def current(self) -> Snapshot:
        """Return the key set to verify with; raise KeysUnavailable if there is none."""
        snapshot = self._snapshot
        age = self._age(snapshot)
        if snapshot is not None and age < LIFE:
            if age >= LIFE - AHEAD:
                self._start_fetch()
            return snapshot
        if snapshot is not None and age < STALE_LIMIT and self._clock() - self._failed_at < OUTAGE:
            self._start_fetch()  # without waiting: an outage must not delay every request
            return snapshot
        self._fetch_and_wait()
        snapshot = self._snapshot
        if snapshot is None or self._age(snapshot) >= STALE_LIMIT:
            raise KeysUnavailable
        return snapshot

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Fetch the set again because ``kid`` is missing; during the cool-down return the cached set.

        ``from_auth`` marks a token that Auth issued a moment ago. It skips the cool-down, because clients
        cannot trigger such a fetch with made-up key ids.
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
        if flight is None:
            return
        with self._lock:
            is_outage = self._clock() - self._failed_at < OUTAGE
            if is_outage and self._waiting >= MAX_WAITING:
                return
            self._waiting += 1
        try:
            flight.done.wait(self._wait)
        finally:
            with self._lock:
                self._waiting -= 1

    def _start_fetch(self) -> _Flight | None:
        """Start a fetch or return the one in progress; None during the cool-down after a failure."""
        with self._lock:
            now = self._clock()
            if self._flight is not None:
                if now - self._flight.started_at < FLIGHT_LIMIT:
                    return self._flight
                self._flight, self._failed_at, self._abandoned = None, now, self._abandoned + 1
                log.warning("key set not fetched: abandoned after %s seconds", FLIGHT_LIMIT)
            if now - self._failed_at < FAILURE_COOL_DOWN or self._abandoned >= MAX_ABANDONED:
                return None
            self._flight = flight = _Flight(now)
        try:
            threading.Thread(target=self._run, args=(flight,), name="jwks-fetch", daemon=True).start()
        except RuntimeError as error:  # no more threads, or the process is ending
            self._finish(flight, error)
        return flight

    def _run(self, flight: _Flight) -> None:
        outcome: Snapshot | Exception = KeySetRefused("the fetch was cut short")
        try:
            outcome = self._read(self._fetch(), flight.started_at)
        except Exception as error:  # whatever failed, the cached set stays
            outcome = error
        finally:
            self._finish(flight, outcome)

    def _finish(self, flight: _Flight, outcome: Snapshot | Exception) -> None:
        with self._lock:
            if self._flight is not flight:
                self._abandoned -= 1  # its result may be older than the cached set
                return
            self._flight = None
            if isinstance(outcome, Snapshot):
                self._snapshot = outcome
            else:
                self._failed_at = self._clock()
        if isinstance(outcome, Exception):
            log.warning("key set not fetched: %s", outcome)
        flight.done.set()

    def _read(self, raw: bytes, requested_at: float) -> Snapshot:
        parsed = parse_key_set(raw, allow_development_key=self._allow_development_key)
        for line in parsed.refused:
            log.warning("key refused: %s", line)
        if parsed.keys:
            self._has_held_keys = True
        elif self._has_held_keys:
            raise KeySetRefused("the set became empty")
        keys: Keys = MappingProxyType(parsed.keys)
        if self._snapshot is not None and self._snapshot.keys == keys:
            keys = self._snapshot.keys  # the same object, which keeps the cache of verified tokens
        return Snapshot(keys, requested_at, is_legacy=not keys)


class InlineKeySet:
    """A fixed key set from the settings."""

    def __init__(self, raw: bytes, *, allow_development_key: bool = False) -> None:
        parsed = parse_key_set(raw, allow_development_key=allow_development_key, allow_array=True)
        keys = parsed.keys
        if not keys:
            raise KeySetRefused("no keys")
        self._snapshot = Snapshot(MappingProxyType(keys), 0.0)
        self.is_cold = False

    def current(self) -> Snapshot:
        """Return the set."""
        return self._snapshot

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Return the same set: nothing is ever fetched."""
        return self._snapshot


class KeySetRefused(ValueError):
    """Raised when a key set cannot be used as a whole; the message says why."""


@dataclass(frozen=True, slots=True)
class ParsedKeySet:
    """The usable keys by kid, and one line for each refused key."""

    keys: dict[str, VerificationKey]
    refused: tuple[str, ...]


def parse_key_set(raw: bytes, *, allow_development_key: bool, allow_array: bool = False) -> ParsedKeySet:
    """Return the keys of a JWKS that may verify tokens; an empty set is valid.

    ``allow_array`` accepts the array of keys alone, as official servers read it from SUPABASE_JWKS.

    Raises KeySetRefused if ``raw`` is not a key set, or if it has keys and none of them is usable.
    """
    try:
        document = read_json(raw)
    except ValueError as error:
        raise KeySetRefused(f"not a key set: {error}") from None
    members = document.get("keys") if isinstance(document, dict) else document if allow_array else None
    if not isinstance(members, list):
        raise KeySetRefused("not a key set: no list of keys")
    if len(members) > MAX_KEYS:
        raise KeySetRefused(f"more than {MAX_KEYS} keys")
    keys: dict[str, VerificationKey] = {}
    refused: list[str] = []
    kids = [member.get("kid") if isinstance(member, dict) else None for member in members]
    for member, kid in zip(members, kids, strict=True):
        reason = _fault(member, kid)
        if reason is None and kids.count(kid) > 1:
            reason = "the same kid twice"
        if reason is None and kid == PUBLIC_DEVELOPMENT_KID and not allow_development_key:
            reason = "the official CLI's public development key"
        parsed = _load(member) if reason is None else reason
        if isinstance(parsed, VerificationKey):
            keys[parsed.kid] = parsed
        else:
            refused.append(f"{repr(kid[:128]) if isinstance(kid, str) else '(no kid)'}: {parsed}")
    if refused and not keys:
        raise KeySetRefused("no usable key: " + "; ".join(refused))
    return ParsedKeySet(keys, tuple(refused))


def _fault(member: Any, kid: Any) -> str | None:
    """Return why a member is refused as a public verification key, or None."""
    if not isinstance(member, dict):
        return "not an object"
    if not isinstance(kid, str) or KID_PATTERN.fullmatch(kid) is None:
        return "no usable kid"
    if PRIVATE_MEMBERS & member.keys():
        return "private or symmetric members"
    if _algorithm(member) is None:
        return "unknown kind of key"
    if member.get("alg", _algorithm(member)) != _algorithm(member):
        return "alg does not fit the key"
    if member.get("use", "sig") != "sig":
        return "not for signatures"
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "not for verifying"
    return None


def _algorithm(member: dict[str, Any]) -> str | None:
    kind, curve = member.get("kty"), member.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return None
    return _KINDS.get((kind, curve))


def _load(member: dict[str, Any]) -> VerificationKey | str:
    """Return the key, or the reason why its parameters are refused."""
    algorithm = _algorithm(member)
    assert algorithm in ALGORITHMS  # noqa: S101 - checked by _fault
    try:
        loaded = jwt.PyJWK(member, algorithm)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError) as error:
        return f"unreadable ({type(error).__name__})"
    if isinstance(loaded.key, RSAPublicKey):
        if loaded.key.key_size not in RSA_BITS:
            return f"RSA of {loaded.key.key_size} bits"
        exponent = loaded.key.public_numbers().e
        if exponent < 3 or exponent % 2 == 0:
            return "RSA exponent"
    return VerificationKey(member["kid"], algorithm, loaded.key, loaded.Algorithm)
