"""What the gatekeeper must be told, and where it looks for it in a Flask app's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class GatekeeperSettings:
    """The project, the site and the secrets that seal cookies (the present one first)."""

    supabase_url: str
    publishable_key: str
    site_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    issuer: str
    audience: str = "authenticated"
    cookie_mode: str = "private"  # or "shared"
    jwks: str | None = None  # the key set itself, never fetched
    revocation_check_seconds: float | None = None  # None: tokens are good until they run out
    is_closed: bool = True  # False: only views marked with login_required are closed
    login_endpoint: str = "auth.login"
    show_timing: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> GatekeeperSettings:
        """Read a Flask configuration; raise KeyError naming the first variable that is missing."""
        url = str(config["SUPABASE_URL"]).rstrip("/")
        return cls(
            supabase_url=url,
            publishable_key=config["SUPABASE_PUBLISHABLE_KEY"],
            site_url=config["SITE_URL"],
            secret_keys=(config["SECRET_KEY"], *(config.get("SECRET_KEY_FALLBACKS") or ())),
            issuer=config.get("SUPABASE_JWT_ISSUER") or f"{url}/auth/v1",
            cookie_mode=config.get("SUPABASE_COOKIE_MODE") or "private",
            jwks=config.get("SUPABASE_JWKS"),
            revocation_check_seconds=config.get("REVOCATION_CHECK_SECONDS"),
            is_closed=bool(config.get("GATEKEEPER_CLOSED", True)),
            login_endpoint=config.get("GATEKEEPER_LOGIN_ENDPOINT", "auth.login"),
            show_timing=bool(config.get("GATEKEEPER_SHOW_TIMING", False)),
        )
