"""GET and PUT /user: the account of the signed-in user."""

from __future__ import annotations

from flask import Blueprint, Response, request

from signet_stack.auth import identities
from signet_stack.auth.account_changes import change_account, read_change
from signet_stack.auth.bearer import claims_of, require_user
from signet_stack.auth.errors import invalid
from signet_stack.auth.routes import http

bp = Blueprint("user", __name__)


@bp.get("/user")
def show() -> Response:
    """Show the bearer's account."""
    claims = claims_of(http.operation(), http.credentials())
    audience = request.headers.get("X-JWT-AUD")
    with http.operation().transaction() as connection:
        bearer = require_user(http.operation(), connection, claims)
        if audience and audience != claims.get("aud"):
            raise invalid("Token audience doesn't match request audience")
        content = identities.describe(connection, bearer.user)
    return http.answer(content)


@bp.put("/user")
def change() -> Response:
    """Change the bearer's account."""
    claims = claims_of(http.operation(), http.credentials())
    with http.operation().transaction() as connection:
        require_user(http.operation(), connection, claims)
    http.check_limit("user", http.operation().settings.rate_limit_otp)
    wanted = read_change(http.operation(), http.body(), http.target())
    return http.answer(change_account(http.operation(), claims, wanted))
