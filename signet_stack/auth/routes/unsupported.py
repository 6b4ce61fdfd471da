"""Endpoints of the hosted service that the local stack does not serve: each answers so."""

from __future__ import annotations

from flask import Blueprint, Response

from signet_stack.auth.errors import AuthError

bp = Blueprint("unsupported", __name__)

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@bp.post("/sso")
@bp.route("/sso/saml/<path:rest>", methods=["GET", "POST"])
def single_sign_on(rest: str = "") -> Response:
    """Refuse single sign-on."""
    raise AuthError(404, "saml_provider_disabled", "SAML 2.0 is disabled")


@bp.route("/passkeys", methods=ANY)
@bp.route("/passkeys/<path:rest>", methods=ANY)
def passkeys(rest: str = "") -> Response:
    """Refuse passkeys."""
    raise AuthError(404, "passkey_disabled", "Passkeys are disabled")


@bp.route("/oauth/<path:rest>", methods=ANY)
def oauth(rest: str) -> Response:
    """Refuse to be an OAuth server."""
    raise AuthError(404, "feature_disabled", "OAuth server is disabled")


@bp.route("/admin/<any(sso, oauth, audit):area>", methods=ANY)
@bp.route("/admin/<any(sso, oauth, audit):area>/<path:rest>", methods=ANY)
def administration(area: str, rest: str = "") -> Response:
    """Name what cannot be administered here."""
    raise AuthError(501, "not_implemented", f"The local stack does not serve /admin/{area}")
