"""POST /token?grant_type=refresh_token: continue a session, one exchange at a time for each session.

Rows are locked in the order of all operations: user, session, refresh token. A locked row is skipped instead
of waited for: the attempt ends, sleeps a moment and starts again, for five seconds. What a refusal costs (a
token family, a session) is committed together with the refusal.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from signet_stack.auth import grants, sessions, token_hook, users
from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant, Issue, RefreshToken
from signet_stack.auth.refresh_token_v1 import Effect, TokenRow
from signet_stack.auth.refresh_token_v2 import Advance, Decision, NotIssued, Repeat, TokenV2
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import SKIP_LOCKED, Client, Session
from signet_stack.auth.users import Rows, User

MAX_SECONDS = 5.0
PAUSE_SECONDS = (0.010, 0.030)
REUSE_HEADER = "sb-auth-refresh-token-reuse"
CAUSE_HEADER = "sb-auth-refresh-token-reuse-cause"
ROTATED_HEADER = "sb-auth-refresh-token-rotated"


class Locked(Exception):
    """Raised when another transaction holds a row that is needed."""


def refresh(op: Operation, token: str, client: Client) -> Grant:
    """Return the session's answer with new tokens; raise AuthError."""
    parsed = _parse(token)
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        try:
            with op.transaction() as connection:
                if isinstance(parsed, str):
                    return _exchange_v1(op, connection, parsed, client)
                return _exchange_v2(op, connection, parsed, client)
        except Locked:
            time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - spreads attempts, guards nothing
    raise AuthError(
        409,
        "conflict",
        "Too many concurrent token refresh requests on the same session or refresh token",
    )


def is_upgraded(session_id: UUID, percentage: int) -> bool:
    """Whether a session belongs to the share that moves to version 2: the same answer every time."""
    return hashlib.sha256(session_id.bytes).digest()[0] * 100 // 256 < percentage


def _parse(token: str) -> str | TokenV2:
    """Return a token of version 1 as it is, one of version 2 in its parts."""
    if len(token) == v1.LENGTH:
        if v1.is_well_formed(token):
            return token
    elif (parsed := v2.parse_token(token)) is not None:
        return parsed
    raise invalid("Refresh token is not valid")


# Version 1: a row is spent and a child takes its place.


def _exchange_v1(op: Operation, connection: Rows, token: str, client: Client) -> Grant:
    row = v1.find(connection, token)
    user = users.find_by_id(connection, UUID(row.user_id)) if row and row.user_id else None
    if row is None or user is None:
        raise _not_found()
    with _described(user) as headers:
        _check_ban(op, user)
        session = _session_of(connection, row)
        headers["sb-auth-session-id"] = str(session.id)
        _check_lifetime(op, connection, session, row.updated_at)
        _lock_user(connection, user.id)
        session = _lock_session(connection, session.id)
        locked_row = v1.find(connection, token, SKIP_LOCKED)
        if locked_row is None:
            raise Locked
        _check_newest(op, connection, session, locked_row.updated_at)
        refresh_token, is_repeat = _next_v1(op, connection, session, locked_row)
        amr = sessions.note_refresh(connection, session.id, client, op.now)
        user = user if is_repeat else users.update(connection, user.id, op.now)
        grant = grants.answer(
            op, connection, user, Issue(session.id, refresh_token, amr, token_hook.REFRESH, client)
        )
        # The real server sends no reuse header for the token that it gives again.
        return grant if is_repeat else replace(grant, headers={**grant.headers, REUSE_HEADER: "false"})


def _session_of(connection: Rows, row: TokenRow) -> Session:
    session = sessions.find(connection, row.session_id) if row.session_id else None
    if session is None:
        v1.delete(connection, row.token)
        message = "Invalid Refresh Token: No Valid Session Found"
        raise AuthError(400, "session_not_found", message, keeps_changes=True)
    return session


def _next_v1(op: Operation, connection: Rows, session: Session, row: TokenRow) -> tuple[RefreshToken, bool]:
    """Return the refresh token to give, and whether it was given before; raise AuthError for reuse."""
    settings, active = op.settings, v1.newest_active(connection, session.id)
    presented = v1.Presented(
        bool(row.revoked), active is not None and active.parent == row.token, row.updated_at
    )
    effect = v1.decide(presented, op.now, settings.security_refresh_token_reuse_interval)
    if effect is Effect.RETURN_ACTIVE and active is not None:
        return grants.version_1(active.token), True
    if effect is Effect.REUSE:
        if settings.refresh_token_rotation_enabled:
            v1.revoke_family(connection, session.id, op.now)
        raise _already_used()
    v1.touch(connection, row.token, op.now, revoke=True)
    child = v1.insert(connection, session.user_id, session.id, op.now, row.token)
    is_v2_wanted = settings.security_refresh_token_algorithm_version == grants.VERSION_2
    if is_v2_wanted and is_upgraded(session.id, settings.security_refresh_token_upgrade_percentage):
        return _upgrade(connection, session, child, op.now), False
    return grants.version_1(child), False


