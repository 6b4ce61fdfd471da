"""Users as Auth shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from signet_stack.auth.users import User

_WHEN_SET = (
    "email_confirmed_at",
    "invited_at",
    "phone_confirmed_at",
    "confirmation_sent_at",
    "confirmed_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)


def user_json(user: User, identities: Iterable[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the public form of a user; without identities, as in lists, they read null."""
    shown: dict[str, Any] = {
        "id": str(user.id),
        "aud": user.aud or "",
        "role": user.role or "",
        "email": user.address,
        "phone": user.phone or "",
        **{name: moment(value) for name in _WHEN_SET if (value := getattr(user, name)) is not None},
        "app_metadata": user.raw_app_meta_data or {},
        "user_metadata": user.raw_user_meta_data or {},
        "identities": None if identities is None else [_identity_json(row) for row in identities],
        "created_at": moment(user.created_at),
        "updated_at": moment(user.updated_at),
        "is_anonymous": user.is_anonymous,
    }
    if user.email_change:
        shown["new_email"] = user.email_change
    return shown


def moment(value: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _identity_json(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: _plain(value) for name, value in row.items()}
    return shown if shown["email"] is not None else {k: v for k, v in shown.items() if k != "email"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return str(value) if isinstance(value, UUID) else value
