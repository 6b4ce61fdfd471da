"""Read the mails that the local stack would have sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from signet_stack.api_clients import Mailbox
from signet_stack.handle import RunningStack


@dataclass(frozen=True)
class Mail:
    """What a person finds in a mail."""

    kind: str
    link: str  # without the site's address: tests serve the app on ports of their own
    code: str


def mails_to(stack: RunningStack, email: str) -> list[Mail]:
    """Return the mails to an address, the newest first."""
    found = Mailbox(stack.mailbox_url, stack.api_url, stack.secret_key).mails_to(email)
    return [Mail(mail.kind, _path(mail.link), mail.code) for mail in found]


def only_mail(stack: RunningStack, email: str) -> Mail:
    """Return the mail to an address; there must be one and no more."""
    (mail,) = mails_to(stack, email)
    return mail


def _path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"
