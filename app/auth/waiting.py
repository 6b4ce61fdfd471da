"""What this browser is in the middle of: a mail that it waits for, a new password that it may set.

Trust boundary: kept in Flask's signed session cookie, so a browser cannot make it up; the gatekeeper empties
that session at every sign-in and sign-out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from flask import session

from app.auth.accounts import MailPurpose
from flask_signet.gatekeeper import Identity
from flask_signet.redirects import HOME

NEW_PASSWORD_SECONDS = 15 * 60
_MAIL = "awaited_mail"
_MARK = "may_set_password"
_EMAIL = "typed_email"


@dataclass(frozen=True, slots=True)
class AwaitedMail:
    """A mail that is on its way, if the address is one that it is due to."""

    email: str
    purpose: MailPurpose
    target: str  # the page to go to once it is answered


def await_mail(email: str, purpose: MailPurpose, target: str = HOME) -> None:
    """Remember that a mail was asked for."""
    session[_MAIL] = [email, purpose, target]
    remember_email(email)


def awaited_mail() -> AwaitedMail | None:
    """Return the mail that this browser waits for, if any."""
    match session.get(_MAIL):
        case [str(email), "signup" | "recovery" as purpose, str(target)]:
            return AwaitedMail(email, purpose, target)
    return None


def remember_email(email: str) -> None:
    """Keep a typed address, so that the next form does not ask for it again."""
    session[_EMAIL] = email


def remembered_email() -> str:
    """Return the address typed last, or nothing."""
    return str(session.get(_EMAIL, ""))


def allow_new_password(identity: Identity) -> None:
    """Let this session set a new password without the old one: its owner just proved to read the mail."""
    session[_MARK] = [str(identity.session_id), int(time.time())]


def forget_new_password() -> None:
    """Take that permission back; it serves once."""
    session.pop(_MARK, None)


def may_set_password(identity: Identity) -> bool:
    """Whether the present session may set a new password now."""
    return is_fresh_mark(session.get(_MARK), identity.session_id, time.time())


def is_fresh_mark(mark: object, session_id: UUID, now: float) -> bool:
    """Whether a mark was made for this session, and not too long ago."""
    match mark:
        case [str(marked), int(made_at)]:
            return marked == str(session_id) and 0 <= now - made_at <= NEW_PASSWORD_SECONDS
    return False
