"""One-time tokens: mailed codes, the hashes under which they are kept, rows of auth.one_time_tokens.

The code itself is stored nowhere. The hash is also what a link carries, and may be tried without limit, so it
must not follow from the address and the code alone: a million hashes would cover every code of an address.
It is an HMAC under the stack's secret.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.users import Rows

CONFIRMATION = "confirmation_token"
RECOVERY = "recovery_token"
EMAIL_CHANGE_NEW = "email_change_token_new"
EMAIL_CHANGE_CURRENT = "email_change_token_current"
REAUTHENTICATION = "reauthentication_token"
PKCE_PREFIX = "pkce_"
MAX_WRONG_GUESSES = 5


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code and its hash; the hash alone opens as much as the code with its address."""

    code: str = field(repr=False)
    token_hash: str = field(repr=False)


def new_code(secret: str, email: str, digits: int, *, is_pkce: bool = False) -> OneTimeCode:
    """Return a new one-time code; hashes of PKCE codes carry the prefix `pkce_`."""
    code = f"{secrets.randbelow(10**digits):0{digits}d}"
    prefix = PKCE_PREFIX if is_pkce else ""
    return OneTimeCode(code, prefix + hash_code(secret, email, code))


def hash_code(secret: str, email: str, code: str) -> str:
    """Return the HMAC-SHA224 of address and code, in hex."""
    return hmac.new(secret.encode(), (email.lower() + code).encode(), "sha224").hexdigest()


def matches(stored_hash: str, secret: str, email: str, code: str) -> bool:
    """Whether a code is the one behind a stored hash, of a PKCE flow or not."""
    return hmac.compare_digest(stored_hash.removeprefix(PKCE_PREFIX), hash_code(secret, email, code))


@dataclass(frozen=True, slots=True)
class StoredToken:
    """One token, as stored."""

    id: UUID
    user_id: UUID
    token_type: str
    token_hash: str = field(repr=False)
    relates_to: str  # the address that it was mailed to
    created_at: datetime  # without a time zone, in UTC

    def is_expired(self, life_seconds: int, now: datetime) -> bool:
        """Whether the token is older than it may be."""
        return (now - self.created_at.replace(tzinfo=UTC)).total_seconds() > life_seconds


_SELECT = sql.SQL(
    "select id, user_id, token_type::text, token_hash, relates_to, created_at"
    " from auth.one_time_tokens where {}"
)


def save(
    connection: Rows, user_id: UUID, token_type: str, token_hash: str, relates_to: str, now: datetime
) -> None:
    """Keep a token in place of an older one of its type."""
    connection.execute(
        "delete from auth.one_time_tokens where user_id = %s and token_type = %s", (user_id, token_type)
    )
    at = now.replace(tzinfo=None)
    connection.execute(
        "insert into auth.one_time_tokens"
        " (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (uuid.uuid4(), user_id, token_type, token_hash, relates_to, at, at),
    )


def find_by_hash(connection: Rows, token_hash: str, token_types: Sequence[str]) -> StoredToken | None:
    """Return the token of a hash."""
    condition = sql.SQL("token_hash = %s and token_type::text = any(%s)")
    found = _all(connection, condition, (token_hash, list(token_types)))
    return found[0] if found else None


def find_by_address(connection: Rows, email: str, token_types: Sequence[str]) -> list[StoredToken]:
    """Return the tokens that were mailed to an address."""
    condition = sql.SQL("relates_to = %s and token_type::text = any(%s) order by token_type")
    return _all(connection, condition, (email, list(token_types)))


def of_user(connection: Rows, user_id: UUID, token_type: str) -> StoredToken | None:
    """Return a user's token of one type."""
    found = _all(connection, sql.SQL("user_id = %s and token_type::text = %s"), (user_id, token_type))
    return found[0] if found else None


def delete(connection: Rows, token: StoredToken) -> bool:
    """Delete a token; False when another transaction was faster."""
    return connection.execute("delete from auth.one_time_tokens where id = %s", (token.id,)).rowcount == 1


def clear(connection: Rows, user_id: UUID) -> None:
    """Void every token of a user."""
    connection.execute("delete from auth.one_time_tokens where user_id = %s", (user_id,))


def note_wrong_guess(connection: Rows, token: StoredToken) -> None:
    """Count a wrong code; the last one that is allowed voids the token."""
    row = connection.execute(
        "insert into signet_stack.code_guesses as guesses (token_id, wrong)"
        " select id, 1 from auth.one_time_tokens where id = %s"
        " on conflict (token_id) do update set wrong = guesses.wrong + 1 returning wrong",
        (token.id,),
    ).fetchone()
    if row and row[0] >= MAX_WRONG_GUESSES:
        delete(connection, token)


def _all(connection: Rows, condition: sql.SQL, parameters: tuple[object, ...]) -> list[StoredToken]:
    with connection.cursor(row_factory=class_row(StoredToken)) as cursor:
        return cursor.execute(_SELECT.format(condition), parameters).fetchall()
