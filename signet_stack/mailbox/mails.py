"""Rows of signet_stack.mails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.users import rfc3339
from signet_stack.postgres.database import Pool

SHOWN = 200


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail, as it was sent."""

    id: UUID
    sent_at: datetime
    recipient: str
    kind: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    link: str = field(repr=False)
    code: str = field(repr=False)
    token_hash: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the mail for a program."""
        return {
            "id": str(self.id),
            "sent_at": rfc3339(self.sent_at),
            "to": self.recipient,
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "link": self.link,
            "code": self.code,
            "token_hash": self.token_hash,
        }


_SELECT = sql.SQL(
    "select id, sent_at, recipient, kind, subject, body_text as text, body_html as html, link, code,"
    " token_hash from signet_stack.mails where {}"
)


def find(pool: Pool, recipient: str = "", kind: str = "") -> list[StoredMail]:
    """Return the newest mails, of one recipient or kind if named."""
    condition = sql.SQL(
        "(%(to)s = '' or recipient = %(to)s) and (%(kind)s = '' or kind = %(kind)s)"
        " order by sent_at desc, id limit %(limit)s"
    )
    values = {"to": recipient.lower().replace("\0", ""), "kind": kind.replace("\0", ""), "limit": SHOWN}
    with pool.connection() as connection, connection.cursor(row_factory=class_row(StoredMail)) as cursor:
        return cursor.execute(_SELECT.format(condition), values).fetchall()


def get(pool: Pool, mail_id: UUID) -> StoredMail | None:
    """Return one mail."""
    with pool.connection() as connection, connection.cursor(row_factory=class_row(StoredMail)) as cursor:
        return cursor.execute(_SELECT.format(sql.SQL("id = %s")), (mail_id,)).fetchone()


def clear(pool: Pool) -> None:
    """Delete all mails."""
    with pool.connection() as connection:
        connection.execute("delete from signet_stack.mails")
