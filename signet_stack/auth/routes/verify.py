"""GET and POST /verify: redeem what was mailed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug import Response as AnyResponse

from signet_stack.auth import grants, one_time_tokens, pkce, verification
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.one_time_tokens import PKCE_PREFIX
from signet_stack.auth.routes import http
from signet_stack.auth.token_mails import EMAIL_CHANGE_NEW, FLOW_METHODS, MAGIC_LINK, SIGNUP
from signet_stack.auth.verification import HALF_DONE, METHOD, Proof, Redeemed

bp = Blueprint("verify", __name__)

# OAuth's word for an error of each status (RFC 6749 section 4.1.2.1).
OAUTH_ERRORS = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied"}
_METHODS_BY_TOKEN = {
    one_time_tokens.CONFIRMATION: SIGNUP.flow_method,
    one_time_tokens.RECOVERY: MAGIC_LINK.flow_method,
    one_time_tokens.EMAIL_CHANGE_NEW: EMAIL_CHANGE_NEW.flow_method,
    one_time_tokens.EMAIL_CHANGE_CURRENT: EMAIL_CHANGE_NEW.flow_method,
}


@bp.post("/verify")
def verify() -> Response:
    """Redeem a token hash, or a code with its address, for a session."""
    http.check_limit("verify", http.operation().settings.rate_limit_verify)
    proof = verification.read_proof(http.body())
    with http.operation().transaction() as connection:
        redeemed = verification.redeem(http.operation(), connection, proof)
        if redeemed.is_half:
            return http.answer({"msg": HALF_DONE, "code": "200"})
        grant = grants.open_session(http.operation(), connection, redeemed.user, METHOD, http.client())
    return http.grant_answer(grant)


@bp.get("/verify")
def follow_link() -> AnyResponse:
    """Redeem a link that was opened, and redirect with a session, a code or an error."""
    http.check_limit("verify", http.operation().settings.rate_limit_verify)
    proof = Proof(request.args.get("type", ""), request.args.get("token", ""))
    if not proof.kind:
        raise invalid("Verify requires a verification type")
    if not proof.token_hash:
        raise invalid("Verify requires a token or a token hash")
    is_pkce = proof.token_hash.startswith(PKCE_PREFIX)
    try:
        return _follow(proof, is_pkce=is_pkce)
    except AuthError as error:
        described = {
            "error": OAUTH_ERRORS.get(error.status, "server_error"),
            "error_code": error.code,
            "error_description": error.message,
        }
        return http.redirect_to(
            http.target(), fragment=http.encoded_twice(described), query=described if is_pkce else {}
        )


def _follow(proof: Proof, *, is_pkce: bool) -> AnyResponse:
    op = http.operation()
    with op.transaction() as connection:
        redeemed = verification.redeem(op, connection, proof)
        if redeemed.is_half:
            message = {"message": HALF_DONE}
            return http.redirect_to(
                http.target(), fragment=http.encoded_twice(message), query=message if is_pkce else {}
            )
        if is_pkce:
            code = pkce.issue_code(connection, redeemed.user.id, _flow_method(proof, redeemed), op.now)
            return http.redirect_to(http.target(), query={"code": code})
        grant = grants.open_session(op, connection, redeemed.user, METHOD, http.client())
    response = http.redirect_to(http.target(), fragment=urlencode(_in_fragment(grant, proof.kind)))
    response.headers.update(grant.headers)
    return response


def _flow_method(proof: Proof, redeemed: Redeemed) -> str:
    return FLOW_METHODS.get(proof.kind) or _METHODS_BY_TOKEN[redeemed.token.token_type]


def _in_fragment(grant: Grant, kind: str) -> dict[str, Any]:
    names = ("access_token", "expires_at", "expires_in", "refresh_token")
    return {**{name: grant.body[name] for name in names}, "sb": "", "token_type": "bearer", "type": kind}
