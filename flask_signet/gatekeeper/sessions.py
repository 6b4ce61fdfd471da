"""Sessions of one process: authenticate, refresh, start and end. No Flask in here.

``authenticate`` turns the cookies of a request into a RequestSession: its identity, what the response must do
with the cookies, and what failed. It uses the network only to exchange a refresh token.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from .breaker import CallBudget
from .cookies import Sent, SessionCookies, StoredSession
from .decision import Refresh, SignedIn, SignOut, decide
from .errors import (
    AuthUnavailable,
    GatekeeperError,
    KeysUnavailable,
    KeyUnknown,
    SessionEnded,
    SessionOver,
    SessionTooLarge,
    TokenError,
    TokenStale,
)
from .identity import Identity
from .refresh import Refreshed, Refresher
from .revocation import RevocationCheck
from .tokens import AccessClaims, SessionTokens
from .verification import Verifier

log = logging.getLogger("flask_signet.gatekeeper")

# Exchanges for cookies that are not encrypted and whose token no published key signed: possibly forged ones.
UNSIGNED_BURST = 10
UNSIGNED_PER_SECOND = 1.0


@dataclass(slots=True)
class RequestSession:
    """The session of one request, and what its response has to do with the cookies."""

    sent: Sent = field(default_factory=dict, repr=False)
    user_agent: str = ""
    identity: Identity | None = None
    signed_in_at: int = 0
    store: dict[str, str] | None = field(default=None, repr=False)  # cookies to set
    clear: bool = False  # expire the cookies that were sent
    end_reason: str | None = None  # a key of SESSION_END_WORDS, if the session ended unasked
    failure: GatekeeperError | None = None  # why the session could not be checked now


class EndedSessions:
    """Ids of the sessions that ended in this process, each until its last token has expired."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until: dict[UUID, float] = {}

    def add(self, session_id: UUID, seconds: float) -> None:
        """Remember a session as ended for some seconds."""
        now = self._monotonic()
        with self._lock:
            self._until = {known: until for known, until in self._until.items() if until > now}
            self._until[session_id] = now + seconds

    def __contains__(self, session_id: UUID) -> bool:
        """Return whether this session ended here."""
        until = self._until.get(session_id)
        return until is not None and self._monotonic() < until


