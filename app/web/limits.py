"""Rate limits of sign-in, sign-up, mails and codes: by client address, by account, and by both.

Auth sees the whole site as one client, so without these the guesses of one stranger would use up the limit of
all people. They stay below Auth's own (30 in a burst, 150 in five minutes for sign-in and refresh together).
A limit by account slows down guesses from many addresses; a live session or a mailed link passes it.

RATELIMIT_STORAGE_URI shares the counters between workers. If the storage fails, requests pass, logged once.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time
from collections.abc import Mapping
from math import ceil
from typing import Literal

from flask import Flask, current_app, request
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from app.errors import TooManyAttempts

logger = logging.getLogger(__name__)

EXTENSION = "limits"
Action = Literal["sign_in", "sign_up", "mail", "code"]
# action: limits by address and account together, by address, by account
LIMITS: Mapping[Action, tuple[str, str, str]] = {
    "sign_in": ("5 per 5 minutes", "20 per minute; 60 per 15 minutes", "30 per 15 minutes"),
    "sign_up": ("5 per 5 minutes", "20 per 10 minutes", "10 per hour"),
    "mail": ("3 per 5 minutes", "20 per 10 minutes", "10 per hour"),
    "code": ("5 per 5 minutes", "20 per 10 minutes", "20 per hour"),
}


class RateLimits:
    """The counters of one app in one storage."""

    def __init__(self, storage: Storage) -> None:
        self._window = MovingWindowRateLimiter(storage)
        self._items = {action: tuple(map(parse_many, texts)) for action, texts in LIMITS.items()}
        self._has_warned = False

    def spend(self, action: Action, address: str, account: str) -> None:
        """Count one attempt; raise TooManyAttempts with the seconds to wait when a limit is reached.

        The narrowest limit comes first, so that refused attempts use up no other.
        """
        keys = (f"{address} {account}", address, account)
        for items, key in zip(self._items[action], keys, strict=True):
            for item in items:
                if wait := self._wait(item, action, key):
                    raise TooManyAttempts(
                        code="too_many_attempts", retry_after=wait, detail=f"limit: {action}, {item}"
                    )

    def _wait(self, item: RateLimitItem, action: str, key: str) -> int:
        """Count one attempt against one limit; return 0, or the seconds until it would pass."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        try:
            if self._window.hit(item, action, digest):
                return 0
            return max(1, ceil(self._window.get_window_stats(item, action, digest).reset_time - time.time()))
        except (StorageError, OSError) as error:
            if not self._has_warned:
                self._has_warned = True
                logger.error("rate limits are off, their storage does not answer: %s", error)
            return 0


def network_of(address: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address, which one client owns as a whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network(f"{found}/64", strict=False))


def register(app: Flask, storage_uri: str | None) -> None:
    """Give the app its rate limits; None switches them off."""
    if storage_uri is not None:
        storage = storage_from_string(storage_uri, wrap_exceptions=True)
        assert isinstance(storage, Storage)  # noqa: S101 - an async+… address would give another kind
        app.extensions[EXTENSION] = RateLimits(storage)


def count_attempt(action: Action, account: str) -> None:
    """Count an attempt of the present request for an e-mail address; raise TooManyAttempts."""
    if found := current_app.extensions.get(EXTENSION):
        found.spend(action, network_of(request.remote_addr or ""), account.strip().lower())
