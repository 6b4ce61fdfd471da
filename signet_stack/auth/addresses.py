"""E-mail addresses: what counts as one, and the one form in which they are stored and compared."""

from __future__ import annotations

import re

from signet_stack.auth.errors import AuthError, invalid

MAX_BYTES = 255
# What a browser's e-mail field takes (HTML standard, "valid e-mail address"): ASCII, no blanks, no line ends.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")


def checked_email(email: str) -> str:
    """Return the address in lower case; raise AuthError when it is none."""
    if not email:
        raise invalid("An email address is required")
    if len(email.encode()) > MAX_BYTES:
        raise invalid("An email address is too long")
    if not _ADDRESS.fullmatch(email):
        raise invalid("Unable to validate email address: invalid format")
    return email.lower()


def is_taken() -> AuthError:
    """Return the error for an address that another account has."""
    return AuthError(422, "email_exists", "A user with this email address has already been registered")
