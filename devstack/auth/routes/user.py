"""GET and PUT /user, GET /reauthenticate: the account of whoever is signed in."""

from __future__ import annotations

from flask import Blueprint, Response, request

from devstack.auth import identities
from devstack.auth.bearer import claims_of, require_user
from devstack.auth.errors import invalid
from devstack.auth.routes import http
from devstack.auth.user_json import user_json

bp = Blueprint("user", __name__)


@bp.get("/user")
def show() -> Response:
    """Show the bearer's account."""
    claims = claims_of(http.auth(), http.credentials())
    audience = request.headers.get("X-JWT-AUD")
    with http.auth().transaction() as connection:
        bearer = require_user(http.auth(), connection, claims)
        if audience and audience != claims.get("aud"):
            raise invalid("Token audience doesn't match request audience")
        content = user_json(bearer.user, identities.of_user(connection, bearer.user.id))
    return http.answer(content)
