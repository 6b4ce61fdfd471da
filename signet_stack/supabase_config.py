"""supabase/config.toml: what the local stack takes over from a project of Supabase's CLI.

Read are ``[auth]`` (what the local Auth serves), ``[db.seed]`` and ``[api] schemas``. ``site_url`` is not:
links in mails lead to the app that runs. Format: the CLI's documentation, "Configuration".
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signet_db.errors import Misconfigured, shown_path
from signet_stack.auth_settings import checked, parse_duration

FILE = "supabase/config.toml"
_ENV = re.compile(r"env\((\w+)\)")


def _negated(value: Any) -> bool:
    return not value


def _seconds(value: Any) -> int:
    return int(parse_duration(str(value)).total_seconds())


def _joined(value: Any) -> str:
    return ",".join(map(str, value))


_CLASSES = {
    "letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digits": "0123456789",
    "symbols": "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~",
}
# The setting has one group of characters for each class, separated by colons; a colon in a group is escaped.
_REQUIREMENTS = {
    "": (),
    "letters_digits": ("letters", "digits"),
    "lower_upper_letters_digits": ("lower", "upper", "digits"),
    "lower_upper_letters_digits_symbols": ("lower", "upper", "digits", "symbols"),
}


def _required(value: Any) -> str:
    return ":".join(_CLASSES[name].replace(":", r"\:") for name in _REQUIREMENTS[str(value)])


def _same(value: Any) -> Any:
    return value


# Path in the file -> the setting of the local Auth service, and how its value is converted.
_AUTH: Mapping[tuple[str, ...], tuple[str, Callable[[Any], Any]]] = {
    ("additional_redirect_urls",): ("uri_allow_list", _joined),
    ("jwt_expiry",): ("jwt_exp", _same),
    ("enable_refresh_token_rotation",): ("refresh_token_rotation_enabled", _same),
    ("refresh_token_reuse_interval",): ("security_refresh_token_reuse_interval", _same),
    ("enable_signup",): ("disable_signup", _negated),
    ("minimum_password_length",): ("password_min_length", _same),
    ("password_requirements",): ("password_required_characters", _required),
    ("email", "enable_signup"): ("external_email_enabled", _same),
    ("email", "enable_confirmations"): ("mailer_autoconfirm", _negated),
    ("email", "double_confirm_changes"): ("mailer_secure_email_change_enabled", _same),
    ("email", "secure_password_change"): ("security_update_password_require_reauthentication", _same),
    ("email", "max_frequency"): ("smtp_max_frequency", _seconds),
    ("email", "otp_length"): ("mailer_otp_length", _same),
    ("email", "otp_expiry"): ("mailer_otp_exp", _same),
    ("rate_limit", "token_refresh"): ("rate_limit_token_refresh", _same),
    ("rate_limit", "token_verifications"): ("rate_limit_verify", _same),
    ("sessions", "timebox"): ("sessions_timebox", _same),
    ("sessions", "inactivity_timeout"): ("sessions_inactivity_timeout", _same),
    ("enable_manual_linking",): ("security_manual_linking_enabled", _same),
    ("mfa", "max_enrolled_factors"): ("mfa_max_enrolled_factors", _same),
    ("mfa", "totp", "enroll_enabled"): ("mfa_totp_enroll_enabled", _same),
    ("mfa", "totp", "verify_enabled"): ("mfa_totp_verify_enabled", _same),
    ("external", "google", "enabled"): ("external_google_enabled", _same),
    ("external", "google", "client_id"): ("external_google_client_id", _same),
    ("external", "google", "secret"): ("external_google_secret", _same),
    ("external", "keycloak", "enabled"): ("external_keycloak_enabled", _same),
    ("external", "keycloak", "client_id"): ("external_keycloak_client_id", _same),
    ("external", "keycloak", "secret"): ("external_keycloak_secret", _same),
    ("external", "keycloak", "url"): ("external_keycloak_url", _same),
    ("hook", "custom_access_token", "enabled"): ("hook_custom_access_token_enabled", _same),
    ("hook", "custom_access_token", "uri"): ("hook_custom_access_token_uri", _same),
}
_SERVED = {
    ("hook", "custom_access_token"),
    ("email",),
    ("mfa", "totp"),
    ("external", "google"),
    ("external", "keycloak"),
}


@dataclass(frozen=True, slots=True)
class SupabaseConfig:
    """The parts of a config.toml that the local stack uses; empty without the file."""

    auth: Mapping[str, Any] = field(default_factory=dict)  # names and values of the management API
    schemas: tuple[str, ...] = ()  # the data API's; none: as it is
    seeds: tuple[Path, ...] | None = None  # None: the usual file
    not_served: tuple[str, ...] = ()  # what the file enables and the local Auth does not have


def read_config(root: Path) -> SupabaseConfig:
    """Return the configuration of a project folder; raise Misconfigured for a file that cannot be used."""
    path = root / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SupabaseConfig()
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error
    try:
        auth, api = content.get("auth", {}), content.get("api", {})
        return SupabaseConfig(
            checked(dict(_auth_settings(auth))),
            tuple(map(str, api.get("schemas", ()))) if api.get("enabled", True) else (),
            _seeds(path.parent, content.get("db", {}).get("seed", {})),
            tuple(_not_served(auth)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unusable(path, f"a value of [auth], [api] or [db.seed] has another form: {error}") from error


def _unusable(path: Path, reason: str) -> Misconfigured:
    return Misconfigured(f"{shown_path(path)} cannot be used: {reason}.", hint="Correct the file.")


def _auth_settings(auth: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the local settings; values ``env(NAME)`` come from the environment, else they are left out."""
    for place, (name, convert) in _AUTH.items():
        value: Any = auth
        for part in place:
            value = value.get(part, {}) if isinstance(value, Mapping) else {}
        if isinstance(value, str) and (variable := _ENV.fullmatch(value)):
            value = _typed(os.environ[variable[1]]) if variable[1] in os.environ else {}
        if not isinstance(value, Mapping):
            yield name, convert(value)


def _typed(text: str) -> Any:
    """Return a variable's text as TOML would read it unquoted, where it would: a number or a truth value."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() else text


def _not_served(auth: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables below ``[auth]`` that are enabled and that the local Auth does not serve."""
    for name, table in auth.items():
        if not isinstance(table, Mapping):
            continue
        if table.get("enabled") is True and (name,) not in _SERVED:
            yield f"auth.{name}"
        for inner, entry in table.items():
            is_enabled = isinstance(entry, Mapping) and any(
                entry.get(key) is True for key in ("enabled", "enroll_enabled")
            )
            if is_enabled and (name, inner) not in _SERVED and (name, inner) != ("email", "smtp"):
                yield f"auth.{name}.{inner}"


def _seeds(folder: Path, seed: Mapping[str, Any]) -> tuple[Path, ...] | None:
    """Return the seed files in order: patterns are relative to the file; the default is ``./seed.sql``."""
    if not seed.get("enabled", True):
        return ()
    if "sql_paths" not in seed:
        return None
    found = (
        path for pattern in seed["sql_paths"] for path in sorted(folder.glob(pattern.removeprefix("./")))
    )
    return tuple(dict.fromkeys(found))
