"""Start sessions by password or PKCE code, and make the answer that starts or continues any session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from signet_stack.auth import access_tokens, identities, pkce, sessions, token_hook, users
from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, failing_as, invalid
from signet_stack.auth.passwords import weakness
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import AccountChanged, Client, amr_entry
from signet_stack.auth.token_hook import Occasion
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
    """The answer that starts or continues a session."""

    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Issue:
    """One pair of tokens to give: the session, its `amr` claim, and the method of this request."""

    session_id: UUID
    refresh_token: RefreshToken
    amr: list[dict[str, Any]]
    method: str
    client: Client


def open_session(op: Operation, connection: Rows, user: User, method: str, client: Client) -> Grant:
    """Start a session of a user who was authenticated by ``method``.

    Raises sessions.AccountChanged unless the account is unchanged since it was authenticated.
    """
    now = op.now
    is_v2 = op.settings.security_refresh_token_algorithm_version == VERSION_2
    key = v2.new_key() if is_v2 else None
    with failing_as("Database error granting user"):
        present, session_id = sessions.start(connection, user, method, client, now, key)
    if op.settings.sessions_single_per_user:
        sessions.close_others(connection, present.id, session_id, now)
    user = replace(present, confirmed_at=user.confirmed_at)
    if key is None:
        token = version_1(v1.insert(connection, user.id, session_id, now))
    else:
        token = version_2(session_id, 0, key)
    return answer(op, connection, user, Issue(session_id, token, [amr_entry(method, now)], method, client))


def answer(op: Operation, connection: Rows, user: User, issue: Issue) -> Grant:
    """Return the answer that gives a pair of tokens; raise AuthError when the hook refuses."""
    claims = _claims(op, user, issue)
    occasion = Occasion(issue.method, op.now, issue.client.ip)
    claims = token_hook.apply(op.settings, connection, claims, occasion)
    body = {
        "access_token": access_tokens.sign(claims, op.context.signing_keys.in_use()),
        "token_type": "bearer",
        "expires_in": op.settings.jwt_exp,
        "expires_at": claims["exp"],
        "refresh_token": issue.refresh_token.text,
        "user": identities.describe(connection, user),
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


def sign_in(op: Operation, body: Body, client: Client) -> Grant:
    """Start a session with e-mail and password, checked in the hosted service's order; raise AuthError."""
    email, password = _credentials(op, body), body.text("password")
    try:
        with op.transaction() as connection:
            user = users.find_by_email(connection, email)
    except users.Unreadable as error:
        raise error.named("Database error querying schema") from None
    if user is not None and user.encrypted_password and user.is_banned(op.now):
        raise AuthError(400, "user_banned", "User is banned")
    if not op.passwords.matches(password, user.encrypted_password if user else None) or user is None:
        raise _refused()
    if user.email_confirmed_at is None:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    try:
        with op.transaction() as connection:
            grant = open_session(op, connection, user, "password", client)
    except AccountChanged:
        raise _refused() from None
    settings = op.settings
    weak = weakness(password, settings.password_min_length, settings.password_required_characters)
    shown = None if weak is None else {"message": weak.message, "reasons": list(weak.reasons)}
    return Grant({**grant.body, "weak_password": shown}, grant.headers)


def _refused() -> AuthError:
    """Return the one answer for an unknown address and for a wrong password."""
    return AuthError(400, "invalid_credentials", "Invalid login credentials")


def exchange_code(op: Operation, body: Body, client: Client) -> Grant:
    """Exchange the code at the end of a PKCE flow for a session; raise AuthError.

    A wrong verifier leaves the code valid.
    """
    code, verifier = body.text("auth_code"), body.text("code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    with op.transaction() as connection:
        owner = pkce.owner_of(connection, code)
        user = users.find_by_id(connection, owner, lock=True) if owner else None
        flow = pkce.find_flow(connection, code)
        if flow is None or user is None:
            raise pkce.flow_not_found()
        if pkce.is_expired(flow.created_at, flow.auth_code_issued_at, flow.authentication_method, op.now):
            raise AuthError(422, "flow_state_expired", "invalid flow state, flow state has expired")
        pkce.check_verifier(pkce.Challenge(flow.code_challenge_method, flow.code_challenge), verifier)
        if user.is_banned(op.now):
            raise AuthError(400, "user_banned", "User is banned")
        pkce.delete_flow(connection, flow)
        grant = open_session(op, connection, user, flow.authentication_method, client)
    tokens = provider_tokens(flow.provider_access_token, flow.provider_refresh_token)
    return replace(grant, body={**grant.body, **tokens})


def provider_tokens(access_token: str | None, refresh_token: str | None) -> dict[str, str]:
    """Return the provider's tokens, which are given out with the session and kept nowhere."""
    named = {"provider_token": access_token, "provider_refresh_token": refresh_token}
    return {name: token for name, token in named.items() if token}


def _claims(op: Operation, user: User, issue: Issue) -> dict[str, Any]:
    issued_at = int(op.now.timestamp())
    return {
        "iss": op.context.issuer,
        "sub": str(user.id),
        "aud": user.aud or "",
        "exp": issued_at + op.settings.jwt_exp,
        "iat": issued_at,
        "email": user.address,
        "phone": user.phone or "",
        "app_metadata": user.raw_app_meta_data or {},
        "user_metadata": user.raw_user_meta_data or {},
        "role": user.role or "",
        "aal": sessions.level(issue.amr),
        "amr": issue.amr,
        "session_id": str(issue.session_id),
        "is_anonymous": user.is_anonymous,
    }


def _credentials(op: Operation, body: Body) -> str:
    email, phone = body.text("email"), body.text("phone")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on login.")
    if email:
        if not op.settings.external_email_enabled:
            raise AuthError(422, "email_provider_disabled", "Email logins are disabled")
        return email.lower()
    if phone:
        raise AuthError(422, "phone_provider_disabled", "Phone logins are disabled")
    raise invalid("missing email or phone")