def _upgrade(connection: Rows, session: Session, child: str, now: datetime) -> RefreshToken:
    """Move a session to version 2: its last row is spent at once, the counter takes over."""
    v1.touch(connection, child, now, revoke=True)
    key, counter = session.refresh_token_hmac_key, session.refresh_token_counter
    key, counter = (v2.new_key(), 0) if key is None or counter is None else (key, counter + 1)
    sessions.set_counter(connection, session.id, key, counter)
    return grants.version_2(session.id, counter, key)


# Version 2: the session's row is the only state.


def _exchange_v2(op: Operation, connection: Rows, token: TokenV2, client: Client) -> Grant:
    found = sessions.find_with_owner(connection, token.session_id)
    if found is None or not token.is_signed_with(found[0].refresh_token_hmac_key):
        raise _not_found()
    session, user = found
    with _described(user, session) as headers:
        _check_ban(op, user)
        _check_lifetime(op, connection, session)
        if op.settings.sessions_single_per_user:
            _lock_user(connection, user.id)
        session = _lock_session(connection, session.id)
        _check_newest(op, connection, session)
        decision = _decide_v2(op, session, token)
        counter = _counter(op, connection, session, decision)
        headers.update(_reuse_headers(decision))
        amr = sessions.note_refresh(connection, session.id, client, op.now, counter)
        refresh_token = grants.version_2(session.id, counter, session.refresh_token_hmac_key or "")
        grant = grants.answer(
            op, connection, user, Issue(session.id, refresh_token, amr, token_hook.REFRESH, client)
        )
        return replace(grant, headers={**grant.headers, **headers})


def _decide_v2(op: Operation, session: Session, token: TokenV2) -> Decision:
    settings, last = op.settings, session.last_refreshed_at
    return v2.decide(
        session.refresh_token_counter or 0,
        token.counter,
        None if last is None else (op.now - last).total_seconds(),
        settings.security_refresh_token_reuse_interval,
        allows_reuse=settings.security_refresh_token_allow_reuse,
    )


def _counter(op: Operation, connection: Rows, session: Session, decision: Decision) -> int:
    """Return the counter of the token to give; raise AuthError, and end the session of a reused token."""
    counter = session.refresh_token_counter or 0
    if isinstance(decision, Advance):
        return counter + 1
    if isinstance(decision, Repeat):
        return counter
    if isinstance(decision, NotIssued):
        raise invalid("Invalid Refresh Token: Not Issued By This Server")
    if not op.settings.refresh_token_rotation_enabled:
        raise _already_used()
    sessions.end(connection, session.user_id, session.id, "local")
    raise _already_used({ROTATED_HEADER: "true"})


def _reuse_headers(decision: Decision) -> dict[str, str]:
    return {CAUSE_HEADER: decision.cause} if isinstance(decision, Repeat) else {REUSE_HEADER: "false"}


# Checks of both versions, in the hosted service's order.


@contextmanager
def _described(user: User, session: Session | None = None) -> Iterator[dict[str, str]]:
    """Let a refusal carry the ids that are known by then, as `sb-auth-user-id` and `sb-auth-session-id`."""
    headers = {"sb-auth-user-id": str(user.id)}
    if session is not None:
        headers["sb-auth-session-id"] = str(session.id)
    try:
        yield headers
    except AuthError as error:
        error.headers = {**headers, **error.headers}
        raise


def _check_ban(op: Operation, user: User) -> None:
    if user.is_banned(op.now):
        raise AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")


def _lock_user(connection: Rows, user_id: UUID) -> None:
    taken = connection.execute(
        "select from auth.users where id = %s for no key update skip locked", (user_id,)
    )
    if taken.fetchone() is None:
        raise Locked


def _lock_session(connection: Rows, session_id: UUID) -> Session:
    session = sessions.find(connection, session_id, SKIP_LOCKED)
    if session is None:
        raise Locked
    return session


def _check_lifetime(
    op: Operation, connection: Rows, session: Session, token_updated_at: datetime | None = None
) -> None:
    """Raise AuthError when a limit of the session has passed; the end of the session is written too."""
    limits = sessions.limits_of(op.settings)
    reason = sessions.expiry_reason(session.life, limits, op.now, token_updated_at)
    if reason == sessions.EXPIRED:
        _check_newest(op, connection, session, token_updated_at)
    if reason:
        _refuse(op, connection, session, reason)


def _check_newest(
    op: Operation, connection: Rows, session: Session, token_updated_at: datetime | None = None
) -> None:
    """In single-session mode, raise AuthError when the user has signed in elsewhere since."""
    if not op.settings.sessions_single_per_user:
        return
    others = [other.life for other in sessions.others_of(connection, session)]
    limits = sessions.limits_of(op.settings)
    if sessions.is_superseded(session.life, others, limits, op.now, token_updated_at):
        _refuse(op, connection, session, "Session Expired (Revoked by Newer Login)")


def _refuse(op: Operation, connection: Rows, session: Session, reason: str) -> NoReturn:
    sessions.close(connection, session.id, op.now)
    raise sessions.expired(reason, keeps_changes=True)


def _not_found() -> AuthError:
    return AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")


def _already_used(headers: dict[str, str] | None = None) -> AuthError:
    """Return the error for a token that was exchanged long ago; what it costs is committed."""
    message = "Invalid Refresh Token: Already Used"
    return AuthError(400, "refresh_token_already_used", message, headers=headers, keeps_changes=True)
