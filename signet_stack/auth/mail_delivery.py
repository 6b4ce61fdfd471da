"""Mail delivery: into the mailbox of the local stack, or by SMTP.

A mail is part of the transaction that makes its token: neither is there without the other.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from signet_stack.auth.errors import AuthError
from signet_stack.auth.mail_templates import Mail
from signet_stack.auth.users import Rows

KEPT_MAILS = 1000
SMTP_SECONDS = 10
SMTP_PORT, SMTPS_PORT = 587, 465


class Mailer(Protocol):
    """The transport of mails."""

    @property
    def is_real(self) -> bool:
        """Whether mails leave this machine."""

    def send(self, connection: Rows, mail: Mail, now: datetime) -> None:
        """Send one mail; raise AuthError when that fails."""


class Mailbox:
    """Keeps mails in the database, for the page /mailbox; the newest thousand."""

    is_real = False

    def send(self, connection: Rows, mail: Mail, now: datetime) -> None:
        """Keep one mail."""
        connection.execute(
            "insert into signet_stack.mails"
            " (sent_at, recipient, kind, subject, body_text, body_html, link, code, token_hash)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                now,
                mail.recipient,
                mail.kind,
                mail.subject,
                mail.text,
                mail.html,
                mail.link,
                mail.code,
                mail.token_hash,
            ),
        )
        connection.execute(
            "delete from signet_stack.mails where id in"
            " (select id from signet_stack.mails order by sent_at desc, id offset %s)",
            (KEPT_MAILS,),
        )


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server, from `smtp://user:password@host:587?from=address` or `smtps://…`.

    `smtp` uses STARTTLS whenever the server offers it, and demands it before a password is sent.
    """

    host: str
    port: int
    is_tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    is_real: bool = True

    def send(self, connection: Rows, mail: Mail, now: datetime) -> None:
        """Hand one mail to the server."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, mail.recipient, mail.subject
        message["Date"], message["Message-ID"] = format_datetime(now), make_msgid(domain=self.host)
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise AuthError(500, "unexpected_failure", f"Error sending {mail.kind} email") from error

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SMTP_SECONDS, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=SMTP_SECONDS)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
            elif self.user:
                raise smtplib.SMTPNotSupportedError("no STARTTLS: the password would travel in the clear")
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server


class SmtpUrlRefused(ValueError):
    """Raised when SMTP_URL cannot be understood; the message names the expected form."""


def mailer_for(smtp_url: str | None) -> Mailer:
    """Return the mailbox, or the mail server of an address; raise SmtpUrlRefused."""
    if not smtp_url:
        return Mailbox()
    try:
        parts = urlsplit(smtp_url)
        port = parts.port
    except ValueError:  # its words can repeat a piece of the password
        raise _refused("host or port cannot be read; in a password, # / ? @ are %23 %2F %3F %40") from None
    sender = parse_qs(parts.query).get("from", [""])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender:
        raise _refused("scheme, host or sender is missing")
    if not sender.isprintable():
        raise _refused("the sender is more than one line")
    is_tls = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    default_port = SMTPS_PORT if is_tls else SMTP_PORT
    return Smtp(parts.hostname, port or default_port, is_tls, sender, user, password)


def _refused(why: str) -> SmtpUrlRefused:
    return SmtpUrlRefused(
        f"SMTP_URL cannot be used ({why}); expected smtp://USER:PASSWORD@HOST:587?from=ADDRESS, or smtps://"
    )
