"""Signet: a Flask app on Supabase Auth with JWT signing keys and row-level security.

``create_app`` is the one place that wires the parts together. The web app holds no secret but SECRET_KEY, and
only the publishable key of its project; the database's policies decide what each user may read and change.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from app.settings import Settings
    from flask_signet.gatekeeper import GatekeeperSettings

MAX_BODY_BYTES = 64 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """Build the app; settings come from the environment unless given. Raises SettingsError."""
    # Imported here, because `flask run` loads all this while the local stack boots.
    from app import account, auth, profiles, web
    from app.settings import Settings
    from app.web import assets, double_submit, drafts, error_pages, filters, forms, headers, host, limits
    from app.web.session_cookie import SessionCookie
    from flask_signet import cli, origin
    from flask_signet import clients as supabase_clients
    from flask_signet.gatekeeper import Gatekeeper

    settings = settings or Settings.from_env(os.environ)
    app = Flask(__name__)
    for remark in settings.remarks(os.environ):
        app.logger.warning(remark)
    app.extensions["settings"] = settings
    app.config.update(flask_config(settings))
    app.session_interface = SessionCookie()
    double_submit.register(app)
    host.register(app, settings.site_url)
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    assets.register(app, is_development=settings.is_development)
    headers.register(app)
    # The order of the before_request hooks: origin check, form token, session.
    origin.register(app, settings.site_url)
    forms.register(app)
    drafts.register(app)
    Gatekeeper(app, gatekeeper_settings(settings))
    supabase_clients.register(app, settings.supabase_url, settings.publishable_key)
    limits.register(app, settings.ratelimit_storage_uri)
    error_pages.register(app)
    filters.register(app)
    for package in (web, auth, profiles, account):
        app.register_blueprint(package.bp)
    cli.register(app)
    if settings.lab and settings.database_url:
        from flask_signet.lab import Lab  # not imported, and 404, where it is off

        Lab(app, database_url=settings.database_url)
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """Return Flask's own configuration: secrets, session cookie, body limit, trusted hosts."""
    from flask_signet.gatekeeper.settings import LOOPBACK_HOSTS

    site = urlsplit(settings.site_url)
    is_https = site.scheme == "https"
    hosts = [site.hostname or ""]
    if settings.is_development:
        # Werkzeug cuts trusted hosts at the first colon, so IPv6 addresses cannot be listed.
        hosts += [name for name in sorted(LOOPBACK_HOSTS) if ":" not in name]
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        # Like the gatekeeper's cookie: bound to the host on https, to the port on loopback.
        "SESSION_COOKIE_NAME": "__Host-session" if is_https else f"session-{site.port or 80}",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "TRUSTED_HOSTS": hosts,
    }


def gatekeeper_settings(settings: Settings) -> GatekeeperSettings:
    """Return the gatekeeper's settings."""
    from flask_signet.gatekeeper import GatekeeperSettings

    return GatekeeperSettings(
        supabase_url=settings.supabase_url,
        publishable_key=settings.publishable_key,
        site_url=settings.site_url,
        secret_keys=(settings.secret_key, *settings.secret_key_fallbacks),
        issuer=settings.issuer,
        cookie_mode=settings.cookie_mode,
        cookie_domain=settings.cookie_domain,
        jwks=settings.jwks,
        jwks_url=settings.jwks_url,
        revocation_check_seconds=settings.revocation_check_seconds,
        max_waiting_threads=settings.auth_threads,
        show_timing=settings.is_development,
    )
