"""Calls to Auth; each raises AppError only.

Trust boundary: an answer that would reveal whether an address has an account (a rate limit that only known
addresses meet) is withheld here, so that no page can pass it on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx

from app.errors import AppError, ServiceUnavailable
from app.service_errors import explained, explained_as_user
from flask_signet.clients import anonymous_client
from flask_signet.gatekeeper import Identity, SessionEnded, SessionTokens

if TYPE_CHECKING:
    from supabase_auth.types import AuthResponse, EmailOtpType

logger = logging.getLogger(__name__)

# Auth counts mails per account, and refuses a link to an address without one.
REVEALING_CODES = frozenset({"over_email_send_rate_limit", "otp_disabled"})

MailPurpose = Literal["signup", "recovery", "magiclink"]
LinkKind = Literal["signup", "invite", "magiclink", "recovery", "email_change", "email"]
SignOutScope = Literal["local", "global"]


# Path and further members of the request for each mail.
MAIL_REQUESTS: Mapping[MailPurpose, tuple[str, dict[str, object]]] = {
    "signup": ("resend", {"type": "signup"}),
    "recovery": ("recover", {}),
    "magiclink": ("otp", {"create_user": False, "data": {}}),
}


def sign_in(email: str, password: str) -> SessionTokens:
    """Exchange an e-mail address and a password for a session."""
    with explained():
        response = anonymous_client().auth.sign_in_with_password({"email": email, "password": password})
    return _tokens(response)


@dataclass(frozen=True, slots=True)
class SignUp:
    """Auth's answer to a sign-up: a session, or a user whose address must be confirmed by mail.

    Auth makes up a user for an address that has a confirmed account; it is empty if a limit was reached.
    """

    tokens: SessionTokens | None
    user: dict[str, Any]


def sign_up(email: str, password: str, return_url: str, challenge: str) -> SignUp:
    """Create an account; ``return_url`` is the redirect target of the link in the mail."""
    body: dict[str, object] = {"email": email, "password": password, "data": {}}
    try:
        with explained():
            from supabase_auth.helpers import parse_auth_response

            response = parse_auth_response(_request("signup", body, return_url, challenge))
    except AppError as error:
        _withhold(error)
        return SignUp(None, {})
    user = response.user.model_dump(mode="json") if response.user else {}
    return SignUp(_tokens(response) if response.session else None, user)


def redeem_link(token_hash: str, kind: LinkKind) -> SessionTokens | None:
    """Redeem the token of a mailed link; None means that a second mail must be confirmed as well."""
    with explained():
        response = anonymous_client().auth.verify_otp({"token_hash": token_hash, "type": kind})
    return _tokens(response) if response.session else None


def redeem_code(email: str, code: str, purpose: MailPurpose) -> SessionTokens:
    """Redeem the six-digit code of a mail."""
    with explained():
        kind: EmailOtpType = "email" if purpose == "magiclink" else purpose
        response = anonymous_client().auth.verify_otp({"email": email, "token": code, "type": kind})
    return _tokens(response)


def send_mail(email: str, purpose: MailPurpose, return_url: str, challenge: str) -> None:
    """Request a mail with a link to ``return_url``; Auth sends it only if one is due to the address."""
    path, extra = MAIL_REQUESTS[purpose]
    try:
        with explained():
            _request(path, {"email": email, **extra}, return_url, challenge)
    except AppError as error:
        _withhold(error)


def set_password(identity: Identity, password: str) -> None:
    """Set a new password; Auth then ends every other session of the user. Raises SessionEnded."""
    with explained_as_user():
        auth = anonymous_client().auth
        # The refresh token stays in its cookie; this client is discarded before it could need one.
        auth.set_session(identity.access_token, "")
        auth.update_user({"password": password})


def account_version(identity: Identity) -> str:
    """Return the time of the last change of the user's account, as Auth states it. Raises SessionEnded."""
    with explained_as_user():
        response = anonymous_client().auth.get_user(identity.access_token)
    if response is None or response.user.updated_at is None:
        raise ServiceUnavailable(detail="auth answered without a user")
    return response.user.updated_at.isoformat()


def sign_out(identity: Identity, scope: SignOutScope) -> None:
    """End this session at Auth, or all of this user; a session that has ended already is no error."""
    with suppress(SessionEnded), explained_as_user():
        anonymous_client().auth.admin.sign_out(identity.access_token, scope)


def _request(path: str, body: dict[str, object], return_url: str, challenge: str) -> httpx.Response:
    """Send a request with the caller's PKCE challenge, which the package's own methods cannot take."""
    challenged = {**body, "code_challenge": challenge, "code_challenge_method": "s256"}
    return anonymous_client().auth._request("POST", path, body=challenged, redirect_to=return_url)


def _tokens(response: AuthResponse) -> SessionTokens:
    if response.session is None:
        raise ServiceUnavailable(detail="auth answered a sign-in without a session")
    return SessionTokens.of(response.session)


def _withhold(error: AppError) -> None:
    """Log an error that only a known address can meet; re-raise any other."""
    if error.code not in REVEALING_CODES:
        raise error
    logger.info("answer withheld: %s", error.detail)
