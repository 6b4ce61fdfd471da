"""Sign in with an external provider: start a flow, take the provider's answer, find or make the account.

The state of a flow is a row of auth.flow_state. An account is found by the identity, else by an address that
the provider has verified; an unconfirmed account loses what a stranger may have set (password, metadata,
other identities) before it is confirmed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from signet_stack.auth import grants, identities, notices, one_time_tokens, sign_up, token_mails, users
from signet_stack.auth.access_tokens import uuid_claim
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.pkce import FLOW_LIFE, Challenge
from signet_stack.auth.providers import Person
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import Client
from signet_stack.auth.token_mails import SIGNUP, MailOptions
from signet_stack.auth.users import Rows, User

METHOD = "oauth"
NO_ADDRESS = "no address"


class BadState(AuthError):
    """A state that starts no flow: its answer goes to the site's address, because no other is known."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow with a provider, as stored."""

    id: UUID
    user_id: UUID | None
    auth_code: str | None = field(repr=False)
    provider_type: str
    created_at: datetime
    referrer: str
    linking_target_id: UUID | None
    invite_token: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """What a flow keeps until the provider answers."""

    provider: str
    target: str
    challenge: Challenge | None = None
    linking_target: UUID | None = None
    invite_token: str = ""


def start(op: Operation, connection: Rows, wanted: Start) -> str:
    """Store a flow and return its state; raise AuthError for an unknown invitation."""
    if wanted.invite_token and _invited(connection, wanted.invite_token) is None:
        raise AuthError(404, "user_not_found", "User identified by token not found")
    flow_id, challenge = uuid.uuid4(), wanted.challenge
    connection.execute(
        "insert into auth.flow_state (id, auth_code, code_challenge_method, code_challenge, provider_type,"
        " provider_access_token, authentication_method, referrer, linking_target_id, invite_token,"
        " created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, '', %s, %s, %s, %s, %s, %s)",
        (
            flow_id,
            str(uuid.uuid4()) if challenge else None,
            challenge.method if challenge else None,
            challenge.value if challenge else None,
            wanted.provider,
            METHOD,
            wanted.target,
            wanted.linking_target,
            wanted.invite_token or None,
            op.now,
            op.now,
        ),
    )
    return str(flow_id)


def find(op: Operation, connection: Rows, state: str) -> Flow:
    """Return the flow of a state; raise BadState."""
    if not state:
        raise BadState(400, "bad_oauth_callback", "OAuth state parameter missing")
    flow_id = uuid_claim(state)
    if flow_id is None:
        raise BadState(400, "bad_oauth_state", "OAuth state parameter is invalid")
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        flow = cursor.execute(
            "select id, user_id, auth_code, provider_type, created_at, referrer, linking_target_id,"
            " invite_token from auth.flow_state"
            " where id = %s and authentication_method = %s and referrer is not null",
            (flow_id, METHOD),
        ).fetchone()
    if flow is None:
        raise BadState(400, "bad_oauth_state", "OAuth state not found or expired")
    if op.now > flow.created_at + FLOW_LIFE:
        raise BadState(400, "bad_oauth_state", "OAuth state has expired")
    if flow.user_id is not None:
        raise _used()
    return flow


def finish(op: Operation, connection: Rows, flow: Flow, person: Person, client: Client) -> Grant | str:
    """Return a session, or the code of a PKCE flow; raise AuthError."""
    if not person.subject:
        raise AuthError(500, "unexpected_failure", "error missing provider id")
    if flow.linking_target_id is not None:
        user = link(op, connection, flow, person)
    elif flow.invite_token:
        user = _accept_invitation(op, connection, flow, person)
    else:
        user = _confirmed(op, connection, flow.provider_type, person, _account(op, connection, flow, person))
    if flow.auth_code is None:
        grant = grants.open_session(op, connection, user, METHOD, client)
        connection.execute("delete from auth.flow_state where id = %s", (flow.id,))
        return replace(
            grant, body={**grant.body, **grants.provider_tokens(person.access_token, person.refresh_token)}
        )
    taken = connection.execute(
        "update auth.flow_state set user_id = %s, provider_access_token = %s, provider_refresh_token = %s,"
        " auth_code_issued_at = %s, updated_at = %s where id = %s and user_id is null",
        (user.id, person.access_token, person.refresh_token, op.now, op.now, flow.id),
    )
    if taken.rowcount == 0:
        raise _used()
    return flow.auth_code


