"""Settings: every environment variable of the app, checked together; all problems are reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.settings_reader import Problem, Reader, unknown_variables
from flask_signet.gatekeeper.settings import is_loopback

if TYPE_CHECKING:
    from signet_stack.handle import RunningStack

# All variables of the app, the libraries and the local stack; .env.example explains each.
VARIABLES = frozenset(
    {
        "SUPABASE_URL",
        "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_LOCAL",
        "SUPABASE_ACCESS_TOKEN",
        "SUPABASE_PROJECT_REF",
        "SUPABASE_COOKIE_MODE",
        "COOKIE_DOMAIN",
        "SUPABASE_JWKS",
        "SUPABASE_JWKS_URL",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "DATABASE_URL",
        "SITE_URL",
        "TRUSTED_PROXIES",
        "REVOCATION_CHECK_SECONDS",
        "GATEKEEPER_AUTH_THREADS",
        "LAB",
        "RATELIMIT_STORAGE_URI",
        "SIGNET_PG_BIN",
        "SIGNET_PG_USER",
        "SMTP_URL",
    }
)


class SettingsError(Exception):
    """Raised when settings are missing or wrong; ``problems`` holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class LocalStack:
    """URL, key and addresses of a running local stack."""

    url: str
    publishable_key: str
    issuer: str
    database_url: str = field(repr=False)
    mailbox_url: str

    @classmethod
    def of(cls, stack: RunningStack) -> LocalStack:
        """Return the app's part of a running stack."""
        return cls(
            url=stack.api_url,
            publishable_key=stack.publishable_key,
            issuer=stack.issuer,
            database_url=stack.database_url,
            mailbox_url=stack.mailbox_url,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of one app."""

    supabase_url: str
    publishable_key: str
    issuer: str  # expected `iss` of every access token
    site_url: str
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    database_url: str | None = field(default=None, repr=False)
    trusted_proxies: int = 0
    cookie_mode: str = "private"
    cookie_domain: str | None = None
    jwks: str | None = field(default=None, repr=False)
    jwks_url: str | None = None
    revocation_check_seconds: float | None = None
    ratelimit_storage_uri: str | None = None  # None: no rate limits
    auth_threads: int = 2
    local_stack: LocalStack | None = None
    lab: bool = False

    @property
    def is_development(self) -> bool:
        """Whether the site is served on this machine, or by http to its network."""
        return is_loopback(self.site_url) or self.site_url.startswith("http:")

    def remarks(self, environ: Mapping[str, str]) -> list[str]:
        """Return warnings: misspelled variables, and values that a web process should not hold."""
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
        local_site_url: str = "http://127.0.0.1:8000",
    ) -> Settings:
        """Read and check all settings; raise SettingsError with every problem found.

        ``local_stack`` replaces SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY; ``local_secret_key`` and
        ``local_site_url`` are the defaults of SECRET_KEY and SITE_URL for use on this machine only.
        """
        reader = Reader(environ)
        url = local_stack.url if local_stack else reader.project_url()
        publishable_key = local_stack.publishable_key if local_stack else reader.publishable_key()
        site_url = reader.site_url(local_site_url if is_loopback(url) else None, url)
        database_url = reader.database_url(local_stack.database_url if local_stack else None)
        settings = cls(
            supabase_url=url,
            publishable_key=publishable_key,
            issuer=local_stack.issuer if local_stack else f"{url}/auth/v1",
            site_url=site_url,
            secret_key=reader.secret_key(local_secret_key),
            secret_key_fallbacks=reader.secret_key_fallbacks(),
            database_url=database_url,
            trusted_proxies=reader.count("TRUSTED_PROXIES"),
            cookie_mode=reader.cookie_mode(),
            cookie_domain=reader.cookie_domain(site_url),
            jwks=reader.jwks(url),
            jwks_url=reader.jwks_url(),
            revocation_check_seconds=reader.seconds("REVOCATION_CHECK_SECONDS"),
            ratelimit_storage_uri=reader.ratelimit_storage_uri(),
            auth_threads=reader.count("GATEKEEPER_AUTH_THREADS") or 2,
            local_stack=local_stack,
            lab=reader.lab(database_url, has_local_stack=local_stack is not None),
        )
        reader.refuse_secret_keys()
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings
