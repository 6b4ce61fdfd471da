"""Settings: read from the environment, checked together, every problem explained at once.

Trust boundary: the environment is the operator's word, but people mix up keys, so anything that would put a
secret where the public can reach it, or weaken the seal on the cookies, is refused here and nowhere later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.config_values import (
    LOOPBACK_HOSTS,
    is_web_origin,
    kind_of_api_key,
    mask,
    unknown_variables,
)
from app.gatekeeper.jwks import InlineKeySet
from app.gatekeeper.key_set_parsing import KeySetRefused

# Everything that any part of Signet reads from the environment; .env.example explains each.
VARIABLES = frozenset(
    {
        "SUPABASE_URL",
        "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_LOCAL",
        "SUPABASE_ACCESS_TOKEN",
        "SUPABASE_PROJECT_REF",
        "SUPABASE_COOKIE_MODE",
        "SUPABASE_JWKS",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "DATABASE_URL",
        "SITE_URL",
        "TRUSTED_PROXIES",
        "REVOCATION_CHECK_SECONDS",
        "DEVSTACK_PG_BIN",
        "DEVSTACK_PG_USER",
        "SMTP_URL",
    }
)
MIN_SECRET_KEY_BYTES = 32
KNOWN_SECRET_KEYS = frozenset(
    {"dev", "secret", "changeme", "super-secret-jwt-token-with-at-least-32-characters-long"}
)
COOKIE_MODES = ("private", "shared")
SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that is missing or wrong, and what would be right."""

    variable: str
    value: str  # masked where it may be secret; empty when not set
    expected: str
    example: str
    next_step: str = ""

    def __str__(self) -> str:
        found = f"is {self.value}" if self.value else "is not set"
        step = f"\n    next: {self.next_step}" if self.next_step else ""
        return f"{self.variable} {found}\n    expected: {self.expected}\n    example: {self.example}{step}"


class SettingsError(Exception):
    """Raised when settings are missing or wrong; ``problems`` holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class LocalStack:
    """What the app needs to know about a running local stack; see app/cli/local.py."""

    url: str
    publishable_key: str
    issuer: str
    database_url: str = field(repr=False)
    mailbox_url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the app reads from its environment, checked."""

    supabase_url: str
    publishable_key: str
    issuer: str  # expected `iss` of every access token
    site_url: str
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    database_url: str | None = field(default=None, repr=False)
    trusted_proxies: int = 0
    cookie_mode: str = "private"
    jwks: str | None = field(default=None, repr=False)
    revocation_check_seconds: float | None = None
    local_stack: LocalStack | None = None

    @property
    def is_development(self) -> bool:
        """Whether the site itself is served on this machine's loopback."""
        return urlsplit(self.site_url).hostname in LOOPBACK_HOSTS

    def remarks(self, environ: Mapping[str, str]) -> list[str]:
        """Return what is odd about the environment of these settings but no reason not to start."""
        remarks = [
            f"{name} is not a setting" + (f"; did you mean {meant}?" if meant else "")
            for name, meant in unknown_variables(environ, VARIABLES).items()
        ]
        if self.database_url and not self.is_development:
            remarks.append("DATABASE_URL is set, but a web process does not need it: keep it for `flask db`")
        return remarks

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str],
        *,
        local_stack: LocalStack | None = None,
        local_secret_key: str | None = None,
        port: int = 8000,
    ) -> Settings:
        """Read and check all settings; raise SettingsError with every problem found.

        ``local_stack`` stands in for SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY, ``local_secret_key`` for
        SECRET_KEY, and ``port`` makes the default SITE_URL, all for use on this machine only.
        """
        return _Reader(environ, local_stack, local_secret_key, port).settings()


