"""Begin and continue sessions: the claims, the access token and the answer that carries them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from signet_stack.auth import access_tokens, identities, refresh_token_rows, sessions, token_hook
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import AAL1, Client, amr_entry
from signet_stack.auth.token_hook import Occasion
from signet_stack.auth.user_json import user_json
from signet_stack.auth.users import Rows, User

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


@dataclass(frozen=True, slots=True)
class Issue:
    """One pair of tokens to give: for which session, opened how, and asked for by which method just now."""

    session_id: UUID
    refresh_token: RefreshToken
    amr: list[dict[str, Any]]
    method: str
    client: Client


def open_session(auth: Auth, connection: Rows, user: User, method: str, client: Client) -> Grant:
    """Begin a session for somebody who has proved who they are, by ``method``.

    Raises sessions.AccountChanged unless the account is still the one that the proof was for.
    """
    now = auth.now()
    is_v2 = auth.settings.security_refresh_token_algorithm_version == VERSION_2
    key = v2.new_key() if is_v2 else None
    user, session_id = sessions.begin(connection, user, method, client, now, key)
    if key is None:
        token = version_1(refresh_token_rows.insert(connection, user.id, session_id, now))
    else:
        token = version_2(session_id, 0, key)
    return answer(auth, connection, user, Issue(session_id, token, [amr_entry(method, now)], method, client))


def answer(auth: Auth, connection: Rows, user: User, issue: Issue) -> Grant:
    """Return the answer that gives a pair of tokens; raise AuthError when the hook refuses."""
    claims = _claims(auth, user, issue)
    occasion = Occasion(issue.method, auth.now(), issue.client.ip)
    claims = token_hook.apply(auth.settings, connection, claims, occasion)
    body = {
        "access_token": access_tokens.sign(claims, auth.context.signing_keys.in_use()),
        "token_type": "bearer",
        "expires_in": auth.settings.jwt_exp,
        "expires_at": claims["exp"],
        "refresh_token": issue.refresh_token.text,
        "user": user_json(user, identities.of_user(connection, user.id)),
    }
    ids = {"sb-auth-user-id": str(user.id), "sb-auth-session-id": str(issue.session_id)}
    return Grant(body, {**ids, **dict([issue.refresh_token.header])})


def version_1(token: str) -> RefreshToken:
    """Return a token of version 1 with its header."""
    return RefreshToken(token, ("sb-auth-refresh-token-prefix", token[:PREFIX_LENGTH]))


def version_2(session_id: UUID, counter: int, key: str) -> RefreshToken:
    """Return the token of version 2 for a session's counter, with its header."""
    return RefreshToken(
        v2.make_token(session_id, counter, key), ("sb-auth-refresh-token-counter", str(counter))
    )


def _claims(auth: Auth, user: User, issue: Issue) -> dict[str, Any]:
    issued_at = int(auth.now().timestamp())
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
        "amr": issue.amr,
        "session_id": str(issue.session_id),
        "is_anonymous": user.is_anonymous,
    }
