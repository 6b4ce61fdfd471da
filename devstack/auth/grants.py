"""Begin and continue sessions: the claims, the access token and the answer that carries them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from devstack.auth import access_tokens, identities, refresh_token_rows, sessions, token_hook, users
from devstack.auth import refresh_token_v2 as v2
from devstack.auth.service import Auth
from devstack.auth.sessions import AAL1, Client
from devstack.auth.user_json import user_json
from devstack.auth.users import Rows, User

VERSION_2 = 2
PREFIX_LENGTH = 5  # of a version 1 token, in a header


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token and the header that describes it."""

    text: str = field(repr=False)
    header: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer that opens or continues a session."""

    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str]


def open_session(auth: Auth, connection: Rows, user: User, method: str, client: Client) -> Grant:
    """Begin a session for somebody who has proved who they are, by ``method``."""
    now = auth.now()
    user = users.update(connection, user.id, now, last_sign_in_at=now)
    identities.note_sign_in(connection, user.id, now)
    is_v2 = auth.settings.security_refresh_token_algorithm_version == VERSION_2
    key = v2.new_key() if is_v2 else None
    session_id = sessions.insert(connection, user.id, method, client, now, key)
    if key is None:
        token = version_1(refresh_token_rows.insert(connection, user.id, session_id, now))
    else:
        token = version_2(session_id, 0, key)
    return answer(auth, connection, user, session_id, token)


def answer(auth: Auth, connection: Rows, user: User, session_id: UUID, token: RefreshToken) -> Grant:
    """Return a session's answer with a new access token."""
    now, life = auth.now(), auth.settings.jwt_exp
    claims = _claims(auth, user, session_id, sessions.methods(connection, session_id), now)
    claims = token_hook.apply(auth.settings, connection, claims)
    body = {
        "access_token": access_tokens.sign(claims, auth.context.signing_keys.in_use()),
        "token_type": "bearer",
        "expires_in": life,
        "expires_at": claims["exp"],
        "refresh_token": token.text,
        "user": user_json(user, identities.of_user(connection, user.id)),
    }
    headers = dict([token.header])
    return Grant(body, {"sb-auth-user-id": str(user.id), "sb-auth-session-id": str(session_id), **headers})


def version_1(token: str) -> RefreshToken:
    """Return a token of version 1 with its header."""
    return RefreshToken(token, ("sb-auth-refresh-token-prefix", token[:PREFIX_LENGTH]))


def version_2(session_id: UUID, counter: int, key: str) -> RefreshToken:
    """Return the token of version 2 for a session's counter, with its header."""
    return RefreshToken(
        v2.make_token(session_id, counter, key), ("sb-auth-refresh-token-counter", str(counter))
    )


def _claims(
    auth: Auth, user: User, session_id: UUID, amr: list[dict[str, Any]], now: datetime
) -> dict[str, Any]:
    issued_at = int(now.timestamp())
    return {
        "iss": auth.context.issuer,
        "sub": str(user.id),
        "aud": user.aud or "",
        "exp": issued_at + auth.settings.jwt_exp,
        "iat": issued_at,
        "email": user.address,
        "phone": user.phone or "",
        "app_metadata": user.raw_app_meta_data or {},
        "user_metadata": user.raw_user_meta_data or {},
        "role": user.role or "",
        "aal": AAL1,
        "amr": amr,
        "session_id": str(session_id),
        "is_anonymous": user.is_anonymous,
    }
