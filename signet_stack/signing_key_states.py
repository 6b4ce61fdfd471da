"""The life of a signing key: its states, and which changes are allowed (source: the management API).

standby -> in_use -> previously_used -> revoked -> deleted, and back except from deleted. The key in use
leaves only by another one taking its place.
"""

from __future__ import annotations

STANDBY, IN_USE, PREVIOUSLY_USED, REVOKED = "standby", "in_use", "previously_used", "revoked"
STATES = (STANDBY, IN_USE, PREVIOUSLY_USED, REVOKED)

_ALLOWED = {
    STANDBY: (IN_USE, PREVIOUSLY_USED, REVOKED),
    IN_USE: (),
    PREVIOUSLY_USED: (IN_USE, STANDBY, REVOKED),
    REVOKED: (STANDBY, PREVIOUSLY_USED),
}


class ChangeRefused(Exception):
    """Raised when a key cannot be changed as asked; the message says why and what can be done."""


def check_change(before: str, after: str) -> None:
    """Raise ChangeRefused unless a key may go from one state to another."""
    if after in _ALLOWED[before]:
        return
    if before == after:
        raise ChangeRefused(f"The key is {after} already")
    if before == IN_USE:
        raise ChangeRefused("The key in use stays until another key takes its place: set that one to in_use")
    allowed = ", ".join(_ALLOWED[before])
    raise ChangeRefused(f"A key that is {before} cannot become {after}; it can become {allowed}")


def check_deletion(state: str) -> None:
    """Raise ChangeRefused unless a key in this state may be deleted."""
    if state != REVOKED:
        raise ChangeRefused(f"Only a revoked key can be deleted; this one is {state}")
