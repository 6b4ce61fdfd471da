"""The settings of the Auth service: names and checks of the management API, defaults of the local stack.

Times are seconds; 0 switches a session limit off. Where a default is stricter than a hosted project's,
docs/local-stack.md says so. Only changed values are stored; they are read once at the start and again in the
transaction of each change, so that a request never needs a connection to know a setting.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:  # `flask run` reads supabase/config.toml with this module while the stack boots
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from signet_stack.postgres.database import Pool

# Units of Go's durations ("24h", "1h30m", "1.5s"), in which settings and bans are written.
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,12})?)(ns|us|µs|ms|s|m|h)")
# What fits into Go's 64 bits of nanoseconds, about 292 years.
MAX_SECONDS = 9_223_372_036.0


def parse_duration(text: str) -> timedelta:
    """Return the length of a Go duration; raise ValueError when it is none, negative or too long."""
    position, seconds = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"not a duration: {text!r}")
    if seconds > MAX_SECONDS:
        raise ValueError(f"longer than 292 years: {text!r}")
    return timedelta(seconds=seconds)


Check = Callable[[Any], Any]

HOOK_URI = re.compile(r"pg-functions://postgres/([A-Za-z_][A-Za-z0-9_]*)/([A-Za-z_][A-Za-z0-9_]*)")


class SettingRefused(ValueError):
    """Raised when a value does not fit; the message says what would."""


def flag(value: Any) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise SettingRefused("must be true or false")
    return value


def whole(low: int, high: int) -> Check:
    """Return a check for whole numbers between two bounds, both included."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise SettingRefused(f"must be a whole number from {low} to {high}")
        return value

    return check


def seconds(value: Any) -> float:
    """Accept seconds, a duration such as "24h" or "15m", and 0 or null for off."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        try:
            return parse_duration(value).total_seconds()
        except ValueError:
            pass
    elif not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= MAX_SECONDS:
        return float(value)
    raise SettingRefused('must be seconds, or a duration such as "24h" or "15m"; 0 switches it off')


def optional(check: Check) -> Check:
    """Return a check that accepts null too."""
    return lambda value: None if value is None else check(value)


def text(value: Any) -> str:
    """Accept text without control characters; null counts as empty."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 10_000 or not _is_one_line(value):
        raise SettingRefused("must be one line of text")
    return value


def _is_one_line(text: str) -> bool:
    """Whether a text has no control character and no half of a surrogate pair, which cannot be stored."""
    return all(ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF for c in text)


def web_address(value: Any) -> str:
    """Accept an absolute http or https URL; null or empty for the address that the stack was given."""
    address = text(value).rstrip("/")
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if address and not is_web:
        raise SettingRefused("must be a URL such as http://127.0.0.1:8000")
    return address


def choice(*allowed: str) -> Check:
    """Return a check for one of some words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise SettingRefused(f"must be {' or '.join(allowed)}")
        return str(value)

    return check


def version(value: Any) -> int:
    """Accept 1 and 2."""
    if value not in (1, 2) or isinstance(value, bool):
        raise SettingRefused("must be 1 or 2")
    return int(value)


def header_name(value: Any) -> str:
    """Accept the name of an HTTP header; null or empty for none."""
    name = text(value)
    if name and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
        raise SettingRefused("must be the name of a header, or empty")
    return name


def hook_uri(value: Any) -> str:
    """Accept the address of a function in the database; null or empty for none."""
    address = text(value)
    if address and not HOOK_URI.fullmatch(address):
        raise SettingRefused(
            "must be pg-functions://postgres/SCHEMA/FUNCTION; other hooks are not run locally"
        )
    return address


WEEK = 604_800
# Where links in mails lead: to the app's page, or to Auth's GET /verify (hosted default templates).
LINKS_TO_APP, LINKS_TO_AUTH = "app", "auth"


class SettingsRefused(ValueError):
    """Raised when a change cannot be made; ``problems`` holds one line for each setting."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def _setting(default: Any, check: Check) -> Any:
    return field(default=default, metadata={"check": check})


