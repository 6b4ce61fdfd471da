"""The sessions of one process: who arrives with which cookie, and what becomes of it. No Flask in here.

``arrive`` turns the cookies of a request into a Visit: somebody or nobody, what the response must do with the
cookie, and what stood in the way if anything did. It meets the network only to exchange a refresh token.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from .auth_answers import tokens_from
from .auth_http import Answer, AnswerRefused
from .cookies import Reading, Sent, SessionCookies, StoredSession
from .decision import Anonymous, Refresh, SignedIn, SignOut, decide
from .errors import (
    AuthMisconfigured,
    AuthUnavailable,
    GatekeeperError,
    KeysUnavailable,
    SessionEnded,
    SessionOver,
    SessionTooLarge,
    TokenError,
)
from .identity import AccessClaims, Identity, SessionTokens
from .refresh import EndedSessions, Refreshed, Refresher
from .revocation import RevocationCheck
from .verification import Verifier

log = logging.getLogger("gatekeeper")


@dataclass(slots=True)
class Visit:
    """One request's session, and what its response has to do about the cookie."""

    sent: Sent = field(default_factory=dict, repr=False)
    user_agent: str = ""
    identity: Identity | None = None
    signed_in_at: int = 0
    store: dict[str, str] | None = field(default=None, repr=False)  # cookies to write
    clear: bool = False  # cookies to forget
    end_reason: str | None = None  # a key of SESSION_END_WORDS, when a session ended unasked
    failure: GatekeeperError | None = None  # why a session could not be looked at now


