"""Settings of the gatekeeper, and how they are read from a Flask configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
COOKIE_MODES = ("private", "shared")
REQUIRED = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SITE_URL", "SECRET_KEY")
FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine's loopback."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS


@dataclass(frozen=True, slots=True)
class GatekeeperSettings:
    """The project, the site, and the secrets that encrypt cookies (the present one first)."""

    supabase_url: str
    publishable_key: str
    site_url: str
    secret_keys: tuple[str | bytes, ...] = field(repr=False)
    issuer: str
    audience: str = "authenticated"
    cookie_mode: str = "private"  # or "shared"
    jwks: str | None = None  # the key set itself, never fetched
    revocation_check_seconds: float | None = None  # None: tokens are valid until they expire
    max_waiting_threads: int = 2  # that may wait for Auth while it is slow: a quarter of the worker's threads
    is_closed: bool = True  # False: only views marked with login_required are closed
    login_endpoint: str = "auth.login"
    show_timing: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for values that would weaken every session silently."""
        site = urlsplit(self.site_url)
        schemes = ("https", "http") if is_loopback(self.site_url) else ("https",)
        if not site.hostname or site.scheme not in schemes:
            raise ValueError(f"SITE_URL is {self.site_url!r}, not https://…, or http://… on this machine")
        if urlsplit(self.supabase_url).scheme not in ("https", "http"):
            raise ValueError(f"SUPABASE_URL is {self.supabase_url!r}, not https://…")
        if self.cookie_mode not in COOKIE_MODES:
            raise ValueError(f"SUPABASE_COOKIE_MODE is {self.cookie_mode!r}, not private or shared")
        seconds = self.revocation_check_seconds
        if seconds is not None and not seconds > 0:
            raise ValueError(f"REVOCATION_CHECK_SECONDS is {seconds}, not above 0; leave it out for no check")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> GatekeeperSettings:
        """Read a Flask configuration; values may be strings, as in the environment.

        Raises ValueError with the setting and what it must be.
        """
        if missing := [name for name in REQUIRED if not config.get(name)]:
            raise ValueError(f"not in app.config when Gatekeeper(app) is called: {', '.join(missing)}")
        fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
        if isinstance(fallbacks, str | bytes):
            # Flask reads it too, and would treat each letter of a string as a key.
            raise ValueError("SECRET_KEY_FALLBACKS is one text; it must be a list of former keys")
        url = str(config["SUPABASE_URL"]).rstrip("/")
        return cls(
            supabase_url=url,
            publishable_key=config["SUPABASE_PUBLISHABLE_KEY"],
            site_url=config["SITE_URL"],
            secret_keys=(config["SECRET_KEY"], *fallbacks),
            issuer=config.get("SUPABASE_JWT_ISSUER") or f"{url}/auth/v1",
            cookie_mode=config.get("SUPABASE_COOKIE_MODE") or "private",
            jwks=config.get("SUPABASE_JWKS") or None,
            revocation_check_seconds=_seconds(config, "REVOCATION_CHECK_SECONDS"),
            max_waiting_threads=_count(config, "GATEKEEPER_AUTH_THREADS", default=2),
            is_closed=_flag(config, "GATEKEEPER_CLOSED", default=True),
            login_endpoint=config.get("GATEKEEPER_LOGIN_ENDPOINT") or "auth.login",
            show_timing=_flag(config, "GATEKEEPER_SHOW_TIMING", default=False),
        )


def _seconds(config: Mapping[str, Any], name: str) -> float | None:
    value = config.get(name)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{name} is {value!r}, not a number of seconds") from None


def _count(config: Mapping[str, Any], name: str, *, default: int) -> int:
    value = config.get(name)
    if value is None or value == "":
        return default
    if not str(value).isdecimal() or int(value) < 1:
        raise ValueError(f"{name} is {value!r}, not a whole number above 0")
    return int(value)


def _flag(config: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = config.get(name)
    if value is None or value == "":
        return default
    flag = FLAGS.get(str(value).lower())
    if flag is None:
        raise ValueError(f"{name} is {value!r}, not true or false")
    return flag
