"""Invitations by an administrator, and the links of mails made without sending them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from signet_stack.auth import email_change, identities, sign_up, token_mails, users
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.one_time_tokens import OneTimeCode
from signet_stack.auth.service import Operation
from signet_stack.auth.token_mails import (
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    INVITE,
    MAGIC_LINK,
    RECOVERY,
    SIGNUP,
    MailOptions,
    Purpose,
)
from signet_stack.auth.users import Rows, User

PURPOSES = {
    "signup": SIGNUP,
    "invite": INVITE,
    "magiclink": MAGIC_LINK,
    "recovery": RECOVERY,
    "email_change_new": EMAIL_CHANGE_NEW,
    "email_change_current": EMAIL_CHANGE_CURRENT,
}


def invite(op: Operation, body: Body, target: str) -> dict[str, Any]:
    """Create an account and mail an invitation; return the user; raise AuthError."""
    email = users.checked_email(body.text("email"))
    try:
        return _invite(op, body, email, target)
    except users.Taken:  # another request for the same new address was faster
        return _invite(op, body, email, target)


def generate(op: Operation, body: Body, target: str) -> dict[str, Any]:
    """Return the user with the link and the code that a mail would have carried; raise AuthError."""
    kind, email = body.text("type"), users.checked_email(body.text("email"))
    if kind not in PURPOSES:
        raise invalid(f"Invalid email action link type requested: {kind[:40]}")
    hashed = _hash_for_new(op, email, body) if kind == "signup" else None
    try:
        return _generate(op, body, kind, email, hashed, target)
    except users.Taken:
        return _generate(op, body, kind, email, hashed, target)


def _invite(op: Operation, body: Body, email: str, target: str) -> dict[str, Any]:
    with op.transaction() as connection:
        user = _invited(op, connection, email, body)
        user = token_mails.send(op, connection, user, INVITE, MailOptions(target))
        return identities.describe(connection, user)


def _generate(
    op: Operation, body: Body, kind: str, email: str, hashed: str | None, target: str
) -> dict[str, Any]:
    with op.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is None and kind == "magiclink":
            kind = "signup"
            user = sign_up.create_invited(op, connection, email, None, body.mapping("data"))
        elif kind == "signup":
            _refuse_confirmed(user)
            user = _signed_up(op, connection, user, email, hashed, body.mapping("data"))
        elif kind == "invite":
            user = _invited(op, connection, email, body)
        if user is None:
            raise AuthError(404, "user_not_found", "User with this email not found")
        return _with_link(op, connection, user, kind, body, target)


def _with_link(
    op: Operation, connection: Rows, user: User, kind: str, body: Body, target: str
) -> dict[str, Any]:
    purpose, address = PURPOSES[kind], user.address
    if kind.startswith("email_change"):
        user, address = _changing(op, connection, user, kind, body)
    code = token_mails.issue(op, connection, user, purpose, address)
    user = users.update(connection, user.id, op.now, **{purpose.sent_at: op.now})
    content = identities.describe(connection, user)
    return {**content, **_link(op, purpose, kind, code, target)}


def _link(op: Operation, purpose: Purpose, kind: str, code: OneTimeCode, target: str) -> dict[str, str]:
    parameters = {"token": code.token_hash, "type": purpose.kind, "redirect_to": target}
    return {
        "action_link": f"{op.context.api_url}/auth/v1/verify?{urlencode(parameters)}",
        "email_otp": code.code,
        "hashed_token": code.token_hash,
        "verification_type": kind,
        "redirect_to": target,
    }


def _hash_for_new(op: Operation, email: str, body: Body) -> str | None:
    """Return the hash of the password of a new account, None for a known address. Slow."""
    with op.transaction() as connection:
        if users.find_by_email(connection, email) is not None:
            return None
    password = body.text("password")
    if not password:
        raise invalid("Signup requires a valid password")
    sign_up.check_new_password(op, password)
    return op.passwords.make(password)


def _signed_up(
    op: Operation,
    connection: Rows,
    user: User | None,
    email: str,
    hashed: str | None,
    content: dict[str, Any],
) -> User:
    """Return a new account, or the one that waits for its confirmation with its metadata changed."""
    if user is None:
        return sign_up.create_invited(op, connection, email, hashed, content)
    metadata = users.merged(user.raw_user_meta_data, content)
    return users.update(connection, user.id, op.now, raw_user_meta_data=metadata)


def _refuse_confirmed(user: User | None) -> None:
    if user is not None and user.email_confirmed_at is not None:
        raise users.email_taken()


def _invited(op: Operation, connection: Rows, email: str, body: Body) -> User:
    user = users.find_by_email(connection, email, lock=True)
    _refuse_confirmed(user)
    user = user or sign_up.create_invited(op, connection, email, None, body.mapping("data"))
    return users.update(connection, user.id, op.now, invited_at=op.now)


def _changing(op: Operation, connection: Rows, user: User, kind: str, body: Body) -> tuple[User, str]:
    if kind == "email_change_current" and not op.settings.mailer_secure_email_change_enabled:
        raise invalid("Enable secure email change to generate link for current email")
    new_email = users.checked_email(body.text("new_email"))
    email_change.check_free(connection, user, new_email)
    user = users.update(
        connection,
        user.id,
        op.now,
        email_change=new_email,
        email_change_confirm_status=email_change.NONE_CONFIRMED,
    )
    return user, new_email if kind == "email_change_new" else user.address
