"""Reader of environment variables: NAME or NAME_FILE, one check per setting, every problem collected.

Trust boundary: the environment is trusted, but people mix up keys. A secret in the place of a public value,
or a key too short to encrypt cookies, is refused here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask_signet.gatekeeper.jwks import InlineKeySet, KeySetRefused
from flask_signet.gatekeeper.settings import (
    COOKIE_MODES,
    MIN_SECRET_KEY_BYTES,
    is_domain_of,
    is_loopback,
    is_site_origin,
    is_strong_secret,
    is_web_origin,
    is_web_url,
    kind_of_api_key,
)

SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Problem:
    """A missing or wrong setting, and what is expected instead."""

    variable: str
    value: str  # masked where it may be secret; empty when not set
    expected: str
    example: str
    next_step: str = ""

    def __str__(self) -> str:
        found = f"is {self.value}" if self.value else "is not set"
        step = f"\n    next: {self.next_step}" if self.next_step else ""
        return f"{self.variable} {found}\n    expected: {self.expected}\n    example: {self.example}{step}"


class Reader:
    """Reads one environment; ``problems`` collects what is missing or wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def text(self, name: str) -> str:
        """Return a variable, or the content of the file at NAME_FILE."""
        if name in self._environ or f"{name}_FILE" not in self._environ:
            text = self._environ.get(name, "").strip()
            if not is_text(text):
                self._problem(name, "(not UTF-8)", "text in UTF-8", "abc")
                return ""
            return text
        path = self._environ[f"{name}_FILE"]
        try:
            return Path(path).read_text().strip()
        except (OSError, ValueError) as error:
            self._problem(f"{name}_FILE", path, f"a readable file ({error})", "/run/secrets/name")
            return ""

    def _problem(self, variable: str, value: str, expected: str, example: str, next_step: str = "") -> None:
        shown = mask(value) if any(name in variable for name in SECRET_NAMES) else value
        self.problems.append(Problem(variable, shown, expected, example, next_step))

    def project_url(self) -> str:
        """Return SUPABASE_URL without a slash at its end."""
        url = self.text("SUPABASE_URL").rstrip("/")
        if not is_web_origin(url):
            self._problem(
                "SUPABASE_URL",
                url,
                "the project's URL: https, or http on this machine, without a path",
                "https://abcdefgh.supabase.co",
                "copy it from the project's settings, or run `flask run` with the local stack",
            )
        return url

    def publishable_key(self) -> str:
        """Return SUPABASE_PUBLISHABLE_KEY; a secret key in its place is a problem."""
        key = self.text("SUPABASE_PUBLISHABLE_KEY")
        if (kind := kind_of_api_key(key)) != "publishable":
            self._problem(
                "SUPABASE_PUBLISHABLE_KEY",
                key,
                "a publishable key"
                + (", but this is a SECRET key: revoke it if it was public" if kind == "secret" else ""),
                "sb_publishable_...",
                "copy it from the project's settings, API keys",
            )
        return key

    def site_url(self, default: str | None, supabase_url: str) -> str:
        """Return SITE_URL; without a default it is required.

        In development, with the project on this machine, it may be an http address of the local network.
        """
        url = self.text("SITE_URL").rstrip("/").lower() or default or ""
        if not is_site_origin(url, supabase_url):
            self._problem(
                "SITE_URL",
                url,
                "the address where people reach this app: https, or http on this machine, without a path",
                "https://www.example.com",
            )
        return url

    def secret_key(self, default: str | None) -> str:
        """Return SECRET_KEY; without a default it is required."""
        return self._checked_secret("SECRET_KEY", self.text("SECRET_KEY") or default or "")

    def secret_key_fallbacks(self) -> tuple[str, ...]:
        """Return the former keys."""
        keys = self.text("SECRET_KEY_FALLBACKS").split()
        return tuple(self._checked_secret("SECRET_KEY_FALLBACKS", key) for key in keys)

    def _checked_secret(self, variable: str, key: str) -> str:
        if not is_strong_secret(key):
            self._problem(
                variable,
                key,
                f"at least {MIN_SECRET_KEY_BYTES} random bytes, kept secret",
                "(64 hexadecimal digits)",
                "`python3 -c 'import secrets; print(secrets.token_hex(32))'`",
            )
        return key

    def database_url(self, default: str | None) -> str | None:
        """Return DATABASE_URL."""
        url = self.text("DATABASE_URL")
        if not url:
            return default
        if not url.startswith(("postgresql://", "postgres://")):
            self._problem(
                "DATABASE_URL",
                url,
                "a PostgreSQL connection string",
                "postgresql://postgres:PASSWORD@db.abcdefgh.supabase.co:5432/postgres",
            )
        return url

    def count(self, name: str) -> int:
        """Return a small whole number, 0 when it is not set."""
        text = self.text(name)
        if text and not re.fullmatch(r"[0-9]{1,2}", text):
            self._problem(name, text, "a whole number from 0 to 99", "1")
            return 0
        return int(text or 0)

    def ratelimit_storage_uri(self) -> str | None:
        """Return RATELIMIT_STORAGE_URI; None for the word off."""
        from limits.errors import ConfigurationError
        from limits.storage import storage_from_string

        uri = self.text("RATELIMIT_STORAGE_URI") or "memory://"
        if uri == "off":
            return None
        try:
            storage_from_string(uri if "async" not in uri else "")
        except (ConfigurationError, ValueError) as error:
            expected = f"memory://, off, or the address of a storage whose package is installed ({error})"
            self._problem("RATELIMIT_STORAGE_URI", uri, expected, "redis://localhost:6379")
        return uri

    def cookie_mode(self) -> str:
        """Return SUPABASE_COOKIE_MODE."""
        mode = self.text("SUPABASE_COOKIE_MODE") or "private"
        if mode not in COOKIE_MODES:
            self._problem("SUPABASE_COOKIE_MODE", mode, " or ".join(COOKIE_MODES), "private")
        return mode

    def cookie_domain(self, site_url: str) -> str | None:
        """Return COOKIE_DOMAIN, a parent domain of SITE_URL's host."""
        domain = self.text("COOKIE_DOMAIN").lstrip(".").lower()
        if domain and not is_domain_of(domain, site_url):
            self._problem("COOKIE_DOMAIN", domain, "the domain of SITE_URL, or a parent of it", "example.com")
        return domain or None

    def jwks(self, url: str) -> str | None:
        """Return SUPABASE_JWKS, a key set of the project at ``url``."""
        text = self.text("SUPABASE_JWKS")
        if not text:
            return None
        try:
            InlineKeySet(text.encode(), allow_development_key=is_loopback(url))
        except KeySetRefused as error:
            self._problem("SUPABASE_JWKS", "set", f"a public key set ({error})", '{"keys": [...]}')
        return text

    def jwks_url(self) -> str | None:
        """Return SUPABASE_JWKS_URL, from which the key set is fetched; not together with SUPABASE_JWKS."""
        url = self.text("SUPABASE_JWKS_URL")
        if url and not is_web_url(url):
            self._problem(
                "SUPABASE_JWKS_URL",
                url,
                "https, or http on this machine, without credentials",
                "https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json",
            )
        elif url and self.text("SUPABASE_JWKS"):
            self._problem("SUPABASE_JWKS_URL", url, "not to be set together with SUPABASE_JWKS", "(unset)")
        return url or None

    def seconds(self, name: str) -> float | None:
        """Return a time span, None when it is not set."""
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) or float(text) == 0:
            self._problem(name, text, "a number of seconds above 0, or not set", "60")
            return None
        return float(text)

    def lab(self, database_url: str | None, *, has_local_stack: bool) -> bool:
        """Return LAB: on with the local stack, or when set to 1 with a database of this machine."""
        text = self.text("LAB")
        if text not in ("", "0", "1"):
            self._problem("LAB", text, "1 or 0", "1")
        if text == "1" and not (database_url and is_loopback(database_url)):
            self._problem("LAB", text, "not to be set, or DATABASE_URL on this machine", "(unset)")
        return has_local_stack if text == "" else text == "1"

    def refuse_secret_keys(self) -> None:
        """Add a problem for every key in the environment that bypasses row-level security."""
        for name in ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEYS"):
            if value := self.text(name):
                self._problem(
                    name,
                    value,
                    "not to be set: the web app must not hold a key that passes row-level security",
                    "(unset)",
                    f"`unset {name}`",
                )


def mask(value: str) -> str:
    """Return a secret's first six characters, followed by an ellipsis."""
    return f"{value[:6]}…" if len(value) > 12 else "…" if value else ""


def is_text(value: str) -> bool:
    """Whether a value is UTF-8; other bytes of the environment arrive as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def unknown_variables(environ: Mapping[str, str], known: frozenset[str]) -> dict[str, str | None]:
    """Return SUPABASE_* variables that are no settings, each with the most similar known name, if any."""
    unknown = {
        name for name in environ if name.startswith("SUPABASE_") and name.removesuffix("_FILE") not in known
    }
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, cutoff=0.8)), None)
        for name in sorted(unknown)
    }