def link(op: Operation, connection: Rows, flow: Flow, person: Person) -> User:
    """Add an identity to the account that asked for it; raise AuthError."""
    user = users.find_by_id(connection, flow.linking_target_id, lock=True) if flow.linking_target_id else None
    if user is None:
        raise AuthError(404, "user_not_found", "User from sub claim in JWT does not exist")
    present = identities.find(connection, flow.provider_type, person.subject)
    if present is not None:
        suffix = "" if present.user_id == user.id else " to another user"
        raise AuthError(422, "identity_already_exists", f"Identity is already linked{suffix}")
    identities.insert(connection, user.id, flow.provider_type, person.subject, person.identity_data, op.now)
    notices.send(
        op,
        connection,
        user.address,
        "identity_linked",
        provider=flow.provider_type,
        email=person.email or NO_ADDRESS,
    )
    return identities.store_providers(connection, user, op.now)


def unlink(op: Operation, connection: Rows, user: User, identity_id: UUID) -> None:
    """Remove an identity; the address falls back to that of another one. Raise AuthError."""
    present = identities.rows_of(connection, user.id)
    if len(present) <= 1:
        message = "User must have at least 1 identity after unlinking"
        raise AuthError(422, "single_identity_not_deletable", message)
    gone = next((row for row in present if row.id == identity_id), None)
    if gone is None:
        raise AuthError(422, "identity_not_found", "Identity doesn't exist")
    rest = [row for row in present if row.id != identity_id]
    connection.execute("delete from auth.identities where id = %s", (identity_id,))
    notices.send(
        op,
        connection,
        user.address,
        "identity_unlinked",
        provider=gone.provider,
        email=gone.email or NO_ADDRESS,
    )
    if user.address and not any(row.email == user.address for row in rest):
        user = _fall_back(op, connection, user, rest)
    identities.store_providers(connection, user, op.now)


def _fall_back(op: Operation, connection: Rows, user: User, rest: list[identities.Identity]) -> User:
    """Give an account the address of its best remaining identity: verified first, then the oldest."""
    best = next((row for row in rest if row.is_verified and row.email), None)
    best = best or next((row for row in rest if row.email), None)
    if best is None:
        return user
    changes: dict[str, Any] = {"email": best.email}
    if not best.is_verified and not op.settings.mailer_autoconfirm:
        metadata = users.merged(user.raw_user_meta_data, {"email_verified": False})
        changes |= {"email_confirmed_at": None, "raw_user_meta_data": metadata}
    one_time_tokens.clear(connection, user.id)
    try:
        return users.update(connection, user.id, op.now, **changes)
    except users.Taken:
        message = "Unable to unlink identity due to email conflict"
        raise AuthError(422, "email_conflict_identity_not_deletable", message) from None


def _account(op: Operation, connection: Rows, flow: Flow, person: Person) -> User:
    """Return the account of a person: known by the identity, by a verified address, or new."""
    provider = flow.provider_type
    present = identities.find(connection, provider, person.subject)
    if present is not None:
        user = users.find_by_id(connection, present.user_id, lock=True)
        if user is not None:
            identities.replace_data(connection, present, person.identity_data, op.now)
            metadata = users.merged(user.raw_user_meta_data, person.identity_data)
            return users.update(connection, user.id, op.now, raw_user_meta_data=metadata)
    owner = _owner(op, connection, person)
    if owner is None:
        return _new_account(op, connection, provider, person)
    identities.insert(connection, owner.id, provider, person.subject, person.identity_data, op.now)
    metadata = users.merged(owner.raw_user_meta_data, person.identity_data)
    owner = users.update(connection, owner.id, op.now, raw_user_meta_data=metadata)
    return identities.store_providers(connection, owner, op.now)


