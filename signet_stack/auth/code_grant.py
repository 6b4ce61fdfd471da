"""Exchange the code at the end of a PKCE flow for a session."""

from __future__ import annotations

from signet_stack.auth import flows, grants, pkce, users
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.pkce import Challenge
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import Client


def exchange(auth: Auth, body: Body, client: Client) -> Grant:
    """Return a new session; raise AuthError. A wrong verifier leaves the code valid."""
    code, verifier = body.text("auth_code"), body.text("code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    now = auth.now()
    with auth.transaction() as connection:
        flow = flows.find_by_code(connection, code)
        user = users.find_by_id(connection, flow.user_id, lock=True) if flow and flow.user_id else None
        if flow is None or user is None:
            raise flows.not_found()
        if pkce.is_expired(flow.created_at, flow.auth_code_issued_at, flow.authentication_method, now):
            raise AuthError(422, "flow_state_expired", "invalid flow state, flow state has expired")
        pkce.check_verifier(Challenge(flow.code_challenge_method, flow.code_challenge), verifier)
        if user.is_banned(now):
            raise AuthError(400, "user_banned", "User is banned")
        flows.delete(connection, flow)
        return grants.open_session(auth, connection, user, flow.authentication_method, client)
