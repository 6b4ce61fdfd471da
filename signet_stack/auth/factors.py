"""Rows of auth.mfa_factors and auth.mfa_challenges: second factors, here time-based codes (TOTP)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.errors import AuthError
from signet_stack.auth.users import Rows, rfc3339

TOTP = "totp"
UNVERIFIED, VERIFIED = "unverified", "verified"
CHALLENGE_SECONDS = 300
UNVERIFIED_LIFE = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor, as stored."""

    id: UUID
    user_id: UUID
    friendly_name: str | None
    factor_type: str
    status: str
    created_at: datetime
    updated_at: datetime
    secret: str | None = field(repr=False)
    phone: str | None
    last_challenged_at: datetime | None

    @property
    def is_verified(self) -> bool:
        """Whether the factor raises sessions to aal2."""
        return self.status == VERIFIED

    def as_json(self) -> dict[str, Any]:
        """Return the public form, without the secret."""
        name = {"friendly_name": self.friendly_name} if self.friendly_name else {}
        return {
            "id": str(self.id),
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "status": self.status,
            **name,
            "factor_type": self.factor_type,
            "phone": self.phone or "",
            "last_challenged_at": rfc3339(self.last_challenged_at),
        }


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge, as stored."""

    id: UUID
    created_at: datetime
    verified_at: datetime | None
    ip_address: str

    @property
    def expires_at(self) -> datetime:
        """The end of its life."""
        return self.created_at + timedelta(seconds=CHALLENGE_SECONDS)


_SELECT = sql.SQL("select {} from auth.mfa_factors where {}")
_COLUMNS = sql.SQL(", ").join(sql.Identifier(item.name) for item in fields(Factor))
_OF_USER = _SELECT.format(_COLUMNS, sql.SQL("user_id = %s order by created_at, id")).as_bytes()


def of_user(connection: Rows, user_id: UUID) -> list[Factor]:
    """Return the factors of a user, oldest first."""
    with connection.cursor(row_factory=class_row(Factor)) as cursor:
        return cursor.execute(_OF_USER, (user_id,)).fetchall()


def find(connection: Rows, user_id: UUID, factor_id: UUID) -> Factor:
    """Return a factor of a user; raise AuthError for one that is unknown or another user's."""
    for factor in of_user(connection, user_id):
        if factor.id == factor_id:
            return factor
    raise AuthError(404, "mfa_factor_not_found", "Factor not found")


def insert(connection: Rows, user_id: UUID, name: str, secret: str, now: datetime) -> Factor:
    """Insert an unverified factor."""
    factor_id = uuid.uuid4()
    connection.execute(
        "insert into auth.mfa_factors"
        " (id, user_id, friendly_name, factor_type, status, created_at, updated_at, secret)"
        " values (%s, %s, %s, 'totp', 'unverified', %s, %s, %s)",
        (factor_id, user_id, name, now, now, secret),
    )
    return find(connection, user_id, factor_id)


def rename(connection: Rows, factor: Factor, name: str, now: datetime) -> Factor:
    """Change the friendly name of a factor."""
    connection.execute(
        "update auth.mfa_factors set friendly_name = %s, updated_at = %s where id = %s",
        (name, now, factor.id),
    )
    return find(connection, factor.user_id, factor.id)


def verify(connection: Rows, factor: Factor, challenge: Challenge, now: datetime) -> None:
    """Use a challenge up and mark the factor as verified."""
    connection.execute("update auth.mfa_challenges set verified_at = %s where id = %s", (now, challenge.id))
    connection.execute(
        "update auth.mfa_factors set status = 'verified', updated_at = %s"
        " where id = %s and status = 'unverified'",
        (now, factor.id),
    )


def delete(connection: Rows, factor: Factor) -> None:
    """Delete a factor; its challenges go with it."""
    connection.execute("delete from auth.mfa_factors where id = %s", (factor.id,))


def delete_unverified(connection: Rows, user_id: UUID) -> None:
    """Delete the factors of a user that were never verified."""
    connection.execute(
        "delete from auth.mfa_factors where user_id = %s and status = 'unverified' and factor_type = 'totp'",
        (user_id,),
    )


def delete_stale(connection: Rows, user_id: UUID, now: datetime) -> None:
    """Delete the unverified factors of a user that are old and were never challenged."""
    connection.execute(
        "delete from auth.mfa_factors where user_id = %s and status = 'unverified' and created_at < %s"
        " and not exists (select from auth.mfa_challenges where factor_id = mfa_factors.id)",
        (user_id, now - UNVERIFIED_LIFE),
    )


def challenge(connection: Rows, factor: Factor, ip: str, now: datetime) -> Challenge:
    """Insert a challenge; it may be verified from the same address only."""
    challenge_id = uuid.uuid4()
    connection.execute(
        "insert into auth.mfa_challenges (id, factor_id, created_at, ip_address, otp_code)"
        " values (%s, %s, %s, %s, '')",
        (challenge_id, factor.id, now, ip),
    )
    # The column is unique over all factors, as on hosted projects.
    connection.execute(
        "update auth.mfa_factors set last_challenged_at = greatest(%s,"
        " (select max(last_challenged_at) + interval '1 microsecond' from auth.mfa_factors)) where id = %s",
        (now, factor.id),
    )
    return Challenge(challenge_id, now, None, ip)


def find_challenge(connection: Rows, factor: Factor, challenge_id: UUID | None) -> Challenge | None:
    """Return a challenge of a factor."""
    with connection.cursor(row_factory=class_row(Challenge)) as cursor:
        return cursor.execute(
            "select id, created_at, verified_at, host(ip_address) as ip_address from auth.mfa_challenges"
            " where id = %s and factor_id = %s",
            (challenge_id, factor.id),
        ).fetchone()


def delete_challenge(connection: Rows, expired: Challenge) -> None:
    """Delete an expired challenge."""
    connection.execute("delete from auth.mfa_challenges where id = %s", (expired.id,))


def expiry(challenge: Challenge) -> int:
    """Return the end of a challenge's life in seconds since 1970."""
    return int(challenge.expires_at.astimezone(UTC).timestamp())
