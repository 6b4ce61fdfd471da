"""The Auth service without HTTP, and the snapshot of it that one request works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from signet_stack.auth.errors import AuthError
from signet_stack.auth.mail_delivery import Mailer
from signet_stack.auth.passwords import PasswordHashes
from signet_stack.auth.rate_limits import RateLimits
from signet_stack.auth.users import Rows
from signet_stack.auth_settings import AuthSettings
from signet_stack.context import Context


@dataclass(frozen=True, slots=True)
class Auth:
    """The Auth service of one stack; lives as long as the process."""

    context: Context
    passwords: PasswordHashes
    limits: RateLimits
    mailer: Mailer

    def operation(self) -> Operation:
        """Take the snapshot of settings and time that one request works with."""
        return Operation(
            self.context,
            self.passwords,
            self.limits,
            self.mailer,
            self.context.auth_settings.current(),
            self.context.clock(),
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """One request's view of the service: settings and time stay the same until its end."""

    context: Context
    passwords: PasswordHashes
    limits: RateLimits
    mailer: Mailer
    settings: AuthSettings
    now: datetime

    @property
    def site_url(self) -> str:
        """The app's address: as set, else as the stack was started."""
        return self.settings.site_url or self.context.site_url

    @property
    def code_secret(self) -> str:
        """The key of the hashes of mailed codes: the secret API key, which opens every account anyway."""
        return self.context.api_keys.secret

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """Open a transaction; an error rolls it back, except an AuthError with ``keeps_changes``.

        Never call it, or anything else that takes a connection, inside a transaction: when every thread
        holds one connection and waits for a second, the pool is exhausted and no request can finish.
        """
        kept: AuthError | None = None
        with self.context.database.auth.connection() as connection:
            try:
                yield connection
            except AuthError as error:
                if not error.keeps_changes:
                    raise
                kept = error
        if kept is not None:
            raise kept