class Sessions:
    """Reads, renews, starts and ends sessions; ``clock`` gives unix seconds, ``monotonic`` counts them."""

    def __init__(
        self,
        cookies: SessionCookies,
        verifier: Verifier,
        ask_refresh: Callable[[str, str], Answer],
        revocation: RevocationCheck | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cookies = cookies
        self._verifier = verifier
        self._ask_refresh = ask_refresh
        self._revocation = revocation
        self._clock = clock
        self._ended = EndedSessions(monotonic)
        self._refresher = Refresher(self._exchange, self._ended, monotonic)

    def arrive(self, sent: Sent, user_agent: str = "") -> Visit:
        """Find out who sends a request with these cookies; an exchange is made in the user agent's name."""
        visit = Visit(sent, user_agent)
        reading = self.cookies.read(sent)
        verdict: AccessClaims | TokenError | None = None
        if reading.session is not None:
            try:
                verdict = self._verifier.verify(reading.session.tokens.access_token)
            except TokenError as error:
                verdict = error
            except (KeysUnavailable, AuthUnavailable) as error:
                visit.failure = error
                log.warning("decision=unavailable code=%s detail=%r", error.code, str(error))
                return visit
        self._carry_out(visit, reading, verdict)
        return visit

    def recognise(self, token: str) -> Identity:
        """Return whose bearer token this is; raise TokenError, KeysUnavailable or AuthUnavailable.

        A token whose session was ended here is refused; nothing is ever refreshed for an API client.
        """
        claims = self._verifier.verify(token)
        identity = Identity.of(claims, token)
        if self.is_ended(identity) or (self._revocation and self._revocation.reason_to_end(identity)):
            raise SessionOver(kid=claims.kid)
        return identity

    def start(self, visit: Visit, tokens: SessionTokens) -> Identity:
        """Begin a session with tokens that Auth just gave.

        Raises TokenError, KeysUnavailable or SessionTooLarge.
        """
        claims = self._verifier.verify(tokens.access_token, from_auth=True)
        visit.signed_in_at = int(self._clock())
        visit.store = self.cookies.prepare(StoredSession(tokens, visit.signed_in_at), claims)
        visit.clear = False
        visit.identity = Identity.of(claims, tokens.access_token)
        return visit.identity

    def end(self, visit: Visit) -> None:
        """Forget the visit's session, here and for every request of it that is still under way."""
        if visit.identity is not None:
            life = visit.identity.expires_at - visit.identity.issued_at
            # No token of this session that exists by now can outlive this.
            self._ended.add(visit.identity.session_id, 2.0 * life + 60)
            self._refresher.forget(visit.identity.session_id)
        visit.identity, visit.store, visit.clear = None, None, True

    def is_ended(self, identity: Identity) -> bool:
        """Return whether this session was ended in this process."""
        return identity.session_id in self._ended

    def _carry_out(self, visit: Visit, reading: Reading, verdict: AccessClaims | TokenError | None) -> None:
        decision = decide(
            has_session=reading.session is not None,
            is_unreadable=reading.is_unreadable,
            verdict=verdict,
            now=self._clock(),
        )
        match decision, reading.session:
            case Anonymous(clear=clear), _:
                visit.clear = clear
                if clear:
                    log.info("decision=anonymous code=cookie_unreadable")
            case SignOut(reason=reason), _:
                code = verdict.code if isinstance(verdict, TokenError) else ""
                self._sign_out(visit, reason, code=code, verdict=verdict)
            case SignedIn(claims=claims), StoredSession() as session:
                self._admit(visit, session, claims)
                if reading.is_outdated:
                    self._keep(visit, session, claims)
            case Refresh(claims=claims), StoredSession() as session:
                self._renew(visit, session, claims)

    def _admit(self, visit: Visit, session: StoredSession, claims: AccessClaims) -> None:
        if claims.session_id in self._ended:
            self._sign_out(visit, "signed_out", code="ended_here", verdict=claims)
            return
        identity = Identity.of(claims, session.tokens.access_token)
        if self._revocation and (reason := self._revocation.reason_to_end(identity)):
            self._sign_out(visit, reason, code="ended_elsewhere", verdict=claims)
            return
        visit.identity = identity
        visit.signed_in_at = session.signed_in_at

    def _renew(self, visit: Visit, session: StoredSession, claims: AccessClaims | None) -> None:
        """Exchange the refresh token; a session that is still good survives whatever goes wrong."""
        refresh_token = session.tokens.refresh_token
        try:
            if claims is None:
                refreshed: Refreshed | None = self._refresher.refresh(refresh_token, visit.user_agent)
            else:
                refreshed = self._refresher.refresh_early(refresh_token, visit.user_agent)
        except SessionEnded as error:
            self._sign_out(visit, error.reason, code=error.code, verdict=claims)
        except GatekeeperError as error:
            log.warning("decision=unavailable code=%s detail=%r", error.code, str(error))
            visit.failure = error
        else:
            if refreshed is None and claims is not None:
                self._admit(visit, session, claims)
            elif refreshed is not None:
                renewed = StoredSession(refreshed.tokens, session.signed_in_at)
                self._admit(visit, renewed, refreshed.claims)
                self._keep(visit, renewed, refreshed.claims)
                known = refreshed.claims
                log.info("decision=refresh kid=%s session=%s", known.kid, known.session_id)

    def _keep(self, visit: Visit, session: StoredSession, claims: AccessClaims) -> None:
        if visit.identity is None:
            return
        try:
            visit.store = self.cookies.prepare(session, claims)
        except SessionTooLarge as error:
            # The old cookie still works: Auth answers the parent of the active token with the active one.
            log.error("decision=signed_in code=%s session=%s", error.code, visit.identity.session_id)

    def _sign_out(
        self, visit: Visit, reason: str, *, code: str, verdict: AccessClaims | TokenError | None
    ) -> None:
        kid = verdict.kid if verdict is not None else None
        session_id = verdict.session_id if isinstance(verdict, AccessClaims) else None
        log.info("decision=sign_out code=%s reason=%s kid=%s session=%s", code, reason, kid, session_id)
        visit.identity, visit.store, visit.clear, visit.end_reason = None, None, True, reason

    def _exchange(self, refresh_token: str, user_agent: str) -> Refreshed:
        """Ask Auth for a new pair and verify it; a failure is logged once, however many requests it meets."""
        try:
            return self._ask_and_verify(refresh_token, user_agent)
        except (AuthUnavailable, AuthMisconfigured) as error:
            level = logging.ERROR if isinstance(error, AuthMisconfigured) else logging.WARNING
            log.log(level, "exchange=failed code=%s detail=%r", error.code, str(error))
            raise

    def _ask_and_verify(self, refresh_token: str, user_agent: str) -> Refreshed:
        try:
            answer = self._ask_refresh(refresh_token, user_agent)
        except (httpx.HTTPError, AnswerRefused) as error:
            raise AuthUnavailable(f"{type(error).__name__}: {error}") from error
        tokens = tokens_from(answer, self._clock())
        try:
            return Refreshed(tokens, self._verifier.verify(tokens.access_token, from_auth=True))
        except (TokenError, KeysUnavailable, AuthUnavailable) as error:
            raise AuthUnavailable(f"the new access token does not verify: {error.code}") from error
