"""Exchange a refresh token of version 2: the session's row is the only state."""

from __future__ import annotations

from dataclasses import replace

from signet_stack.auth import grants, sessions, token_hook
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.errors import invalid
from signet_stack.auth.grants import Grant, Issue
from signet_stack.auth.refresh_checks import (
    CAUSE_HEADER,
    REUSE_HEADER,
    ROTATED_HEADER,
    already_used,
    check_ban,
    check_life,
    check_newest,
    lock,
    not_found,
)
from signet_stack.auth.refresh_token_v2 import Advance, Decision, NotIssued, Repeat, TokenV2
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import Client, Session
from signet_stack.auth.users import Rows


def exchange(auth: Auth, connection: Rows, token: TokenV2, client: Client) -> Grant:
    """Return the session's answer; raise AuthError, or Locked to be tried again."""
    found = sessions.find_with_owner(connection, token.session_id)
    if found is None or not token.is_signed_with(found[0].refresh_token_hmac_key):
        raise not_found()
    session, user = found
    check_ban(auth, user)
    check_life(auth, session)
    session = lock(connection, session.id)
    check_newest(auth, connection, session)
    decision = _decide(auth, session, token)
    counter = _counter(auth, connection, session, decision)
    amr = sessions.note_refresh(connection, session.id, client, auth.now(), counter)
    refresh_token = grants.version_2(session.id, counter, session.refresh_token_hmac_key or "")
    issue = Issue(session.id, refresh_token, amr, token_hook.REFRESH, client)
    grant = grants.answer(auth, connection, user, issue)
    return replace(grant, headers={**grant.headers, **_headers(decision)})


def _decide(auth: Auth, session: Session, token: TokenV2) -> Decision:
    settings, last = auth.settings, session.last_refreshed_at
    return v2.decide(
        session.refresh_token_counter or 0,
        token.counter,
        None if last is None else (auth.now() - last).total_seconds(),
        settings.security_refresh_token_reuse_interval,
        allows_reuse=settings.security_refresh_token_allow_reuse,
    )


def _counter(auth: Auth, connection: Rows, session: Session, decision: Decision) -> int:
    """Return the counter whose token is the current one from now on; raise AuthError, and make reuse felt."""
    counter = session.refresh_token_counter or 0
    if isinstance(decision, Advance):
        return counter + 1
    if isinstance(decision, Repeat):
        return counter
    if isinstance(decision, NotIssued):
        raise invalid("Invalid Refresh Token: Not Issued By This Server")
    if not auth.settings.refresh_token_rotation_enabled:
        raise already_used()
    connection.execute("delete from auth.sessions where id = %s", (session.id,))
    raise already_used({ROTATED_HEADER: "true"})


def _headers(decision: Decision) -> dict[str, str]:
    if isinstance(decision, Repeat):
        return {REUSE_HEADER: "true", CAUSE_HEADER: decision.cause}
    return {REUSE_HEADER: "false"}
