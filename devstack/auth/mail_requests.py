"""Ask for a mail: a new password, a link to sign in, the same mail again, a code to prove oneself.

The answer is the same whether the address has an account or not, except where the hosted service's differs.
"""

from __future__ import annotations

from psycopg.errors import UniqueViolation

from devstack.auth import email_change, mailing, sign_up, users
from devstack.auth.access_tokens import Claims
from devstack.auth.addresses import checked_email
from devstack.auth.bearer import require_user
from devstack.auth.body import Body
from devstack.auth.errors import AuthError, invalid
from devstack.auth.mailing import EMAIL_CHANGE_NEW, MAGIC_LINK, REAUTHENTICATION, RECOVERY, SIGNUP, Wish
from devstack.auth.pkce import read_challenge
from devstack.auth.service import Auth
from devstack.auth.users import Rows, User

RESENT = ("signup", "email_change")
PHONE_TYPES = ("sms", "phone_change")


def recover(auth: Auth, body: Body, target: str) -> None:
    """Mail a link with which a new password can be set, if there is such an account; raise AuthError."""
    if not body.text("email"):
        raise invalid("Password recovery requires an email")
    email, wish = _address(auth, body), _wish(body, target)
    with auth.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is not None:
            mailing.check_frequency(auth, user, RECOVERY)
            mailing.begin_flow(auth, connection, user, RECOVERY, wish)
            mailing.send(auth, connection, user, RECOVERY, wish)


def resend(auth: Auth, body: Body, target: str) -> None:
    """Mail a confirmation again, if one is due; raise AuthError."""
    kind = body.text("type")
    if kind in PHONE_TYPES:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if kind not in RESENT:
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    if not body.text("email"):
        raise invalid("Type provided requires an email address")
    email, wish = _address(auth, body), Wish(target)
    with auth.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is None:
            return
        if kind == "signup" and user.email_confirmed_at is None:
            mailing.check_frequency(auth, user, SIGNUP)
            mailing.send(auth, connection, user, SIGNUP, wish)
        elif kind == "email_change" and user.email_change:
            mailing.check_frequency(auth, user, EMAIL_CHANGE_NEW)
            email_change.send(auth, connection, user, wish)


def send_link(auth: Auth, body: Body, target: str) -> None:
    """Mail a link to sign in, and make the account first when there is none; raise AuthError."""
    if bool(body.text("email")) == bool(body.text("phone")):
        raise invalid("One of email or phone must be set")
    if body.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    email, wish = _address(auth, body), _wish(body, target)
    try:
        _send_link(auth, body, email, wish)
    except UniqueViolation:  # another request for the same new address was faster
        _send_link(auth, body, email, wish)


def reauthenticate(auth: Auth, claims: Claims) -> None:
    """Mail a code that proves that whoever is signed in still reads the mails; raise AuthError."""
    with auth.transaction() as connection:
        user = require_user(auth, connection, claims, lock=True).user
        if not user.email:
            raise invalid("Reauthentication requires the user to have an email or a phone number")
        if user.email_confirmed_at is None:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        mailing.check_frequency(auth, user, REAUTHENTICATION)
        mailing.send(auth, connection, user, REAUTHENTICATION, Wish(""))


def _send_link(auth: Auth, body: Body, email: str, wish: Wish) -> None:
    with auth.transaction() as connection:
        user = users.find_by_email(connection, email, lock=True)
        if user is None:
            user = _new_user(auth, connection, body, email)
        purpose = MAGIC_LINK
        if user.email_confirmed_at is None:
            if auth.settings.mailer_autoconfirm:
                user = sign_up.confirm(auth, connection, user)
            else:
                purpose = SIGNUP
        mailing.check_frequency(auth, user, purpose)
        mailing.begin_flow(auth, connection, user, purpose, wish)
        mailing.send(auth, connection, user, purpose, wish)


def _new_user(auth: Auth, connection: Rows, body: Body, email: str) -> User:
    if not body.flag("create_user", default=True):
        raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    if auth.settings.disable_signup:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    return sign_up.create_user(auth, connection, email, None, body.mapping("data"))


def _address(auth: Auth, body: Body) -> str:
    if not auth.settings.external_email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email logins are disabled")
    return checked_email(body.text("email"))


def _wish(body: Body, target: str) -> Wish:
    return Wish(target, read_challenge(body.text("code_challenge_method"), body.text("code_challenge")))
