"""Revocation check: ask Auth periodically whether a session still exists (REVOCATION_CHECK_SECONDS).

A verified token proves that its session existed when it was issued. After that, ``GET /user`` is sent at most
once per session and interval: in the background after half of the interval, before the request is served
after all of it. A failed check lets the session in, logs a warning, and is repeated one interval later;
while Auth is in trouble (breaker.py) the session is let in without waiting.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from .auth_http import Answer, error_code
from .breaker import WAIT_SECONDS, Breaker
from .errors import AuthUnavailable
from .identity import Identity

log = logging.getLogger("flask_signet.gatekeeper")

MAX_SESSIONS = 10_000
MAX_AT_ONCE = 8  # concurrent background checks; further ones wait for a later request
# Error codes of GET /user that mean: this session is over.
OVER = {"session_not_found": "ended_elsewhere", "user_not_found": "unknown_user", "user_banned": "banned"}


class RevocationCheck:
    """Remembers when each session was last confirmed; ``clock`` returns unix seconds."""

    def __init__(
        self,
        ask_user: Callable[[str], Answer],
        interval: float,
        clock: Callable[[], float],
        breaker: Breaker,
    ) -> None:
        self._breaker = breaker
        self._ask_user = ask_user
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._alive_at: dict[UUID, float] = {}
        self._asking: set[UUID] = set()
        self._over: dict[UUID, str] = {}

    def reason_to_end(self, identity: Identity) -> str | None:
        """Return why a session is over (a key of SESSION_END_WORDS), or None."""
        session_id = identity.session_id
        with self._lock:
            if session_id in self._over:
                return self._over[session_id]
            age = self._age(identity)
            if age < self._interval / 2 or session_id in self._asking:
                return None
            is_due = age >= self._interval
            if not is_due and len(self._asking) >= MAX_AT_ONCE:
                return None
            self._asking.add(session_id)
        done = threading.Event()
        try:
            self._breaker.run(partial(self._ask, identity), done, at_most=WAIT_SECONDS if is_due else 0)
        except AuthUnavailable:  # the next request tries again
            with self._lock:
                self._asking.discard(session_id)
        return self._over.get(session_id)

    def _age(self, identity: Identity) -> float:
        """Return the seconds since the session was last confirmed, also if the clock was set back."""
        issued_at = float(identity.issued_at)
        known = (self._alive_at.get(identity.session_id, issued_at), issued_at)
        return min(abs(self._clock() - alive_at) for alive_at in known)

    def _ask(self, identity: Identity) -> None:
        asked_at = self._clock()
        try:
            reason = _reason(self._ask_user(identity.access_token))
        except Exception as error:  # a failed check must neither end a session nor stop later checks
            log.warning("decision=signed_in code=check_failed detail=%s", type(error).__name__)
            reason = None
        with self._lock:
            self._asking.discard(identity.session_id)
            if reason is not None:
                _remember(self._over, identity.session_id, reason)
            else:
                _remember(self._alive_at, identity.session_id, asked_at)


def _reason(answer: Answer) -> str | None:
    """Return why the session is over, or None."""
    reason = OVER.get(error_code(answer)) if answer.status in (401, 403) else None
    if reason is None and answer.status != 200:
        log.warning("decision=signed_in code=check_failed status=%s", answer.status)
    return reason


def _remember(known: dict[UUID, Any], session_id: UUID, value: float | str) -> None:
    known.pop(session_id, None)
    while len(known) >= MAX_SESSIONS:
        known.pop(next(iter(known)))  # the oldest is checked again when it comes back
    known[session_id] = value
