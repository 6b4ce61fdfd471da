"""Sign in with e-mail and password. The checks stand in the hosted service's order."""

from __future__ import annotations

from signet_stack.auth import grants, users
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.password_rules import weakness
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import AccountChanged, Client


def sign_in(auth: Auth, body: Body, client: Client) -> Grant:
    """Return a new session; raise AuthError."""
    email, password = _credentials(auth, body), body.text("password")
    with auth.transaction() as connection:
        user = users.find_by_email(connection, email)
    if user is not None and user.encrypted_password and user.is_banned(auth.now()):
        raise AuthError(400, "user_banned", "User is banned")
    if not auth.passwords.matches(password, user.encrypted_password if user else None) or user is None:
        raise refused()
    if user.email_confirmed_at is None:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    try:
        with auth.transaction() as connection:
            grant = grants.open_session(auth, connection, user, "password", client)
    except AccountChanged:
        raise refused() from None
    settings = auth.settings
    weak = weakness(password, settings.password_min_length, settings.password_required_characters)
    shown = None if weak is None else {"message": weak.message, "reasons": list(weak.reasons)}
    return Grant({**grant.body, "weak_password": shown}, grant.headers)


def refused() -> AuthError:
    """Return the one answer for an unknown address and for a wrong password."""
    return AuthError(400, "invalid_credentials", "Invalid login credentials")


def _credentials(auth: Auth, body: Body) -> str:
    email, phone = body.text("email"), body.text("phone")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on login.")
    if email:
        if not auth.settings.external_email_enabled:
            raise AuthError(422, "email_provider_disabled", "Email logins are disabled")
        return email.lower()
    if phone:
        raise AuthError(422, "phone_provider_disabled", "Phone logins are disabled")
    raise invalid("missing email or phone")
