"""Requests for mails: recovery, sign-in link, the same mail again, reauthentication code.

The answer is the same whether the address has an account or not, except where the hosted service's differs.
"""

from __future__ import annotations

from signet_stack.auth import email_change, sign_up, token_mails, users
from signet_stack.auth.access_tokens import Claims
from signet_stack.auth.bearer import require_user
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.pkce import read_challenge
from signet_stack.auth.service import Operation
from signet_stack.auth.token_mails import MAGIC_LINK, REAUTHENTICATION, RECOVERY, SIGNUP, MailOptions
from signet_stack.auth.users import Rows, User, checked_email

RESENT = ("signup", "email_change")
PHONE_TYPES = ("sms", "phone_change")


def recover(op: Operation, body: Body, target: str) -> None:
    """Mail a link with which a new password can be set, if there is such an account; raise AuthError."""
    _check_provider(op)
    if not body.text("email"):
        raise invalid("Password recovery requires an email")
    email, options = checked_email(body.text("email")), _options(body, target)
    with op.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is not None:
            token_mails.check_frequency(op, user, RECOVERY)
            token_mails.start_flow(op, connection, user, RECOVERY, options)
            token_mails.send(op, connection, user, RECOVERY, options)


def resend(op: Operation, body: Body, target: str) -> None:
    """Mail a confirmation again, if one is due; raise AuthError."""
    kind = body.text("type")
    if kind not in (*RESENT, *PHONE_TYPES):
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    options = _options(body, target) if kind in RESENT else MailOptions(target)
    email = _resent_to(op, body, kind)
    with op.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is None:
            return
        if kind == "signup" and user.email_confirmed_at is None:
            token_mails.check_frequency(op, user, SIGNUP)
            token_mails.start_flow(op, connection, user, SIGNUP, options)
            token_mails.send(op, connection, user, SIGNUP, options)
        elif kind == "email_change" and user.email_change:
            email_change.start(op, connection, user, user.email_change, options)


def send_link(op: Operation, body: Body, target: str) -> None:
    """Mail a link to sign in, and make the account first when there is none; raise AuthError."""
    if body.text("email") and body.text("phone"):
        raise invalid("Only an email address or phone number should be provided")
    if body.text("email") and body.text("channel"):
        raise invalid("Channel should only be specified with Phone OTP")
    options, email = _options(body, target), _link_to(op, body)
    try:
        _send_link(op, body, email, options)
    except users.Taken:  # another request for the same new address was faster
        _send_link(op, body, email, options)


def reauthenticate(op: Operation, claims: Claims) -> None:
    """Mail a code that proves access to the mails of the signed-in user; raise AuthError."""
    with op.transaction() as connection:
        user = require_user(op, connection, claims, lock=True).user
        if not user.email:
            raise invalid("Reauthentication requires the user to have an email or a phone number")
        if user.email_confirmed_at is None:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        token_mails.check_frequency(op, user, REAUTHENTICATION)
        token_mails.send(op, connection, user, REAUTHENTICATION, MailOptions(""))


def _send_link(op: Operation, body: Body, email: str, options: MailOptions) -> None:
    with op.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is None:
            user = _new_user(op, connection, body, email)
        purpose = MAGIC_LINK
        if user.email_confirmed_at is None:
            if op.settings.mailer_autoconfirm:
                user = sign_up.confirm(op, connection, user)
            else:
                purpose = SIGNUP
        token_mails.check_frequency(op, user, purpose)
        token_mails.start_flow(op, connection, user, purpose, options)
        token_mails.send(op, connection, user, purpose, options)


def _new_user(op: Operation, connection: Rows, body: Body, email: str) -> User:
    if not body.flag("create_user", default=True):
        raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    if op.settings.disable_signup:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    return sign_up.create_user(op, connection, email, None, body.mapping("data"))


def _resent_to(op: Operation, body: Body, kind: str) -> str:
    """Return the address of a request to mail something again; raise AuthError."""
    email, phone = body.text("email"), body.text("phone")
    if kind == "signup" and not email:
        raise invalid("Type provided requires an email address")
    if kind == "sms" and not phone:
        raise invalid("Type provided requires a phone number")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided.")
    if phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not email:
        raise invalid("Missing email address or phone number")
    _check_provider(op)
    return checked_email(email)


def _link_to(op: Operation, body: Body) -> str:
    """Return the address of a request for a link; raise AuthError."""
    if body.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
    if not body.text("email"):
        raise invalid("One of email or phone must be set")
    _check_provider(op)
    return checked_email(body.text("email"))


def _check_provider(op: Operation) -> None:
    if not op.settings.external_email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email logins are disabled")


def _options(body: Body, target: str) -> MailOptions:
    return MailOptions(
        target, read_challenge(body.text("code_challenge_method"), body.text("code_challenge"))
    )
