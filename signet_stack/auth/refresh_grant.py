"""Continue a session with its refresh token: one exchange at a time for each session, whoever asks.

Locked rows are skipped, not waited for: the attempt ends, sleeps a moment and starts again, for five seconds.
What reuse of an old token costs (a family, a session) is committed together with the refusal.
"""

from __future__ import annotations

import random
import time

from signet_stack.auth import refresh_exchange_v1, refresh_exchange_v2
from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth import refresh_token_v2 as v2
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.refresh_checks import Locked
from signet_stack.auth.service import Auth
from signet_stack.auth.sessions import Client

MAX_SECONDS = 5.0
PAUSE_SECONDS = (0.010, 0.030)


def refresh(auth: Auth, token: str, client: Client) -> Grant:
    """Return the session's answer with new tokens; raise AuthError."""
    parsed = _parse(token)
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        try:
            with auth.transaction() as connection:
                if isinstance(parsed, str):
                    return refresh_exchange_v1.exchange(auth, connection, parsed, client)
                return refresh_exchange_v2.exchange(auth, connection, parsed, client)
        except Locked:
            time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - spreads attempts, guards nothing
    raise AuthError(
        409,
        "conflict",
        "Too many concurrent token refresh requests on the same session or refresh token",
    )


def _parse(token: str) -> str | v2.TokenV2:
    """Return a token of version 1 as it is, one of version 2 in its parts."""
    if len(token) == v1.LENGTH:
        if v1.is_well_formed(token):
            return token
    elif (parsed := v2.parse_token(token)) is not None:
        return parsed
    raise invalid("Refresh token is not valid")
