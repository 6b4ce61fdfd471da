"""Exchange a refresh token of version 1: a row is spent and a child takes its place."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

from signet_stack.auth import grants, sessions, token_hook, users
from signet_stack.auth import refresh_token_rows as rows
from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.errors import AuthError
from signet_stack.auth.grants import Grant, Issue, RefreshToken
from signet_stack.auth.refresh_checks import (
    REUSE_HEADER,
    Locked,
    already_used,
    check_ban,
    check_life,
    check_newest,
    lock,
    not_found,
)
from signet_stack.auth.refresh_token_rows import TokenRow
from signet_stack.auth.refresh_token_v1 import Effect
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import SKIP_LOCKED, Client, Session
from signet_stack.auth.users import Rows


def exchange(auth: Auth, connection: Rows, token: str, client: Client) -> Grant:
    """Return the session's answer; raise AuthError, or Locked to be tried again."""
    row = rows.find(connection, token)
    if row is None or row.user_id is None:
        raise not_found()
    user = users.find_by_id(connection, UUID(row.user_id))
    if user is None:
        raise not_found()
    check_ban(auth, user)
    check_life(auth, _session_of(connection, row), row.updated_at)
    row = rows.find(connection, token, SKIP_LOCKED)
    if row is None or row.session_id is None:
        raise Locked
    session = lock(connection, row.session_id)
    check_newest(auth, connection, session, row.updated_at)
    active = rows.newest_active(connection, session.id)
    effect = _decide(auth, row, active)
    refresh_token = _carry_out(auth, connection, session, row, active, effect)
    amr = sessions.note_refresh(connection, session.id, client, auth.now())
    is_repeat = effect is Effect.RETURN_ACTIVE
    user = user if is_repeat else users.update(connection, user.id, auth.now())
    issue = Issue(session.id, refresh_token, amr, token_hook.REFRESH, client)
    grant = grants.answer(auth, connection, user, issue)
    return replace(grant, headers={**grant.headers, REUSE_HEADER: "true" if is_repeat else "false"})


def _session_of(connection: Rows, row: TokenRow) -> Session:
    session = sessions.find(connection, row.session_id) if row.session_id else None
    if session is None:
        rows.delete(connection, row.token)
        message = "Invalid Refresh Token: No Valid Session Found"
        raise AuthError(400, "session_not_found", message, keeps_changes=True)
    return session


def _decide(auth: Auth, row: TokenRow, active: TokenRow | None) -> Effect:
    presented = v1.Presented(
        bool(row.revoked), active is not None and active.parent == row.token, row.updated_at
    )
    return v1.decide(presented, auth.now(), auth.settings.security_refresh_token_reuse_interval)


def _carry_out(
    auth: Auth, connection: Rows, session: Session, row: TokenRow, active: TokenRow | None, effect: Effect
) -> RefreshToken:
    """Do what was decided; return the refresh token to give."""
    now = auth.now()
    if effect is Effect.RETURN_ACTIVE and active is not None:
        return grants.version_1(active.token)
    if effect is Effect.REUSE:
        if auth.settings.refresh_token_rotation_enabled:
            rows.revoke_family(connection, session.id, now)
        raise already_used()
    rows.touch(connection, row.token, now, revoke=True)
    child = rows.insert(connection, session.user_id, session.id, now, row.token)
    settings = auth.settings
    is_v2_wanted = settings.security_refresh_token_algorithm_version == grants.VERSION_2
    if is_v2_wanted and is_upgraded(session.id, settings.security_refresh_token_upgrade_percentage):
        return _upgrade(auth, connection, session, child)
    return grants.version_1(child)


def is_upgraded(session_id: UUID, percentage: int) -> bool:
    """Whether a session belongs to the share that moves to version 2: the same answer every time."""
    return hashlib.sha256(session_id.bytes).digest()[0] * 100 // 256 < percentage


def _upgrade(auth: Auth, connection: Rows, session: Session, child: str) -> RefreshToken:
    """Move a session to version 2, or on there: its last row is spent at once, the counter takes over."""
    rows.touch(connection, child, auth.now(), revoke=True)
    key, counter = session.refresh_token_hmac_key, session.refresh_token_counter
    key, counter = (v2.new_key(), 0) if key is None or counter is None else (key, counter + 1)
    connection.execute(
        "update auth.sessions set refresh_token_hmac_key = %s, refresh_token_counter = %s where id = %s",
        (key, counter, session.id),
    )
    return grants.version_2(session.id, counter, key)
