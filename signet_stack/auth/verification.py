"""Redeem a mailed token: by its hash, or by its code together with the address.

Single use: the row goes in the same transaction that opens the session, under the user's lock. A wrong code
is counted against every token that it could have meant, and the count stays although the answer is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signet_stack.auth import email_change, identities, one_time_tokens, sign_up, users
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.one_time_tokens import (
    CONFIRMATION,
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    RECOVERY,
    StoredToken,
)
from signet_stack.auth.service import Operation
from signet_stack.auth.users import Rows, User, checked_email

METHOD = "otp"
TOKEN_TYPES: Mapping[str, tuple[str, ...]] = {
    "signup": (CONFIRMATION,),
    "invite": (CONFIRMATION,),
    "magiclink": (RECOVERY,),
    "recovery": (RECOVERY,),
    "email_change": (EMAIL_CHANGE_NEW, EMAIL_CHANGE_CURRENT),
    "email": (CONFIRMATION, RECOVERY),
}
LINK_DEAD = "Email link is invalid or has expired"
CODE_DEAD = "Token has expired or is invalid"
HALF_DONE = "Confirmation link accepted. Please proceed to confirm link sent to the other email"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request redeems: a hash, or a code with an address."""

    kind: str
    token_hash: str
    code: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The user of a redeemed token; ``is_half`` when a change still needs the other confirmation."""

    user: User
    token: StoredToken
    is_half: bool = False


def read_proof(body: Body) -> Proof:
    """Return what the body of POST /verify redeems; raise AuthError."""
    kind, code, token_hash = body.text("type"), body.text("token"), body.text("token_hash")
    email, phone = body.text("email"), body.text("phone")
    if not kind:
        raise invalid("Verify requires a verification type")
    if bool(code) == bool(token_hash):
        raise invalid("Verify requires either a token or a token hash")
    if token_hash:
        if email or phone or body.text("redirect_to"):
            raise invalid("Only the token_hash and type should be provided")
        return Proof(kind, token_hash)
    if bool(email) == bool(phone):
        raise invalid("Only an email address or phone number should be provided on verify")
    if phone:
        users.check_phone(phone)
        raise dead(CODE_DEAD)  # no message to a telephone was ever sent
    try:
        return Proof(kind, "", code, checked_email(email))
    except AuthError:
        raise invalid("Invalid email format", 422) from None


def redeem(op: Operation, connection: Rows, proof: Proof) -> Redeemed:
    """Delete a token and apply its effect; raise AuthError."""
    token = _by_hash(connection, proof) if proof.token_hash else _by_code(op, connection, proof)
    words = LINK_DEAD if proof.token_hash else CODE_DEAD
    if token is None or token.is_expired(op.settings.mailer_otp_exp, op.now):
        raise dead(words, keeps_changes=True)
    user = users.find_by_id(connection, token.user_id, lock=True)
    if user is None or not one_time_tokens.delete(connection, token):
        raise dead(words)
    if user.is_banned(op.now):
        raise AuthError(403, "user_banned", "User is banned")
    if token.token_type in (EMAIL_CHANGE_NEW, EMAIL_CHANGE_CURRENT):
        changed = email_change.confirm(op, connection, user)
        return Redeemed(changed or user, token, is_half=changed is None)
    one_time_tokens.clear(connection, user.id)
    return Redeemed(_confirmed(op, connection, user, token), token)


def dead(message: str, *, keeps_changes: bool = False) -> AuthError:
    """Return the error for a token that is unknown, used up or too old."""
    return AuthError(403, "otp_expired", message, keeps_changes=keeps_changes)


def _by_hash(connection: Rows, proof: Proof) -> StoredToken | None:
    if proof.kind not in TOKEN_TYPES:
        raise invalid("Invalid email verification type")
    return one_time_tokens.find_by_hash(connection, proof.token_hash, TOKEN_TYPES[proof.kind])


def _by_code(op: Operation, connection: Rows, proof: Proof) -> StoredToken | None:
    held = _held_for(connection, proof)
    for token in held:
        if one_time_tokens.matches(token.token_hash, op.code_secret, proof.email, proof.code):
            return token
    for token in held:
        one_time_tokens.note_wrong_guess(connection, token)
    return None


def _held_for(connection: Rows, proof: Proof) -> list[StoredToken]:
    """Return the tokens that were mailed to an address, under their users' locks: guesses take turns."""
    token_types = TOKEN_TYPES.get(proof.kind, ())
    found = one_time_tokens.find_by_address(connection, proof.email, token_types)
    for user_id in sorted({token.user_id for token in found}):
        users.find_by_id(connection, user_id, lock=True)
    return one_time_tokens.find_by_address(connection, proof.email, token_types) if found else []


def _confirmed(op: Operation, connection: Rows, user: User, token: StoredToken) -> User:
    """Confirm the address: the holder of a mailed token reads its mail."""
    if user.email_confirmed_at is None:
        user = sign_up.confirm(op, connection, user)
    if token.token_type == CONFIRMATION:
        content = identities.email_content(user.id, user.address, is_verified=True)
        identities.save_email(connection, user.id, content, op.now)
    return user
