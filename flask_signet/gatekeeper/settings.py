"""Settings of the gatekeeper, and how they are read from a Flask configuration."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
COOKIE_MODES = ("private", "shared")
MIN_SECRET_KEY_BYTES = 32
KNOWN_SECRET_KEYS = frozenset({b"super-secret-jwt-token-with-at-least-32-characters-long"})  # the CLI's
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
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def is_private_host(url: str) -> bool:
    """Return whether a URL's host is an address of a private network (RFC 1918, RFC 4193) or an mDNS name."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host.endswith(".local")


def is_http_origin(url: str) -> bool:
    """Return whether a URL is only scheme, host and port."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError if it is not a number
    except ValueError:
        return False
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme in ("https", "http")


def is_web_url(url: str) -> bool:
    """Return whether a URL is https, or http to loopback, without credentials and without fragment."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError if it is not a number
    except ValueError:
        return False
    if not parts.hostname or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def is_web_origin(url: str) -> bool:
    """Return whether a URL is only scheme, host and port, and https unless its host is loopback."""
    return is_http_origin(url) and (urlsplit(url).scheme == "https" or is_loopback(url))


def is_site_origin(url: str, supabase_url: str) -> bool:
    """Like ``is_web_origin``; in development, http to a private address is accepted as well.

    Development means that the Supabase project is on this machine: a phone on its network opens the site.
    """
    if is_web_origin(url):
        return True
    return is_http_origin(url) and is_private_host(url) and is_loopback(supabase_url)


def is_domain_of(domain: str, site_url: str) -> bool:
    """Return whether a domain is a URL's host, or a parent of it with at least two labels."""
    host = (urlsplit(site_url).hostname or "").lower()
    is_name = re.fullmatch(r"([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", domain) is not None
    return is_name and (host == domain or host.endswith(f".{domain}"))


def is_strong_secret(key: str | bytes) -> bool:
    """Return whether a key has at least MIN_SECRET_KEY_BYTES and is none that examples publish."""
    raw = key if isinstance(key, bytes) else key.encode()
    return len(raw) >= MIN_SECRET_KEY_BYTES and raw not in KNOWN_SECRET_KEYS


def kind_of_api_key(key: str) -> str:
    """Return "publishable", "secret" or "unknown" for an API key; legacy keys are JWTs with a role."""
    if key.startswith("sb_publishable_"):
        return "publishable"
    if key.startswith("sb_secret_"):
        return "secret"
    try:
        payload = key.split(".")[1]
        role = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return "unknown"
    return {"anon": "publishable", "service_role": "secret"}.get(str(role), "unknown")


@dataclass(frozen=True, slots=True)
class GatekeeperSettings:
    """The project, the site, and the secrets that encrypt cookies (the present one first)."""

    supabase_url: str
    publishable_key: str
    site_url: str
    secret_keys: tuple[str | bytes, ...] = field(repr=False)
    issuer: str
    other_issuers: tuple[str, ...] = ()  # whose tokens are accepted as well, with the same key set
    audience: str = "authenticated"
    cookie_mode: str = "private"  # or "shared"
    cookie_domain: str | None = None  # None: cookies are bound to the host
    jwks: str | None = None  # the key set itself, never fetched
    jwks_url: str | None = None  # None: the project's own
    revocation_check_seconds: float | None = None  # None: tokens are valid until they expire
    max_waiting_threads: int = 2  # that may wait for Auth while it is slow: a quarter of the worker's threads
    is_closed: bool = True  # False: only views marked with login_required are closed
    login_endpoint: str = "auth.login"
    step_up_endpoint: str | None = None  # None: a missing proof is a 403
    show_timing: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError with every value that would weaken sessions silently."""
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))

    def _problems(self) -> Iterator[str]:
        """Yield one line for each wrong setting; no line contains a key."""
        if not is_web_origin(self.supabase_url):
            yield (
                f"SUPABASE_URL is {_without_credentials(self.supabase_url)!r}, not https://…, or http://… on "
                "this machine, without a path and without credentials"
            )
        if kind_of_api_key(self.publishable_key) == "secret":
            yield (
                "SUPABASE_PUBLISHABLE_KEY is a secret key, which passes row-level security: use the "
                "publishable one, and revoke this one if it was public"
            )
        if not is_site_origin(self.site_url, self.supabase_url):
            yield f"SITE_URL is {self.site_url!r}, not https://…, or http://… on this machine"
        for number, key in enumerate(self.secret_keys):
            if not is_strong_secret(key):
                name = f"SECRET_KEY_FALLBACKS[{number - 1}]" if number else "SECRET_KEY"
                yield (
                    f"{name} is shorter than {MIN_SECRET_KEY_BYTES} bytes or publicly known; make one with "
                    "python3 -c 'import secrets; print(secrets.token_hex(32))'"
                )
        if self.cookie_mode not in COOKIE_MODES:
            yield f"SUPABASE_COOKIE_MODE is {self.cookie_mode!r}, not private or shared"
        if self.cookie_domain is not None and not is_domain_of(self.cookie_domain, self.site_url):
            yield (
                f"COOKIE_DOMAIN is {self.cookie_domain!r}, not the domain of SITE_URL or a parent of it with "
                "at least two labels"
            )
        if self.jwks_url is not None and self.jwks is not None:
            yield "SUPABASE_JWKS and SUPABASE_JWKS_URL are both set: choose one"
        if self.jwks_url is not None and not is_web_url(self.jwks_url):
            yield (
                f"SUPABASE_JWKS_URL is {_without_credentials(self.jwks_url)!r}, not https://…, or http://… "
                "on this machine, without credentials"
            )
        seconds = self.revocation_check_seconds
        if seconds is not None and not seconds > 0:
            yield f"REVOCATION_CHECK_SECONDS is {seconds}, not above 0; leave it out for no check"
        if self.max_waiting_threads < 1:
            yield f"GATEKEEPER_AUTH_THREADS is {self.max_waiting_threads}, not a whole number above 0"

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
        issuers = str(config.get("SUPABASE_JWT_ISSUER") or "").split()
        return cls(
            supabase_url=url,
            publishable_key=config["SUPABASE_PUBLISHABLE_KEY"],
            site_url=config["SITE_URL"],
            secret_keys=(config["SECRET_KEY"], *fallbacks),
            issuer=issuers[0] if issuers else f"{url}/auth/v1",
            other_issuers=tuple(issuers[1:]),
            cookie_mode=config.get("SUPABASE_COOKIE_MODE") or "private",
            cookie_domain=str(config.get("COOKIE_DOMAIN") or "").lstrip(".").lower() or None,
            jwks=config.get("SUPABASE_JWKS") or None,
            jwks_url=config.get("SUPABASE_JWKS_URL") or None,
            revocation_check_seconds=_seconds(config, "REVOCATION_CHECK_SECONDS"),
            max_waiting_threads=_count(config, "GATEKEEPER_AUTH_THREADS", default=2),
            is_closed=_flag(config, "GATEKEEPER_CLOSED", default=True),
            login_endpoint=config.get("GATEKEEPER_LOGIN_ENDPOINT") or "auth.login",
            step_up_endpoint=config.get("GATEKEEPER_STEP_UP_ENDPOINT") or None,
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
    if not str(value).isdecimal():
        raise ValueError(f"{name} is {value!r}, not a whole number above 0")
    return int(value)


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if "@" in rest else url


def _flag(config: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = config.get(name)
    if value is None or value == "":
        return default
    flag = FLAGS.get(str(value).lower())
    if flag is None:
        raise ValueError(f"{name} is {value!r}, not true or false")
    return flag
