"""Pending state of this browser: the mail it waits for, the permission to set a new password.

Trust boundary: kept in Flask's signed session cookie, which a browser cannot forge; the gatekeeper empties it
at every sign-in and sign-out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from flask import session

from app.auth.auth_api import MailPurpose
from flask_signet.gatekeeper import Identity
from flask_signet.redirects import HOME

NEW_PASSWORD_SECONDS = 15 * 60
_MAIL = "pending_mail"
_MARK = "may_set_password"
_EMAIL = "typed_email"


@dataclass(frozen=True, slots=True)
class PendingMail:
    """A requested mail; Auth sends it only if one is due to the address."""

    email: str
    purpose: MailPurpose
    target: str  # the page to go to after its link or code was redeemed


def await_mail(email: str, purpose: MailPurpose, target: str = HOME) -> None:
    """Remember a requested mail."""
    session[_MAIL] = [email, purpose, target]
    remember_email(email)


def pending_mail() -> PendingMail | None:
    """Return the mail that this browser waits for, if any."""
    match session.get(_MAIL):
        case [str(email), "signup" | "recovery" | "magiclink" as purpose, str(target)]:
            return PendingMail(email, purpose, target)
    return None


def remember_email(email: str) -> None:
    """Keep a typed address as the default of the next form."""
    session[_EMAIL] = email


def remembered_email() -> str:
    """Return the address typed last, or an empty text."""
    return str(session.get(_EMAIL, ""))


def allow_new_password(identity: Identity, account_version: str) -> None:
    """Allow this session to set one new password without the old one, after a mailed link was redeemed.

    Setting it changes the account's version, so copies of the cookie are good for no second change.
    """
    session[_MARK] = [str(identity.session_id), int(time.time()), account_version]


def forget_new_password() -> None:
    """Withdraw that permission; it is good for one change."""
    session.pop(_MARK, None)


def may_set_password(identity: Identity) -> bool:
    """Whether the present session may set a new password now."""
    return is_fresh_mark(session.get(_MARK), identity.session_id, time.time())


def is_unused_permission(account_version: str) -> bool:
    """Whether the account is unchanged since this browser got the permission to set a new password."""
    match session.get(_MARK):
        case [_, _, version]:
            return bool(version == account_version)
    return False


def is_fresh_mark(mark: object, session_id: UUID, now: float) -> bool:
    """Whether a mark belongs to this session and is at most NEW_PASSWORD_SECONDS old."""
    match mark:
        case [str(marked), int(made_at), str()]:
            return marked == str(session_id) and 0 <= now - made_at <= NEW_PASSWORD_SECONDS
    return False
