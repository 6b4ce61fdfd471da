"""Proof key for code exchange (RFC 7636): challenges, and rows of auth.flow_state.

A flow starts with the request for a mail or a redirect to a provider, and ends with the exchange of a code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.users import Rows

FLOW_LIFE = timedelta(seconds=300)
_ALPHABET = re.compile(r"[A-Za-z0-9._~-]+")
_SHORTEST, _LONGEST = 43, 128
METHODS = ("s256", "plain")


@dataclass(frozen=True, slots=True)
class Challenge:
    """The challenge of a PKCE flow."""

    method: str
    value: str


def read_challenge(method: str, value: str) -> Challenge | None:
    """Return the challenge of a request, None when there is none; raise AuthError for half of one."""
    if not method and not value:
        return None
    if not method or not value:
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if method.lower() not in METHODS:
        raise invalid("code_challenge_method must be s256 or plain")
    if not _SHORTEST <= len(value) <= _LONGEST:
        raise invalid(f"code challenge has to be between {_SHORTEST} and {_LONGEST} characters")
    if not _ALPHABET.fullmatch(value):
        allowed = "alphanumeric characters, hyphens, periods, underscores and tildes"
        raise invalid(f"code challenge can only contain {allowed}")
    return Challenge(method.lower(), value)


def check_verifier(challenge: Challenge, verifier: str) -> None:
    """Raise AuthError unless the verifier fits the challenge."""
    value = verifier
    if challenge.method == "s256":
        digest = hashlib.sha256(verifier.encode()).digest()
        value = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(value.encode(), challenge.value.encode()):
        message = "code challenge does not match previously saved code verifier"
        raise AuthError(400, "bad_code_verifier", message)


def is_expired(
    created_at: datetime, issued_at: datetime | None, authentication_method: str, now: datetime
) -> bool:
    """Whether a flow is too old. Only a magic link's time runs from the issue of the code."""
    start = issued_at if authentication_method == "magiclink" and issued_at is not None else created_at
    return now > start + FLOW_LIFE


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow, as stored."""

    id: UUID
    user_id: UUID | None
    auth_code: str = field(repr=False)
    code_challenge_method: str
    code_challenge: str = field(repr=False)
    authentication_method: str
    created_at: datetime
    auth_code_issued_at: datetime | None
    provider_access_token: str | None = field(repr=False)
    provider_refresh_token: str | None = field(repr=False)


_SELECT = sql.SQL(
    "select id, user_id, auth_code, code_challenge_method::text, code_challenge, authentication_method,"
    " created_at, auth_code_issued_at, provider_access_token, provider_refresh_token"
    " from auth.flow_state where {}"
)


def start_flow(connection: Rows, user_id: UUID, challenge: Challenge, method: str, now: datetime) -> None:
    """Store a challenge; ``method`` becomes the `amr` method of the session."""
    connection.execute(
        "insert into auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge,"
        " provider_type, authentication_method, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, 'email', %s, %s, %s)",
        (uuid.uuid4(), user_id, str(uuid.uuid4()), challenge.method, challenge.value, method, now, now),
    )


def issue_code(connection: Rows, user_id: UUID, method: str, now: datetime) -> str:
    """Return the code of the user's newest flow; raise AuthError when there is none."""
    row = connection.execute(
        "update auth.flow_state set auth_code_issued_at = %s, updated_at = %s where id = ("
        "  select id from auth.flow_state where user_id = %s and authentication_method = %s"
        "  order by created_at desc limit 1"
        ") returning auth_code",
        (now, now, user_id, method),
    ).fetchone()
    if row is None:
        raise flow_not_found(400)
    return str(row[0])


def owner_of(connection: Rows, auth_code: str) -> UUID | None:
    """Return the user of a code's flow without locking it: the user's row is locked before the flow's."""
    row = connection.execute(
        "select user_id from auth.flow_state where auth_code = %s", (auth_code,)
    ).fetchone()
    return row[0] if row else None


def find_flow(connection: Rows, auth_code: str) -> Flow | None:
    """Return the flow of a code and hold it until the transaction ends."""
    statement = _SELECT.format(sql.SQL("auth_code = %s for update"))
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(statement, (auth_code,)).fetchone()


def delete_flow(connection: Rows, flow: Flow) -> None:
    """Delete a flow: its code works once."""
    connection.execute("delete from auth.flow_state where id = %s", (flow.id,))


def flow_not_found(status: int = 404) -> AuthError:
    """Return the error for a code that was never issued, or was used."""
    return AuthError(status, "flow_state_not_found", "invalid flow state, no valid flow state found")
