"""Ask Auth now and then whether a session still lives, so that a sign-out elsewhere ends it here in time.

A verified token proves that its session lived when it was issued. Later on, at most once per session and
interval, ``GET /user`` is asked: behind a request's back when half of the interval is over, before it is
served when all of it is. When the question fails, for whatever reason, the session is let in and the log says
so; it is asked about again one interval later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from .auth_answers import error_code
from .auth_http import Answer
from .identity import Identity

log = logging.getLogger("gatekeeper")

MAX_SESSIONS = 10_000
MAX_AT_ONCE = 8  # questions behind requests' backs; more of them wait for a later request
# Answers of GET /user that mean: this session is over.
OVER = {"session_not_found": "ended_elsewhere", "user_not_found": "unknown_user", "user_banned": "banned"}


class RevocationCheck:
    """Remembers when each session was last known to live; ``clock`` gives unix seconds."""

    def __init__(
        self, ask_user: Callable[[str], Answer], interval: float, clock: Callable[[], float]
    ) -> None:
        self._ask_user = ask_user
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._alive_at: dict[UUID, float] = {}
        self._asking: set[UUID] = set()
        self._over: dict[UUID, str] = {}

    def reason_to_end(self, identity: Identity) -> str | None:
        """Return why a session is over (a key of SESSION_END_WORDS), or None when it may go on."""
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
        if is_due:
            self._ask(identity)
            return self._over.get(session_id)
        self._ask_behind(identity)
        return None

    def _age(self, identity: Identity) -> float:
        """Return the seconds since the session was last known to live, also when the clock was set back."""
        known = (self._alive_at.get(identity.session_id, 0.0), float(identity.issued_at))
        return min(abs(self._clock() - alive_at) for alive_at in known)

    def _ask_behind(self, identity: Identity) -> None:
        thread = threading.Thread(target=self._ask, args=(identity,), name="session-check", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads: a later request asks
            with self._lock:
                self._asking.discard(identity.session_id)

    def _ask(self, identity: Identity) -> None:
        asked_at = self._clock()
        try:
            reason = _reason(self._ask_user(identity.access_token))
        except Exception as error:  # a question that fails must neither end a session nor stop all later ones
            log.warning("decision=signed_in code=check_failed detail=%s", type(error).__name__)
            reason = None
        with self._lock:
            self._asking.discard(identity.session_id)
            if reason is not None:
                _remember(self._over, identity.session_id, reason)
            else:
                _remember(self._alive_at, identity.session_id, asked_at)


def _reason(answer: Answer) -> str | None:
    """Return why the session is over, if that is what Auth says."""
    reason = OVER.get(error_code(answer)) if answer.status in (401, 403) else None
    if reason is None and answer.status != 200:
        log.warning("decision=signed_in code=check_failed status=%s", answer.status)
    return reason


def _remember(known: dict[UUID, Any], session_id: UUID, value: float | str) -> None:
    known.pop(session_id, None)
    while len(known) >= MAX_SESSIONS:
        known.pop(next(iter(known)))  # the oldest is merely asked about again
    known[session_id] = value
