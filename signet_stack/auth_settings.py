"""The settings of the Auth service, by the management API's names, with the local stack's defaults.

Times are seconds; 0 switches a session limit off. Where a default is stricter than a hosted project's,
docs/local-stack.md says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from signet_stack.setting_checks import (
    Check,
    SettingRefused,
    flag,
    header_name,
    hook_uri,
    optional,
    seconds,
    text,
    version,
    web_address,
    whole,
)

WEEK = 604_800


class SettingsRefused(ValueError):
    """Raised when a change cannot be made; ``problems`` holds one line for each setting."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def _setting(default: Any, check: Check) -> Any:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Every setting that the local Auth service honours."""

    site_url: str = _setting("", web_address)  # empty: what the stack was started with
    uri_allow_list: str = _setting("", text)  # comma-separated patterns
    disable_signup: bool = _setting(False, flag)
    external_email_enabled: bool = _setting(True, flag)
    jwt_exp: int = _setting(3600, whole(1, WEEK))
    mailer_autoconfirm: bool = _setting(True, flag)
    mailer_otp_exp: int = _setting(600, whole(1, 86_400))
    mailer_otp_length: int = _setting(6, whole(6, 10))
    mailer_secure_email_change_enabled: bool = _setting(True, flag)
    password_min_length: int = _setting(8, whole(6, 72))
    password_required_characters: str = _setting("", text)
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
    smtp_max_frequency: int = _setting(60, whole(0, 86_400))
    rate_limit_header: str = _setting("", header_name)  # empty: no limit per caller
    rate_limit_email_sent: int | None = _setting(None, optional(whole(1, 1_000_000)))  # an hour
    rate_limit_otp: int = _setting(30, whole(1, 1_000_000))  # in five minutes, as the next two
    rate_limit_token_refresh: int = _setting(150, whole(1, 1_000_000))
    rate_limit_verify: int = _setting(30, whole(1, 1_000_000))
    hook_custom_access_token_enabled: bool = _setting(False, flag)
    hook_custom_access_token_uri: str = _setting("", hook_uri)


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
    """Return the settings as the management API shows them."""
    return asdict(settings)
