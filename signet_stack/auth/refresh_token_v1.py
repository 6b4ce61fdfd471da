"""Refresh tokens of version 1: a row each, exchanged once, with their parent remembered.

Pure: the caller reads the rows under lock and carries out the decision.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

LENGTH = 12
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_FORMAT = re.compile(r"[a-z0-9]{12}")


class Effect(Enum):
    """What presenting a token of version 1 does."""

    SWAP = auto()  # the token is spent, a child takes its place
    RETURN_ACTIVE = auto()  # the answer to an earlier exchange was lost: the child, again
    BRANCH = auto()  # late request within the interval: another child
    REUSE = auto()  # somebody holds a token that was spent long ago


@dataclass(frozen=True, slots=True)
class Presented:
    """The row of the presented token."""

    is_revoked: bool
    is_parent_of_active: bool
    updated_at: datetime


def new_token() -> str:
    """Return twelve characters of lower-case base32: 60 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def is_well_formed(token: str) -> bool:
    """Whether a text of twelve characters can be a token."""
    return _FORMAT.fullmatch(token) is not None


def decide(presented: Presented, now: datetime, interval: int) -> Effect:
    """Return what happens; ``interval`` is the reuse interval in seconds."""
    if not presented.is_revoked:
        return Effect.SWAP
    if presented.is_parent_of_active:
        return Effect.RETURN_ACTIVE
    if interval and now <= presented.updated_at + timedelta(seconds=interval):
        return Effect.BRANCH
    return Effect.REUSE
