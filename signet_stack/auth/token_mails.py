"""One-time tokens by mail: make the token, store its hash, send it within the limits on mails."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signet_stack.auth import mail_templates, one_time_tokens, pkce, users
from signet_stack.auth.errors import AuthError
from signet_stack.auth.mail_templates import Mail
from signet_stack.auth.one_time_tokens import OneTimeCode
from signet_stack.auth.pkce import Challenge
from signet_stack.auth.rate_limits import HOUR, Rate
from signet_stack.auth.service import Operation
from signet_stack.auth.users import Rows, User
from signet_stack.auth_settings import LINKS_TO_AUTH

REAL_MAILS_AN_HOUR = 30


@dataclass(frozen=True, slots=True)
class Purpose:
    """One reason to mail a token: its words and verification type, where it is kept, the flow's method."""

    kind: str
    token_type: str
    sent_at: str  # column of auth.users
    flow_method: str = ""


SIGNUP = Purpose("signup", one_time_tokens.CONFIRMATION, "confirmation_sent_at", "email/signup")
INVITE = Purpose("invite", one_time_tokens.CONFIRMATION, "confirmation_sent_at", "invite")
RECOVERY = Purpose("recovery", one_time_tokens.RECOVERY, "recovery_sent_at", "recovery")
MAGIC_LINK = Purpose("magiclink", one_time_tokens.RECOVERY, "recovery_sent_at", "magiclink")
EMAIL_CHANGE_NEW = Purpose(
    "email_change", one_time_tokens.EMAIL_CHANGE_NEW, "email_change_sent_at", "email_change"
)
EMAIL_CHANGE_CURRENT = Purpose(
    "email_change", one_time_tokens.EMAIL_CHANGE_CURRENT, "email_change_sent_at", "email_change"
)
REAUTHENTICATION = Purpose("reauthentication", one_time_tokens.REAUTHENTICATION, "reauthentication_sent_at")
FLOW_METHODS: Mapping[str, str] = {
    purpose.kind: purpose.flow_method for purpose in (SIGNUP, INVITE, RECOVERY, MAGIC_LINK, EMAIL_CHANGE_NEW)
}


@dataclass(frozen=True, slots=True)
class MailOptions:
    """Options of a request for a mail: the target of its link, and a PKCE challenge."""

    target: str
    challenge: Challenge | None = None


def send(
    op: Operation, connection: Rows, user: User, purpose: Purpose, options: MailOptions, address: str = ""
) -> User:
    """Mail a new token, to the user's address or another one; raise AuthError when a limit is met."""
    address = address or user.address
    code = issue(op, connection, user, purpose, address, is_pkce=options.challenge is not None)
    check_total(op)
    mail = _compose(op, user, purpose, options, address, code)
    op.mailer.send(connection, mail, op.now)
    return users.update(connection, user.id, op.now, **{purpose.sent_at: op.now})


def _compose(
    op: Operation, user: User, purpose: Purpose, options: MailOptions, address: str, code: OneTimeCode
) -> Mail:
    kind, change = purpose.kind, (user.address, user.email_change or "")
    is_linked = bool(purpose.flow_method)
    if op.settings.mail_links == LINKS_TO_AUTH:
        link = mail_templates.verify_link(op.context.api_url, code.token_hash, kind, options.target)
        return mail_templates.compose_default(
            kind, address, link=link if is_linked else "", code=code.code, change=change
        )
    link = mail_templates.confirm_link(op.site_url, code.token_hash, kind, options.target)
    return mail_templates.compose(
        kind,
        address,
        link=link if is_linked else "",
        code=code.code,
        token_hash=code.token_hash,
        life_seconds=op.settings.mailer_otp_exp,
        change=change,
    )


def issue(
    op: Operation, connection: Rows, user: User, purpose: Purpose, address: str, *, is_pkce: bool = False
) -> OneTimeCode:
    """Make a token and keep its hash, in place of an older one."""
    code = one_time_tokens.new_code(op.code_secret, address, op.settings.mailer_otp_length, is_pkce=is_pkce)
    one_time_tokens.save(connection, user.id, purpose.token_type, code.token_hash, address.lower(), op.now)
    return code


def check_frequency(op: Operation, user: User, purpose: Purpose) -> None:
    """Raise AuthError when the user got a mail of this kind a moment ago."""
    sent_at: datetime | None = getattr(user, purpose.sent_at)
    if sent_at is None:
        return
    wait = op.settings.smtp_max_frequency - (op.now - sent_at).total_seconds()
    if wait > 0:
        seconds = math.ceil(wait)
        message = f"For security purposes, you can only request this after {seconds} seconds."
        raise AuthError(429, "over_email_send_rate_limit", message, headers={"Retry-After": str(seconds)})


def start_flow(op: Operation, connection: Rows, user: User, purpose: Purpose, options: MailOptions) -> None:
    """Store the PKCE flow of a request that has a challenge."""
    if options.challenge is not None:
        pkce.start_flow(connection, user.id, options.challenge, purpose.flow_method, op.now)


def check_total(op: Operation) -> None:
    """Raise AuthError when the whole service has sent too many mails; off with autoconfirm."""
    settings = op.settings
    count = settings.rate_limit_email_sent or (REAL_MAILS_AN_HOUR if op.mailer.is_real else None)
    if count is None or settings.mailer_autoconfirm:
        return
    if not op.limits.take("email", "", Rate(count, HOUR, burst=count)):
        raise AuthError(429, "over_email_send_rate_limit", "email rate limit exceeded")
