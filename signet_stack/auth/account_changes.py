"""PUT /user: change the password, address or metadata of one's own account.

Two short transactions with the slow comparison of passwords between them; the second one takes the user's
lock and refuses when the password was changed in the meantime.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from signet_stack.auth import email_change, factors, identities, notices, one_time_tokens, sessions, users
from signet_stack.auth.access_tokens import ADMIN_ROLES, Claims
from signet_stack.auth.bearer import Bearer, require_user
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.one_time_tokens import REAUTHENTICATION
from signet_stack.auth.pkce import read_challenge
from signet_stack.auth.service import Operation
from signet_stack.auth.sign_up import check_new_password
from signet_stack.auth.token_mails import MailOptions
from signet_stack.auth.users import Rows, User, checked_email

FRESH = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Change:
    """One request to change an account; None means that a part stays as it is."""

    email: str | None
    password: str | None = field(repr=False)
    current_password: str | None = field(repr=False)
    nonce: str = field(repr=False)
    metadata: dict[str, Any]
    app_metadata: dict[str, Any] | None
    options: MailOptions


def read_change(op: Operation, body: Body, target: str) -> Change:
    """Return what the body of PUT /user asks for; raise AuthError.

    A password is judged here, before anything about the account is looked at, as on the hosted service.
    """
    challenge = read_challenge(body.text("code_challenge_method"), body.text("code_challenge"))
    email = checked_email(body.text("email")) if body.text("email") else None
    if body.text("phone"):
        users.check_phone(body.text("phone"))
        raise AuthError(400, "phone_provider_disabled", "Phone numbers are not supported")
    password = body.optional_text("password")
    if password is not None:
        check_new_password(op, password)
    return Change(
        email,
        password,
        body.optional_text("current_password"),
        body.text("nonce"),
        body.mapping("data"),
        body.mapping("app_metadata") if body.has("app_metadata") else None,
        MailOptions(target, challenge),
    )


def change_account(op: Operation, claims: Claims, change: Change) -> dict[str, Any]:
    """Carry out a change and return the user; raise AuthError."""
    with op.transaction() as connection:
        bearer = require_user(op, connection, claims, lock=bool(change.nonce))  # guesses take turns
        _check_allowed(connection, bearer, change)
        asks_current = _check_reauthentication(op, connection, bearer, change)
    hashed = _new_hash(op, bearer.user, change, asks_current=asks_current)
    with op.transaction() as connection:
        locked = require_user(op, connection, claims, lock=True)
        if hashed and locked.user.encrypted_password != bearer.user.encrypted_password:
            raise AuthError(409, "conflict", "The password was changed in the meantime")
        user = _apply(op, connection, locked, change, hashed)
        return identities.describe(connection, user)


def _check_allowed(connection: Rows, bearer: Bearer, change: Change) -> None:
    user, is_sensitive = bearer.user, change.email is not None or change.password is not None
    if change.app_metadata is not None and bearer.claims.get("role") not in ADMIN_ROLES:
        raise AuthError(403, "not_admin", "Updating app_metadata requires admin privileges")
    is_other_address = change.email is not None and change.email != user.email
    if change.password is not None or is_other_address:
        _check_level(connection, bearer)
    if user.is_anonymous and change.password is not None and change.email is None and not user.email:
        message = "Updating password of an anonymous user without an email or phone is not allowed"
        raise invalid(message, 422)
    if user.is_sso_user and is_sensitive:
        message = "Updating email, phone, password of a SSO account only possible via SSO"
        raise AuthError(422, "user_sso_managed", message)
    if change.email is not None:
        email_change.check_free(connection, user, change.email)


def _check_level(connection: Rows, bearer: Bearer) -> None:
    """Raise AuthError for a user with a second factor whose session did not pass it."""
    if bearer.is_aal2 or not any(f.is_verified for f in factors.of_user(connection, bearer.user.id)):
        return
    message = "AAL2 session is required to update email or password when MFA is enabled."
    raise AuthError(401, "insufficient_aal", message)


def _check_reauthentication(op: Operation, connection: Rows, bearer: Bearer, change: Change) -> bool:
    """Raise AuthError when a new password needs a fresh proof; return whether it needs the present one."""
    settings, session = op.settings, bearer.session
    if change.password is None:
        return False
    is_fresh = session is not None and op.now < session.created_at + FRESH
    if settings.security_update_password_require_reauthentication and not is_fresh:
        if not change.nonce:
            message = "Password update requires reauthentication"
            raise AuthError(400, "reauthentication_needed", message)
        _check_nonce(op, connection, bearer.user, change.nonce)
    if not settings.security_update_password_require_current_password or not bearer.user.encrypted_password:
        return False
    amr = sessions.methods(connection, session.id) if session else []
    return not any(entry["method"] in sessions.MAIL_METHODS for entry in amr)


def _check_nonce(op: Operation, connection: Rows, user: User, nonce: str) -> None:
    token = one_time_tokens.of_user(connection, user.id, REAUTHENTICATION)
    if token is not None and not token.is_expired(op.settings.mailer_otp_exp, op.now):
        if one_time_tokens.matches(token.token_hash, op.code_secret, token.relates_to, nonce):
            return
        one_time_tokens.note_wrong_guess(connection, token)
    message = "Nonce has expired or is invalid"
    raise AuthError(422, "reauthentication_not_valid", message, keeps_changes=True)


def _new_hash(op: Operation, user: User, change: Change, *, asks_current: bool) -> str | None:
    """Return the hash of the new password, None when it stays; raise AuthError. Slow: holds no connection."""
    if change.password is None:
        return None
    if asks_current:
        message = "Current password required when setting new password."
        if not change.current_password:
            raise AuthError(400, "current_password_required", message)
        if not op.passwords.matches(change.current_password, user.encrypted_password):
            raise AuthError(400, "current_password_invalid", message)
    if user.encrypted_password and op.passwords.matches(change.password, user.encrypted_password):
        message = "New password should be different from the old password."
        raise AuthError(422, "same_password", message)
    return op.passwords.make(change.password)


def _apply(op: Operation, connection: Rows, bearer: Bearer, change: Change, hashed: str | None) -> User:
    user, now = bearer.user, op.now
    columns: dict[str, Any] = {}
    if change.metadata:
        columns["raw_user_meta_data"] = users.merged(user.raw_user_meta_data, change.metadata)
    if change.app_metadata is not None:
        columns["raw_app_meta_data"] = users.merged(user.raw_app_meta_data, change.app_metadata)
    if hashed:
        columns |= {"encrypted_password": hashed, **users.NOTHING_SENT}
        sessions.end(connection, user.id, bearer.session_id, "others")
        one_time_tokens.clear(connection, user.id)
    user = users.update(connection, user.id, now, **columns)
    if hashed:
        notices.send(op, connection, user.address, "password_changed")
    if change.email is not None and change.email != user.email:
        user = email_change.start(op, connection, user, change.email, change.options)
    return user
