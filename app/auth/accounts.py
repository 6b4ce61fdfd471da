"""The calls to Auth that these pages make, each raising nothing but AppError.

Trust boundary: Auth decides. Where its answer would tell a stranger that an address has an account (a limit
that only known addresses meet), the answer is withheld here, so that no page can pass it on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from app.errors import AppError, ServiceUnavailable
from app.service_errors import explained
from flask_signet.clients import anonymous_client
from flask_signet.gatekeeper import Identity, SessionTokens

if TYPE_CHECKING:
    from supabase_auth.types import AuthResponse
    from supabase_auth.types import ResendEmailCredentialsOptions as ResendOptions

logger = logging.getLogger(__name__)

# Auth counts mails for each account, so only an address with an account can meet this limit.
TELLING_CODES = frozenset({"over_email_send_rate_limit"})

MailPurpose = Literal["signup", "recovery"]
LinkKind = Literal["signup", "invite", "magiclink", "recovery", "email_change", "email"]
SignOutScope = Literal["local", "global"]


def sign_in(email: str, password: str) -> SessionTokens:
    """Exchange an e-mail address and a password for a session."""
    with explained():
        response = anonymous_client().auth.sign_in_with_password({"email": email, "password": password})
    return _tokens(response)


def sign_up(email: str, password: str, return_url: str) -> SessionTokens | None:
    """Make an account; None means that a mail must be answered first, if the address is new.

    ``return_url`` is where the link in that mail leads after the confirmation.
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
    """Use up the token of a mailed link; None means that a second mail must be answered as well."""
    with explained():
        response = anonymous_client().auth.verify_otp({"token_hash": token_hash, "type": kind})
    return _tokens(response) if response.session else None


def redeem_code(email: str, code: str, purpose: MailPurpose) -> SessionTokens:
    """Use up the six-digit code of a mail."""
    with explained():
        response = anonymous_client().auth.verify_otp({"email": email, "token": code, "type": purpose})
    return _tokens(response)


def send_mail(email: str, purpose: MailPurpose, return_url: str) -> None:
    """Have Auth mail a link that leads to ``return_url``, if such a mail is due to the address."""
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
    """Set a new password; Auth then ends every other session of this person."""
    with explained():
        auth = anonymous_client().auth
        # The refresh token stays in its cookie; this client lives too short to need one.
        auth.set_session(identity.access_token, "")
        auth.update_user({"password": password})


def sign_out(identity: Identity, scope: SignOutScope) -> None:
    """End this session at Auth, or all sessions of this person; one that is over already is no error."""
    try:
        with explained():
            anonymous_client().auth.admin.sign_out(identity.access_token, scope)
    except AppError as error:
        if error.code != "session_ended":
            raise


def _tokens(response: AuthResponse) -> SessionTokens:
    if response.session is None:
        raise ServiceUnavailable(detail="auth answered a sign-in without a session")
    return SessionTokens.of(response.session)


def _withhold(error: AppError) -> None:
    """Keep an answer back that only a known address can meet; raise any other."""
    if error.code not in TELLING_CODES:
        raise error
    logger.info("answer withheld: %s", error.detail)