class _Reader:
    """Reads one environment and collects the problems."""

    def __init__(
        self,
        environ: Mapping[str, str],
        local_stack: LocalStack | None,
        local_secret_key: str | None,
        port: int,
    ) -> None:
        self._environ = environ
        self._local_stack = local_stack
        self._local_secret_key = local_secret_key
        self._port = port
        self._problems: list[Problem] = []

    def settings(self) -> Settings:
        url, key = self._project()
        site_url = self._site_url(url)
        settings = Settings(
            supabase_url=url,
            publishable_key=key,
            issuer=self._local_stack.issuer if self._local_stack else f"{url}/auth/v1",
            site_url=site_url,
            secret_key=self._secret_key(),
            secret_key_fallbacks=self._secret_key_fallbacks(),
            database_url=self._database_url(),
            trusted_proxies=self._count("TRUSTED_PROXIES"),
            cookie_mode=self._cookie_mode(),
            jwks=self._jwks(url),
            revocation_check_seconds=self._seconds("REVOCATION_CHECK_SECONDS"),
            local_stack=self._local_stack,
        )
        self._refuse_secret_keys()
        if self._problems:
            raise SettingsError(self._problems)
        return settings

    def _read(self, name: str) -> str:
        """Return a variable, or the content of the file that NAME_FILE names."""
        if name in self._environ or f"{name}_FILE" not in self._environ:
            return self._environ.get(name, "").strip()
        path = self._environ[f"{name}_FILE"]
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            self._problem(f"{name}_FILE", path, f"a readable file ({error})", "/run/secrets/name")
            return ""

    def _problem(self, variable: str, value: str, expected: str, example: str, next_step: str = "") -> None:
        shown = mask(value) if any(name in variable for name in SECRET_NAMES) else value
        self._problems.append(Problem(variable, shown, expected, example, next_step))

    def _project(self) -> tuple[str, str]:
        if self._local_stack is not None:
            return self._local_stack.url, self._local_stack.publishable_key
        url = self._read("SUPABASE_URL").rstrip("/")
        key = self._read("SUPABASE_PUBLISHABLE_KEY")
        if not is_web_origin(url):
            self._problem(
                "SUPABASE_URL",
                url,
                "the project's URL: https, or http on this machine, without a path",
                "https://abcdefgh.supabase.co",
                "copy it from the project's settings, or run `flask run` with the local stack",
            )
        if (kind := kind_of_api_key(key)) != "publishable":
            self._problem(
                "SUPABASE_PUBLISHABLE_KEY",
                key,
                "a publishable key"
                + (", but this is a SECRET key: revoke it if it was public" if kind == "secret" else ""),
                "sb_publishable_...",
                "copy it from the project's settings, API keys",
            )
        return url, key

    def _site_url(self, supabase_url: str) -> str:
        url = self._read("SITE_URL").rstrip("/")
        if not url and urlsplit(supabase_url).hostname in LOOPBACK_HOSTS:
            return f"http://127.0.0.1:{self._port}"
        if not is_web_origin(url):
            self._problem(
                "SITE_URL",
                url,
                "the address where people reach this app: https, or http on this machine, without a path",
                "https://www.example.com",
            )
        return url

    def _secret_key(self) -> str:
        return self._checked_secret("SECRET_KEY", self._read("SECRET_KEY") or self._local_secret_key or "")

    def _secret_key_fallbacks(self) -> tuple[str, ...]:
        keys = self._read("SECRET_KEY_FALLBACKS").split()
        return tuple(self._checked_secret("SECRET_KEY_FALLBACKS", key) for key in keys)

    def _checked_secret(self, variable: str, key: str) -> str:
        if len(key.encode()) < MIN_SECRET_KEY_BYTES or key in KNOWN_SECRET_KEYS:
            self._problem(
                variable,
                key,
                f"at least {MIN_SECRET_KEY_BYTES} random bytes that nobody else knows",
                "(64 hexadecimal digits)",
                "python3 -c 'import secrets; print(secrets.token_hex(32))'",
            )
        return key

    def _database_url(self) -> str | None:
        url = self._read("DATABASE_URL")
        if not url:
            return self._local_stack.database_url if self._local_stack else None
        if urlsplit(url).scheme not in ("postgresql", "postgres"):
            self._problem(
                "DATABASE_URL",
                url,
                "a PostgreSQL connection string",
                "postgresql://postgres:PASSWORD@db.abcdefgh.supabase.co:5432/postgres",
            )
        return url

    def _count(self, name: str) -> int:
        text = self._read(name)
        if text and not re.fullmatch(r"[0-9]{1,2}", text):
            self._problem(name, text, "a whole number from 0 to 99", "1")
            return 0
        return int(text or 0)

    def _cookie_mode(self) -> str:
        mode = self._read("SUPABASE_COOKIE_MODE") or "private"
        if mode not in COOKIE_MODES:
            self._problem("SUPABASE_COOKIE_MODE", mode, " or ".join(COOKIE_MODES), "private")
        return mode

    def _jwks(self, url: str) -> str | None:
        text = self._read("SUPABASE_JWKS")
        if not text:
            return None
        try:
            is_loopback = urlsplit(url).hostname in LOOPBACK_HOSTS
            InlineKeySet(text.encode(), allow_development_key=is_loopback)
        except KeySetRefused as error:
            self._problem("SUPABASE_JWKS", "set", f"a public key set ({error})", '{"keys": [...]}')
        return text

    def _seconds(self, name: str) -> float | None:
        text = self._read(name)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) or float(text) == 0:
            self._problem(name, text, "a number of seconds above 0, or not set", "60")
            return None
        return float(text)

    def _refuse_secret_keys(self) -> None:
        for name in ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEYS"):
            if value := self._read(name):
                self._problem(
                    name,
                    value,
                    "not to be set: the web app must not hold a key that passes row-level security",
                    "(unset)",
                    f"unset {name}",
                )
