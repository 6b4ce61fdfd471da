"""Second factors: enrol, challenge, verify, remove. Time-based codes (RFC 6238): SHA-1, 6 digits, 30 s.

Verification raises the session to the assurance level aal2 and ends the user's sessions below it. The row of
the session decides about the level, never the claim of a token. As on the hosted service, a code of the steps
before and after the present one passes, the same code passes again with a new challenge, and wrong codes are
counted by the rate limit only.
"""

from __future__ import annotations

import base64
import hmac
import io
import secrets
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, urlsplit
from uuid import UUID

import segno

from signet_stack.auth import factors, grants, notices, sessions
from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth.access_tokens import Claims, uuid_claim
from signet_stack.auth.bearer import Bearer, require_user
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, bad_json, invalid
from signet_stack.auth.factors import TOTP, Factor
from signet_stack.auth.grants import Grant, Issue, RefreshToken
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import Client, Session
from signet_stack.auth.users import Rows

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
MAX_VERIFIED = 10
TYPES = (TOTP, "phone", "webauthn")


def totp(secret: str, at: datetime, offset: int = 0) -> str:
    """Return the code of a base32 secret for the step of a moment, or one some steps away (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = int(at.timestamp()) // STEP_SECONDS + offset
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def enroll(op: Operation, claims: Claims, body: Body) -> dict[str, object]:
    """Insert an unverified factor; return its id, secret, address and QR code; raise AuthError."""
    with op.transaction() as connection:
        bearer = _require_bearer(op, connection, claims)
        kind, name = body.text("factor_type"), body.text("friendly_name")
        _check_type(op, kind)
        factors.delete_stale(connection, bearer.user.id, op.now)
        _check_room(op, bearer, factors.of_user(connection, bearer.user.id), name)
        if not bearer.user.email:
            raise invalid("An email address is required to enroll a factor", 422)
        secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
        factor = factors.insert(connection, bearer.user.id, name, secret, op.now)
    issuer = body.text("issuer") or urlsplit(op.site_url).netloc
    uri = _uri(issuer, bearer.user.email, secret)
    return {
        "id": str(factor.id),
        "type": TOTP,
        "friendly_name": name,
        "totp": {"qr_code": _qr_code(uri), "secret": secret, "uri": uri},
    }


def challenge(op: Operation, claims: Claims, named: str, client: Client) -> dict[str, object]:
    """Insert a challenge of a factor; raise AuthError."""
    with op.transaction() as connection:
        bearer = _require_bearer(op, connection, claims)
        factor = factors.find(connection, bearer.user.id, factor_id(named))
        _check_verification(op)
        made = factors.challenge(connection, factor, client.ip or "0.0.0.0", op.now)  # noqa: S104
    return {"id": str(made.id), "type": factor.factor_type, "expires_at": factors.expiry(made)}


def verify(op: Operation, claims: Claims, named: str, body: Body, client: Client) -> Grant:
    """Raise the bearer's session to aal2 with a code; return its new tokens; raise AuthError."""
    challenge_id, code = _challenge_id(body), body.text("code").strip()
    with op.transaction() as connection:
        bearer = _require_bearer(op, connection, claims)
        factor = factors.find(connection, bearer.user.id, factor_id(named))
        if not code:
            raise invalid("Code needs to be non-empty")
        _check_verification(op)
        _check_code(op, connection, factor, challenge_id, code, client)
        return _raise_session(op, connection, bearer, factor, client)


def unenroll(op: Operation, claims: Claims, named: str) -> dict[str, object]:
    """Delete a factor and take aal2 from the sessions that it raised; raise AuthError."""
    with op.transaction() as connection:
        bearer = _require_bearer(op, connection, claims)
        factor = factors.find(connection, bearer.user.id, factor_id(named))
        if factor.is_verified and not bearer.is_aal2:
            raise AuthError(422, "insufficient_aal", "AAL2 required to unenroll verified factor")
        remove(connection, factor)
        notices.send(op, connection, bearer.user.address, "mfa_factor_unenrolled", factor_type=TOTP)
    return {"id": str(factor.id)}


def remove(connection: Rows, factor: Factor) -> None:
    """Delete a factor; sessions that it raised fall back to aal1, none ends."""
    factors.delete(connection, factor)
    sessions.lower(connection, factor.id, factor.factor_type)


def check_name(present: Iterable[Factor], name: str, renamed: Factor | None = None) -> None:
    """Raise AuthError when another factor of the user has the friendly name, the empty one included."""
    others = [factor for factor in present if renamed is None or factor.id != renamed.id]
    if any((factor.friendly_name or "") == name for factor in others):
        message = f'A factor with the friendly name "{name}" for this user already exists'
        raise AuthError(422, "mfa_factor_name_conflict", message)


def _require_bearer(op: Operation, connection: Rows, claims: Claims) -> Bearer:
    bearer = require_user(op, connection, claims, lock=True)
    if claims.get("is_anonymous"):
        message = "Anonymous user not allowed to perform these actions"
        raise AuthError(403, "no_authorization", message)
    if bearer.session is None:
        raise invalid("A valid session and a registered user are required to enroll a factor")
    return bearer