def _secret() -> Any:
    return field(default="", repr=False, metadata={"check": text, "is_secret": True})


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Every setting that the local Auth service honours."""

    site_url: str = _setting("", web_address)  # empty: what the stack was started with
    uri_allow_list: str = _setting("", text)  # comma-separated patterns
    disable_signup: bool = _setting(False, flag)
    external_email_enabled: bool = _setting(True, flag)
    jwt_exp: int = _setting(3600, whole(1, WEEK))
    mailer_autoconfirm: bool = _setting(True, flag)
    mail_links: str = _setting(LINKS_TO_APP, choice(LINKS_TO_APP, LINKS_TO_AUTH))
    mailer_otp_exp: int = _setting(600, whole(1, 86_400))
    mailer_otp_length: int = _setting(6, whole(6, 10))
    mailer_secure_email_change_enabled: bool = _setting(True, flag)
    password_min_length: int = _setting(8, whole(6, 72))
    password_required_characters: str = _setting("", text)
    external_example_enabled: bool = _setting(False, flag)
    external_google_enabled: bool = _setting(False, flag)
    external_google_client_id: str = _setting("", text)
    external_google_secret: str = _secret()
    external_keycloak_enabled: bool = _setting(False, flag)
    external_keycloak_client_id: str = _setting("", text)
    external_keycloak_secret: str = _secret()
    external_keycloak_url: str = _setting("", web_address)
    security_manual_linking_enabled: bool = _setting(False, flag)
    refresh_token_rotation_enabled: bool = _setting(True, flag)
    security_refresh_token_reuse_interval: int = _setting(10, whole(0, 86_400))
    security_refresh_token_algorithm_version: int = _setting(2, version)
    security_refresh_token_upgrade_percentage: int = _setting(0, whole(0, 100))
    security_refresh_token_allow_reuse: bool = _setting(False, flag)
    security_update_password_require_reauthentication: bool = _setting(False, flag)
    security_update_password_require_current_password: bool = _setting(False, flag)
    sessions_timebox: float = _setting(0.0, seconds)
    sessions_inactivity_timeout: float = _setting(0.0, seconds)
    sessions_single_per_user: bool = _setting(False, flag)
    mfa_totp_enroll_enabled: bool = _setting(True, flag)
    mfa_totp_verify_enabled: bool = _setting(True, flag)
    mfa_max_enrolled_factors: int = _setting(10, whole(0, 30))
    mailer_notifications_password_changed_enabled: bool = _setting(False, flag)
    mailer_notifications_email_changed_enabled: bool = _setting(False, flag)
    mailer_notifications_identity_linked_enabled: bool = _setting(False, flag)
    mailer_notifications_identity_unlinked_enabled: bool = _setting(False, flag)
    mailer_notifications_mfa_factor_enrolled_enabled: bool = _setting(False, flag)
    mailer_notifications_mfa_factor_unenrolled_enabled: bool = _setting(False, flag)
    smtp_max_frequency: int = _setting(60, whole(0, 86_400))
    rate_limit_header: str = _setting("", header_name)  # empty: no limit per caller
    rate_limit_email_sent: int | None = _setting(None, optional(whole(1, 1_000_000)))  # an hour
    rate_limit_otp: int = _setting(30, whole(1, 1_000_000))  # in five minutes, as the next two
    rate_limit_token_refresh: int = _setting(150, whole(1, 1_000_000))
    rate_limit_verify: int = _setting(30, whole(1, 1_000_000))
    hook_custom_access_token_enabled: bool = _setting(False, flag)
    hook_custom_access_token_uri: str = _setting("", hook_uri)


# What a new hosted project has where the local stack's defaults are stricter or more convenient.
HOSTED_LIKE: Mapping[str, Any] = {
    "mail_links": LINKS_TO_AUTH,
    "mailer_autoconfirm": False,
    "mailer_otp_exp": 3600,
    "password_min_length": 6,
    "security_refresh_token_algorithm_version": 1,
}
NAMES = tuple(item.name for item in fields(AuthSettings))
_CHECKS: Mapping[str, Check] = {item.name: item.metadata["check"] for item in fields(AuthSettings)}


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a change as they are kept; raise SettingsRefused with every problem."""
    kept: dict[str, Any] = {}
    problems = []
    for name, value in changes.items():
        if name not in _CHECKS:
            problems.append(f"{name} is not a setting of the local stack")
            continue
        try:
            kept[name] = _CHECKS[name](value)
        except SettingRefused as error:
            problems.append(f"{name} {error}")
    if problems:
        raise SettingsRefused(problems)
    return kept


def as_json(settings: AuthSettings) -> dict[str, Any]:
    """Return the settings as the management API shows them: of secrets the SHA-256, as on the platform."""
    shown = asdict(settings)
    for item in fields(settings):
        if item.metadata.get("is_secret") and shown[item.name]:
            shown[item.name] = hashlib.sha256(shown[item.name].encode()).hexdigest()
    return shown


_UPSERT = """
    insert into signet_stack.auth_settings (name, value, updated_at) values (%s, %s, %s)
    on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
"""


class AuthSettingsStore:
    """The settings of one stack, shared by all of its services; ``reload`` it before the first use."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._changing = threading.Lock()
        self._current = AuthSettings()

    def current(self) -> AuthSettings:
        """Return the settings in force, from memory."""
        return self._current

    def change(self, changes: Mapping[str, Any]) -> AuthSettings:
        """Change some settings, all or none; raise SettingsRefused."""
        kept = checked(changes)
        with self._changing:
            with self._pool.connection() as connection:
                now = self._clock()
                rows = [(name, json.dumps(value), now) for name, value in kept.items()]
                connection.cursor().executemany(_UPSERT, rows)
                stored = _read(connection)
            self._current = stored  # after the commit: what is in force is what a restart would read
        return stored

    def reload(self) -> None:
        """Read the stored settings again."""
        with self._changing, self._pool.connection() as connection:
            self._current = _read(connection)


def _read(connection: Connection[TupleRow]) -> AuthSettings:
    rows = connection.execute("select name, value from signet_stack.auth_settings").fetchall()
    # A row that a newer version wrote means nothing to this one.
    return AuthSettings(**{name: value for name, value in rows if name in NAMES})