def _owner(op: Operation, connection: Rows, person: Person) -> User | None:
    """Return the account that a verified address of the provider belongs to; raise AuthError for several."""
    if not person.email or not (person.is_verified or op.settings.mailer_autoconfirm):
        return None
    owners = identities.owners_of_address(connection, person.email)
    if len(owners) > 1:
        message = "Multiple accounts with the same email address in the same linking domain detected: default"
        raise AuthError(500, "unexpected_failure", message)
    if owners:
        return users.find_by_id(connection, owners[0], lock=True)
    return users.find_by_email(connection, person.email, lock=True)


def _new_account(op: Operation, connection: Rows, provider: str, person: Person) -> User:
    if op.settings.disable_signup:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    is_free = bool(person.email) and users.find_by_email(connection, person.email) is None
    user = users.insert(
        connection,
        uuid.uuid4(),
        op.now,
        email=person.email if is_free else None,
        raw_app_meta_data={"provider": provider, "providers": [provider]},
        raw_user_meta_data=person.identity_data,
    )
    identities.insert(connection, user.id, provider, person.subject, person.identity_data, op.now)
    return user


def _confirmed(op: Operation, connection: Rows, provider: str, person: Person, user: User) -> User:
    """Return the account if it may sign in; raise AuthError, for an unverified address after a mail."""
    if user.is_banned(op.now):
        raise AuthError(403, "user_banned", "User is banned")
    if user.email_confirmed_at is not None:
        return user
    user = _keep_only(op, connection, user, provider, person)
    if user.address and (person.is_verified or op.settings.mailer_autoconfirm):
        return sign_up.confirm(op, connection, user)
    message = f"Unverified email with {provider}. Verify the email with {provider} in order to sign in"
    if user.address:
        token_mails.check_frequency(op, user, SIGNUP)
        token_mails.send(op, connection, user, SIGNUP, MailOptions(op.site_url))
        sent = f"A confirmation email has been sent to your {provider} email"
        message = f"Unverified email with {provider}. {sent}"
    raise AuthError(422, "provider_email_needs_verification", message, keeps_changes=True)


def _keep_only(op: Operation, connection: Rows, user: User, provider: str, person: Person) -> User:
    """Take from an unconfirmed account what a stranger may have set: password, metadata, other identities."""
    identities.delete_others(connection, user.id, provider, person.subject)
    user = users.update(
        connection, user.id, op.now, encrypted_password=None, raw_user_meta_data=person.identity_data
    )
    return identities.store_providers(connection, user, op.now)


def _invited(connection: Rows, token_hash: str) -> UUID | None:
    found = one_time_tokens.find_by_hash(connection, token_hash, (one_time_tokens.CONFIRMATION,))
    return found.user_id if found else None


def _accept_invitation(op: Operation, connection: Rows, flow: Flow, person: Person) -> User:
    user_id = _invited(connection, flow.invite_token or "")
    user = users.find_by_id(connection, user_id, lock=True) if user_id else None
    if user is None:
        raise AuthError(404, "invite_not_found", "Invite not found")
    if person.email != user.address:
        raise invalid("Invited email does not match emails from external provider")
    identities.insert(connection, user.id, flow.provider_type, person.subject, person.identity_data, op.now)
    user = _keep_only(op, connection, user, flow.provider_type, person)
    one_time_tokens.clear(connection, user.id)
    return user if user.email_confirmed_at else sign_up.confirm(op, connection, user)


def _used() -> BadState:
    return BadState(400, "flow_state_already_used", "State has already been used")
