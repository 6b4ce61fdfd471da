"""What every operation of the service works with, and its transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from signet_stack.auth.errors import AuthError
from signet_stack.auth.mailer import Mailer
from signet_stack.auth.password_hashes import PasswordHashes
from signet_stack.auth.rate_limits import RateLimits
from signet_stack.auth.users import Rows
from signet_stack.auth_settings import AuthSettings
from signet_stack.context import Context


@dataclass(frozen=True, slots=True)
class Auth:
    """One stack's Auth service without HTTP."""

    context: Context
    passwords: PasswordHashes
    limits: RateLimits
    mailer: Mailer

    @property
    def settings(self) -> AuthSettings:
        """The settings in force."""
        return self.context.auth_settings.current()

    @property
    def site_url(self) -> str:
        """The app's address: as set, else as the stack was started."""
        return self.settings.site_url or self.context.site_url

    @property
    def code_secret(self) -> str:
        """What goes into the hashes of mailed codes; whoever knows it may administer anyway."""
        return self.context.api_keys.secret

    def now(self) -> datetime:
        """Return the present moment."""
        return self.context.clock()

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """Open a transaction; an error rolls it back, unless the error says that its effects stay."""
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