def _check_type(op: Operation, kind: str) -> None:
    if kind not in TYPES:
        raise invalid("factor_type needs to be totp, phone, or webauthn")
    if kind == "phone":
        raise AuthError(422, "mfa_phone_enroll_not_enabled", "MFA enroll is disabled for Phone")
    if kind == "webauthn":
        raise AuthError(422, "mfa_webauthn_enroll_not_enabled", "MFA enroll is disabled for WebAuthn")
    if not op.settings.mfa_totp_enroll_enabled:
        raise AuthError(422, "mfa_totp_enroll_not_enabled", "MFA enroll is disabled for TOTP")


def _check_room(op: Operation, bearer: Bearer, present: list[Factor], name: str) -> None:
    check_name(present, name)
    verified = [factor for factor in present if factor.is_verified]
    if len(present) >= op.settings.mfa_max_enrolled_factors or len(verified) >= MAX_VERIFIED:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise AuthError(422, "too_many_enrolled_mfa_factors", message)
    if verified and not bearer.is_aal2:
        raise AuthError(403, "insufficient_aal", "AAL2 required to enroll a new factor")


def _check_verification(op: Operation) -> None:
    if not op.settings.mfa_totp_verify_enabled:
        raise AuthError(422, "mfa_totp_verify_not_enabled", "MFA verification is disabled for TOTP")


def _challenge_id(body: Body) -> UUID | None:
    text = body.text("challenge_id")
    challenge_id = uuid_claim(text)
    if text and challenge_id is None:
        raise bad_json("Could not parse request body as JSON: challenge_id is not a UUID")
    return challenge_id


def _check_code(
    op: Operation, connection: Rows, factor: Factor, challenge_id: UUID | None, code: str, client: Client
) -> None:
    """Use the challenge up with a right code; raise AuthError otherwise."""
    found = factors.find_challenge(connection, factor, challenge_id)
    if found is None:
        message = "MFA factor with the provided challenge ID not found"
        raise AuthError(422, "mfa_factor_not_found", message)
    if found.verified_at is not None or found.ip_address != (client.ip or "0.0.0.0"):  # noqa: S104
        message = "Challenge and verify IP addresses mismatch."
        raise AuthError(422, "mfa_ip_address_mismatch", message)
    if op.now > found.expires_at:
        factors.delete_challenge(connection, found)
        advice = "verify against another challenge or create a new challenge."
        message = f"MFA challenge {found.id} has expired, {advice}"
        raise AuthError(422, "mfa_challenge_expired", message, keeps_changes=True)
    codes = [totp(factor.secret or "", op.now, offset) for offset in (-1, 0, 1)]
    if not any(hmac.compare_digest(code.encode(), valid.encode()) for valid in codes):
        raise AuthError(422, "mfa_verification_failed", "Invalid TOTP code entered")
    factors.verify(connection, factor, found, op.now)


def _raise_session(op: Operation, connection: Rows, bearer: Bearer, factor: Factor, client: Client) -> Grant:
    user, session = bearer.user, bearer.session
    if session is None:
        raise sessions.not_found()
    amr = sessions.elevate(connection, session.id, factor.id, TOTP, op.now)
    refresh_token = _next_refresh_token(op, connection, session)
    grant = grants.answer(op, connection, user, Issue(session.id, refresh_token, amr, TOTP, client))
    sessions.end_below_aal2(connection, user.id)
    factors.delete_unverified(connection, user.id)
    if not factor.is_verified:
        notices.send(op, connection, user.address, "mfa_factor_enrolled", factor_type=TOTP)
    return Grant(grant.body, {})  # without the sb-auth headers, as on the hosted service


def _next_refresh_token(op: Operation, connection: Rows, session: Session) -> RefreshToken:
    """Replace the session's refresh token: the one that was issued at aal1 is two steps behind."""
    if session.refresh_token_hmac_key is not None and session.refresh_token_counter is not None:
        counter = session.refresh_token_counter + 2
        sessions.set_counter(connection, session.id, session.refresh_token_hmac_key, counter)
        return grants.version_2(session.id, counter, session.refresh_token_hmac_key)
    active = v1.newest_active(connection, session.id)
    if active is not None:
        v1.touch(connection, active.token, op.now, revoke=True)
    parent = active.token if active else None
    return grants.version_1(v1.insert(connection, session.user_id, session.id, op.now, parent))


def factor_id(text: str) -> UUID:
    """Return the id of a factor in a path; raise AuthError."""
    found = uuid_claim(text)
    if found is None:
        raise invalid("factor_id must be an UUID", 404)
    return found


def _uri(issuer: str, account: str, secret: str) -> str:
    """Return the address that an authenticator app reads (Key URI format)."""
    named = quote(issuer, safe=":")
    return (
        f"otpauth://totp/{named}:{quote(account, safe='@')}"
        f"?algorithm=SHA1&digits={DIGITS}&issuer={named}&period={STEP_SECONDS}&secret={secret}"
    )


def _qr_code(uri: str) -> str:
    """Return the QR code of an address as an SVG document."""
    out = io.BytesIO()
    segno.make(uri, error="h", micro=False).save(out, kind="svg", scale=3, xmldecl=True, light="#fff")
    return out.getvalue().decode()
