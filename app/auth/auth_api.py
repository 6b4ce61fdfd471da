"""Calls to Auth; each raises AppError only.

Trust boundary: an answer that would reveal whether an address has an account (a rate limit that only known
addresses meet) is withheld here, so that no page can pass it on.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from app.errors import AppError, ServiceUnavailable
from app.service_errors import explained, explained_as_user
from flask_signet.clients import anonymous_client
from flask_signet.gatekeeper import Identity, SessionEnded, SessionTokens

if TYPE_CHECKING:
    from supabase_auth.types import AuthResponse
    from supabase_auth.types import ResendEmailCredentialsOptions as ResendOptions

logger = logging.getLogger(__name__)

# Auth counts mails per account, so only an address with an account can meet this limit.
REVEALING_CODES = frozenset({"over_email_send_rate_limit"})

MailPurpose = Literal["signup", "recovery"]
LinkKind = Literal["signup", "invite", "magiclink", "recovery", "email_change", "email"]
SignOutScope = Literal["local", "global"]


def sign_in(email: str, password: str) -> SessionTokens:
    """Exchange an e-mail address and a password for a session."""
    with explained():
        response = anonymous_client().auth.sign_in_with_password({"email": email, "password": password})
    return _tokens(response)


def sign_up(email: str, password: str, return_url: str) -> SessionTokens | None:
    """Create an account; None means that the address must be confirmed by mail, if it is new.

    ``return_url`` is the redirect target of the link in that mail.
    """
    try:
        with explained():
            response = anonymous_client().auth.sign_up(
                {"email": email, "password": password, "options": {"email_redirect_to": return_url}}
            )
    except AppError as error:
        _withhold(error)
        return None
    return _tokens(response) if response.session else None


def redeem_link(token_hash: str, kind: LinkKind) -> SessionTokens | None:
    """Redeem the token of a mailed link; None means that a second mail must be confirmed as well."""
    with explained():
        response = anonymous_client().auth.verify_otp({"token_hash": token_hash, "type": kind})
    return _tokens(response) if response.session else None


def redeem_code(email: str, code: str, purpose: MailPurpose) -> SessionTokens:
    """Redeem the six-digit code of a mail."""
    with explained():
        response = anonymous_client().auth.verify_otp({"email": email, "token": code, "type": purpose})
    return _tokens(response)


def send_mail(email: str, purpose: MailPurpose, return_url: str) -> None:
    """Request a mail with a link to ``return_url``; Auth sends it only if one is due to the address."""
    auth = anonymous_client().auth
    try:
        with explained():
            if purpose == "recovery":
                auth.reset_password_for_email(email, {"redirect_to": return_url})
            else:
                again: ResendOptions = {"email_redirect_to": return_url}
                auth.resend({"type": "signup", "email": email, "options": again})
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


def _tokens(response: AuthResponse) -> SessionTokens:
    if response.session is None:
        raise ServiceUnavailable(detail="auth answered a sign-in without a session")
    return SessionTokens.of(response.session)


def _withhold(error: AppError) -> None:
    """Log an error that only a known address can meet; re-raise any other."""
    if error.code not in REVEALING_CODES:
        raise error
    logger.info("answer withheld: %s", error.detail)
