"""What Auth's answer to a refresh means: new tokens, a dead session, try later, or a wrong configuration.

The difference decides whether a person is signed out, so everything that is not a clear word from Auth that
the session is over keeps the cookies. Codes: Supabase Auth's error codes.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from .auth_http import Answer
from .errors import AuthMisconfigured, AuthUnavailable, SessionEnded
from .identity import SessionTokens

DEAD_CODES = {
    "refresh_token_not_found": "ended_elsewhere",
    "refresh_token_already_used": "reused",
    "session_not_found": "ended_elsewhere",
    "session_expired": "timebox",
    "user_banned": "banned",
    "user_not_found": "unknown_user",
    "validation_failed": "invalid",
}
# Auth has one code for every limit of a session and tells them apart in the message.
EXPIRED_BECAUSE = {"(Inactivity)": "inactivity", "(Revoked by Newer Login)": "newer_login"}
MAX_RETRY_AFTER = 60  # seconds


def tokens_from(answer: Answer, now: float) -> SessionTokens:
    """Return the new token pair; raise SessionEnded, AuthUnavailable or AuthMisconfigured instead.

    ``now`` is in unix seconds, for a Retry-After given as a date.
    """
    if answer.status == 200:
        access_token, refresh_token = answer.body.get("access_token"), answer.body.get("refresh_token")
        if isinstance(access_token, str) and isinstance(refresh_token, str):
            user = answer.body.get("user")
            return SessionTokens(access_token, refresh_token, user if isinstance(user, dict) else None)
        raise AuthUnavailable("answer without tokens")
    code = error_code(answer)
    if 400 <= answer.status < 500 and code in DEAD_CODES:
        raise SessionEnded(_reason(code, str(answer.body.get("message", answer.body.get("msg", "")))))
    if answer.status in (401, 403) and not code:
        raise AuthMisconfigured(f"status {answer.status}: {answer.body.get('message', 'no message')}")
    raise AuthUnavailable(
        f"status {answer.status} {code}".strip(), retry_after=retry_after(answer.retry_after, now)
    )


def error_code(answer: Answer) -> str:
    """Return Auth's error code from either shape of its error bodies, or an empty string."""
    for name in ("error_code", "code"):
        if isinstance(value := answer.body.get(name), str):
            return value
    return ""


def retry_after(header: str | None, now: float) -> int | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), within sensible bounds."""
    if header is None:
        return None
    if header.strip().isdecimal():
        seconds = min(int(header.strip()[:6]), MAX_RETRY_AFTER)
    else:
        try:
            seconds = int(parsedate_to_datetime(header).timestamp() - now)
        except (ValueError, OverflowError):
            return None
    return max(1, min(seconds, MAX_RETRY_AFTER))


def _reason(code: str, message: str) -> str:
    if code == "session_expired":
        for suffix, reason in EXPIRED_BECAUSE.items():
            if message.endswith(suffix):
                return reason
    return DEAD_CODES[code]
