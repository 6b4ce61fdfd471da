"""What the services share: one database, one clock, the keys and the addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from signet_stack.auth_settings import AuthSettingsStore
from signet_stack.postgres.database import Database
from signet_stack.signing_keys import SigningKeys

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The publishable and the secret key of this installation."""

    publishable: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Context:
    """What a service needs to know about the stack that it is part of."""

    database: Database
    signing_keys: SigningKeys
    auth_settings: AuthSettingsStore
    api_keys: ApiKeys
    management_token: str = field(repr=False)
    api_url: str  # where the stack listens, without a trailing slash
    issuer: str  # `iss` of every access token; stays that of the first start
    site_url: str  # the app's address, for links in mails
    clock: Clock = system_clock
    password_cost: int = 10  # of bcrypt; less in tests only
    smtp_url: str | None = field(default=None, repr=False)  # where mails go instead of the mailbox
