"""Which passwords are acceptable. Lengths count bytes of UTF-8, because bcrypt reads no more than 72."""

from __future__ import annotations

from dataclasses import dataclass

from signet_stack.auth.errors import AuthError, invalid

MAX_BYTES = 72
MIN_BYTES = 6  # no setting goes below


@dataclass(frozen=True, slots=True)
class Weakness:
    """What a password lacks: words, and the reasons `length` and `characters`."""

    message: str
    reasons: tuple[str, ...]


def check_length(password: str) -> None:
    """Raise AuthError for a password of which bcrypt would ignore the end."""
    if len(password.encode()) > MAX_BYTES:
        raise invalid("Password cannot be longer than 72 characters")


def weakness(password: str, min_length: int, required_characters: str) -> Weakness | None:
    """Return what is too weak about a password, or None."""
    messages, reasons = [], []
    least = max(min_length, MIN_BYTES)
    if len(password.encode()) < least:
        messages.append(f"Password should be at least {least} characters.")
        reasons.append("length")
    sets = character_sets(required_characters)
    if any(not set(characters) & set(password) for characters in sets):
        messages.append(f"Password should contain at least one character of each: {', '.join(sets)}.")
        reasons.append("characters")
    return Weakness(" ".join(messages), tuple(reasons)) if reasons else None


def character_sets(required: str) -> list[str]:
    r"""Split the setting at its colons; ``\:`` is a colon that belongs to a set."""
    marked = required.replace(r"\:", "\0")
    return [part.replace("\0", ":") for part in marked.split(":") if part]


def too_weak(found: Weakness) -> AuthError:
    """Return the error for a password that is not accepted."""
    return AuthError(422, "weak_password", found.message, weak_reasons=found.reasons)
