"""Public information: health, settings, the key set, the discovery document."""

from __future__ import annotations

from flask import Blueprint, Response

from signet_stack.auth.errors import AuthError
from signet_stack.auth.routes import http

bp = Blueprint("discovery", __name__)

VERSION = "local"
KEPT_TEN_MINUTES = {"Cache-Control": "public, max-age=600"}
# Social sign-in of every kind: known to clients, none is offered here.
SOCIAL = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "zoom",
)
# What tokens of the OAuth server would say.
CLAIMS = (
    "sub",
    "aud",
    "iss",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "name",
    "picture",
    "preferred_username",
    "updated_at",
)


@bp.get("/health")
def health() -> Response:
    """Return name and version."""
    description = "GoTrue is a user registration and authentication API"
    return http.answer({"version": VERSION, "name": "GoTrue", "description": description})


@bp.get("/settings")
def settings() -> Response:
    """Return the enabled sign-in methods."""
    now = http.operation().settings
    external = dict.fromkeys(("anonymous_users", *SOCIAL, "phone"), False)
    return http.answer(
        {
            "external": {
                **external,
                "email": now.external_email_enabled,
                "google": now.external_google_enabled,
                "keycloak": now.external_keycloak_enabled,
                **({"example": True} if now.external_example_enabled else {}),
            },
            "disable_signup": now.disable_signup,
            "mailer_autoconfirm": now.mailer_autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": False,
        }
    )


@bp.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Publish the keys that verify access tokens."""
    return http.answer(http.operation().context.signing_keys.jwks(), headers=KEPT_TEN_MINUTES)


@bp.get("/.well-known/openid-configuration")
def openid_configuration() -> Response:
    """Describe the issuer (OpenID Connect Discovery 1.0)."""
    issuer = http.operation().context.issuer
    base = f"{http.operation().context.api_url}/auth/v1"
    content = {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "scopes_supported": ["openid", "profile", "email", "phone"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "claims_supported": list(CLAIMS),
        "code_challenge_methods_supported": ["S256", "plain"],
    }
    return http.answer(content, headers=KEPT_TEN_MINUTES)


@bp.get("/.well-known/oauth-authorization-server")
def oauth_authorization_server() -> Response:
    """Refuse: there is no OAuth server here."""
    raise AuthError(404, "feature_disabled", "OAuth server is disabled")