class Sessions:
    """The sessions of one process; ``clock`` returns unix seconds, ``monotonic`` monotonic seconds."""

    def __init__(
        self,
        cookies: SessionCookies,
        verifier: Verifier,
        refresher: Refresher,
        revocation: RevocationCheck | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cookies = cookies
        self._verifier = verifier
        self._revocation = revocation
        self._clock = clock
        self._ended = EndedSessions(monotonic)
        self._refresher = refresher
        self._unsigned = CallBudget(UNSIGNED_BURST, UNSIGNED_PER_SECOND, monotonic)

    @property
    def verifier(self) -> Verifier:
        """The verifier of access tokens, for pages that explain its verdict."""
        return self._verifier

    def authenticate(self, sent: Sent, user_agent: str = "") -> RequestSession:
        """Return the session of a request with these cookies; a refresh forwards the user agent."""
        current = RequestSession(sent, user_agent)
        reading = self.cookies.read(sent)
        try:
            verdicts = [self._verdict(session) for session in reading.sessions]
        except (KeysUnavailable, AuthUnavailable) as error:
            current.failure = error
            log.warning("decision=unavailable code=%s detail=%r", error.code, str(error))
            return current
        # Several sessions: an old cookie of a parent domain beside ours. The first that can be used counts.
        for verdict, session in sorted(zip(verdicts, reading.sessions, strict=True), key=_usability):
            current.clear, current.end_reason = False, None
            self._apply_decision(current, session, verdict, is_outdated=reading.is_outdated)
            if current.end_reason is None:
                break
        if not reading.sessions and reading.is_unreadable:
            current.clear = True
            log.info("decision=anonymous code=cookie_unreadable")
        return current

    def _verdict(self, session: StoredSession) -> AccessClaims | TokenError:
        try:
            return self._verifier.verify(session.tokens.access_token)
        except TokenError as error:
            return error

    def authenticate_bearer(self, token: str) -> Identity:
        """Return the owner of a bearer token; raise TokenError, KeysUnavailable or AuthUnavailable.

        A token whose session ended here is refused; nothing is refreshed for API clients.
        """
        claims = self._verifier.verify(token)
        identity = Identity.of(claims, token)
        if self.is_ended(identity) or (self._revocation and self._revocation.reason_to_end(identity)):
            raise SessionOver(kid=claims.kid)
        return identity

    def start(self, current: RequestSession, tokens: SessionTokens) -> Identity:
        """Start a session with tokens that Auth just issued.

        Raises TokenError, KeysUnavailable, AuthUnavailable or SessionTooLarge.
        """
        claims = self._verifier.verify(tokens.access_token, from_auth=True)
        current.signed_in_at = int(self._clock())
        current.store = self.cookies.prepare(StoredSession(tokens, current.signed_in_at), claims)
        current.clear = False
        current.identity = Identity.of(claims, tokens.access_token)
        return current.identity

    def end(self, current: RequestSession) -> None:
        """End the session in this process, also for its requests in progress."""
        if current.identity is not None:
            life = current.identity.expires_at - current.identity.issued_at
            # Every token of this session that exists by now expires within this time.
            self._ended.add(current.identity.session_id, 2.0 * life + 60)
            self._refresher.forget(current.identity.session_id)
        current.identity, current.store, current.clear = None, None, True

    def is_ended(self, identity: Identity) -> bool:
        """Return whether this session was ended in this process."""
        return identity.session_id in self._ended

    def _apply_decision(
        self,
        current: RequestSession,
        session: StoredSession,
        verdict: AccessClaims | TokenError,
        *,
        is_outdated: bool,
    ) -> None:
        match decide(verdict, self._clock()):
            case SignOut(reason=reason):
                code = verdict.code if isinstance(verdict, TokenError) else ""
                self._sign_out(current, reason, code=code, verdict=verdict)
            case SignedIn(claims=claims):
                self._accept(current, session, claims)
                if is_outdated:
                    self._store(current, session, claims)
            case Refresh(claims=claims):
                if (
                    isinstance(verdict, KeyUnknown)
                    and self.cookies.is_forgeable
                    and not self._unsigned.take()
                ):
                    current.failure = AuthUnavailable("too many tokens of unknown keys", retry_after=1)
                    log.warning("decision=unavailable code=unsigned_budget")
                    return
                self._refresh(current, session, claims)

    def _accept(self, current: RequestSession, session: StoredSession, claims: AccessClaims) -> None:
        if claims.session_id in self._ended:
            self._sign_out(current, "signed_out", code="ended_here", verdict=claims)
            return
        identity = Identity.of(claims, session.tokens.access_token)
        if self._revocation and (reason := self._revocation.reason_to_end(identity)):
            self._sign_out(current, reason, code="ended_elsewhere", verdict=claims)
            return
        current.identity = identity
        current.signed_in_at = session.signed_in_at

    def _refresh(self, current: RequestSession, session: StoredSession, claims: AccessClaims | None) -> None:
        """Exchange the refresh token; with ``claims`` of a valid access token, failures are ignored."""
        refresh_token = session.tokens.refresh_token
        try:
            if claims is None:
                refreshed: Refreshed | None = self._refresher.refresh(refresh_token, current.user_agent)
            else:
                refreshed = self._refresher.refresh_early(refresh_token, current.user_agent)
        except SessionEnded as error:
            self._sign_out(current, error.reason, code=error.code, verdict=claims)
        except GatekeeperError as error:
            log.warning("decision=unavailable code=%s detail=%r", error.code, str(error))
            current.failure = error
        else:
            if refreshed is None and claims is not None:
                self._accept(current, session, claims)
            elif refreshed is not None:
                renewed = StoredSession(refreshed.tokens, session.signed_in_at)
                self._accept(current, renewed, refreshed.claims)
                self._store(current, renewed, refreshed.claims)
                known = refreshed.claims
                log.info("decision=refresh kid=%s session=%s", known.kid, known.session_id)

    def _store(self, current: RequestSession, session: StoredSession, claims: AccessClaims) -> None:
        if current.identity is None:
            return
        try:
            current.store = self.cookies.prepare(session, claims)
        except SessionTooLarge as error:
            # The old cookie still works: Auth answers the parent of the active token with the active one.
            log.error("decision=signed_in code=%s session=%s", error.code, current.identity.session_id)

    def _sign_out(
        self, current: RequestSession, reason: str, *, code: str, verdict: AccessClaims | TokenError | None
    ) -> None:
        kid = verdict.kid if verdict is not None else None
        session_id = verdict.session_id if isinstance(verdict, AccessClaims) else None
        log.info("decision=sign_out code=%s reason=%s kid=%s session=%s", code, reason, kid, session_id)
        current.identity, current.store, current.clear, current.end_reason = None, None, True, reason


def _usability(candidate: tuple[AccessClaims | TokenError, StoredSession]) -> int:
    """Sort key: valid tokens first, then those that a refresh may fix, then the rest."""
    if isinstance(candidate[0], AccessClaims):
        return 0
    return 1 if isinstance(candidate[0], TokenStale) else 2
