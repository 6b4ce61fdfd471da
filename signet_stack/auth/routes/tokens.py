"""POST /signup, /token and /logout: start, continue and end sessions."""

from __future__ import annotations

from flask import Blueprint, Response, request

from signet_stack.auth import grants, refresh_grant, sessions, sign_up
from signet_stack.auth.bearer import claims_of, require_user
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.routes import http

bp = Blueprint("tokens", __name__)

GRANTS = ("password", "refresh_token", "pkce", "id_token", "web3")
SCOPES = ("global", "local", "others")


@bp.post("/signup")
def signup() -> Response:
    """Make an account."""
    body = http.body()
    sign_up.refuse_anonymous(body)
    http.check_limit("signup", http.operation().settings.rate_limit_otp)
    made = sign_up.sign_up(http.operation(), body, http.client(), http.target())
    return http.grant_answer(made) if isinstance(made, Grant) else http.answer(made)


@bp.post("/token")
def token() -> Response:
    """Exchange a proof for a session."""
    grant_type = request.args.get("grant_type", "")
    if grant_type not in GRANTS:
        raise AuthError(400, "invalid_credentials", "unsupported_grant_type")
    http.check_limit("token", http.operation().settings.rate_limit_token_refresh)
    if grant_type == "password":
        return http.grant_answer(grants.sign_in(http.operation(), http.body(), http.client()))
    if grant_type == "refresh_token":
        presented = http.body().text("refresh_token")
        return http.grant_answer(refresh_grant.refresh(http.operation(), presented, http.client()))
    if grant_type == "pkce":
        return http.grant_answer(grants.exchange_code(http.operation(), http.body(), http.client()))
    if grant_type == "id_token":
        issuer = http.body().text("issuer") or http.body().text("provider")
        raise AuthError(400, "provider_disabled", f'Provider (issuer "{issuer[:100]}") is not enabled')
    raise AuthError(422, "web3_provider_disabled", "Web3 provider is disabled")


@bp.post("/logout")
def logout() -> Response:
    """End sessions of the bearer."""
    scope = request.args.get("scope") or "global"
    claims = claims_of(http.operation(), http.credentials())
    with http.operation().transaction() as connection:
        bearer = require_user(http.operation(), connection, claims)
        if scope not in SCOPES:
            raise invalid(f'Unsupported logout scope "{scope}"')
        sessions.end(connection, bearer.user.id, bearer.session_id, scope)
    return Response(status=204)
