"""Reader of environment variables: NAME or NAME_FILE, one check per setting, every problem collected.

Trust boundary: the environment is trusted, but people mix up keys. A secret in the place of a public value,
or a key too short to encrypt cookies, is refused here.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask_signet.gatekeeper.jwks import InlineKeySet, KeySetRefused

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET_KEY_BYTES = 32
KNOWN_SECRET_KEYS = frozenset(
    {"dev", "secret", "changeme", "super-secret-jwt-token-with-at-least-32-characters-long"}
)
COOKIE_MODES = ("private", "shared")
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

    def site_url(self, default: str | None) -> str:
        """Return SITE_URL; without a default it is required."""
        url = self.text("SITE_URL").rstrip("/") or default or ""
        if not is_web_origin(url):
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
        if len(key.encode()) < MIN_SECRET_KEY_BYTES or key in KNOWN_SECRET_KEYS:
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

    def cookie_mode(self) -> str:
        """Return SUPABASE_COOKIE_MODE."""
        mode = self.text("SUPABASE_COOKIE_MODE") or "private"
        if mode not in COOKIE_MODES:
            self._problem("SUPABASE_COOKIE_MODE", mode, " or ".join(COOKIE_MODES), "private")
        return mode

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

    def seconds(self, name: str) -> float | None:
        """Return a time span, None when it is not set."""
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) or float(text) == 0:
            self._problem(name, text, "a number of seconds above 0, or not set", "60")
            return None
        return float(text)

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


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def is_web_origin(url: str) -> bool:
    """Whether a URL is scheme, host and port only, and https unless its host is this machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError when it is not a number
    except ValueError:
        return False
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def kind_of_api_key(key: str) -> str:
    """Return "publishable", "secret" or "unknown" for an API key; legacy keys are JWTs with a role."""
    if key.startswith("sb_publishable_"):
        return "publishable"
    if key.startswith("sb_secret_"):
        return "secret"
    try:
        payload = key.split(".")[1]
        role = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return "unknown"
    return {"anon": "publishable", "service_role": "secret"}.get(role, "unknown")


def unknown_variables(environ: Mapping[str, str], known: frozenset[str]) -> dict[str, str | None]:
    """Return SUPABASE_* variables that are no settings, each with the most similar known name, if any."""
    unknown = {
        name for name in environ if name.startswith("SUPABASE_") and name.removesuffix("_FILE") not in known
    }
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, cutoff=0.8)), None)
        for name in sorted(unknown)
    }
