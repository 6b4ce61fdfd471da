"""POST /signup: create an account. The answer reveals of existing accounts what the hosted service's does."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from signet_stack.auth import grants, identities, token_mails, users
from signet_stack.auth.access_tokens import AUDIENCE
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.passwords import check_length, too_weak, weakness
from signet_stack.auth.pkce import read_challenge
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import Client
from signet_stack.auth.token_mails import SIGNUP, MailOptions
from signet_stack.auth.users import Rows, User, checked_email, rfc3339, user_json

APP_METADATA = {"provider": identities.EMAIL, "providers": [identities.EMAIL]}


def refuse_anonymous(body: Body) -> None:
    """Raise AuthError for a sign-up without any address, which would be an anonymous one."""
    if not body.text("email") and not body.text("phone"):
        raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")


def sign_up(op: Operation, body: Body, client: Client, target: str) -> Grant | dict[str, Any]:
    """Return a session, or the user who has to confirm the address first; raise AuthError."""
    email, options = _checked(op, body, target)
    hashed = op.passwords.make(body.text("password"))
    content = body.mapping("data")
    try:
        return _register(op, email, hashed, content, client, options)
    except users.Taken:  # another sign-up of the same address was faster
        return _register(op, email, hashed, content, client, options)


def check_new_password(op: Operation, password: str) -> None:
    """Raise AuthError for a password that is too long or too weak."""
    check_length(password)
    settings = op.settings
    if weak := weakness(password, settings.password_min_length, settings.password_required_characters):
        raise too_weak(weak)


def create_user(
    op: Operation, connection: Rows, email: str, hashed: str | None, content: dict[str, Any]
) -> User:
    """Insert a user who signs up, and the e-mail identity, whose data becomes the metadata.

    Triggers on auth.users see one INSERT with the final values. Raises users.Taken.
    """
    user_id = uuid.uuid4()
    is_verified = op.settings.mailer_autoconfirm
    identity = identities.email_content(user_id, email, content, is_verified=is_verified)
    return _insert(op, connection, user_id, email, hashed, identity, identity)


def create_invited(
    op: Operation, connection: Rows, email: str, hashed: str | None, content: dict[str, Any]
) -> User:
    """Insert a user of an invitation or a generated link: the metadata is the given data only.

    Raises users.Taken.
    """
    user_id = uuid.uuid4()
    identity = identities.email_content(user_id, email)
    return _insert(op, connection, user_id, email, hashed, content, identity)


def confirm(op: Operation, connection: Rows, user: User) -> User:
    """Set email_confirmed_at in an UPDATE of its own, so that triggers on the confirmation fire."""
    changed = users.update(
        connection,
        user.id,
        op.now,
        email_confirmed_at=op.now,
        raw_user_meta_data=users.merged(user.raw_user_meta_data, {"email_verified": True}),
    )
    # As on the hosted service, the answer to the confirming request has no confirmed_at.
    return replace(changed, confirmed_at=user.confirmed_at)


def _insert(
    op: Operation,
    connection: Rows,
    user_id: uuid.UUID,
    email: str,
    hashed: str | None,
    metadata: dict[str, Any],
    identity: dict[str, Any],
) -> User:
    user = users.insert(
        connection,
        user_id,
        op.now,
        email=email,
        encrypted_password=hashed,
        raw_app_meta_data=APP_METADATA,
        raw_user_meta_data=users.merged(None, metadata),
    )
    identities.save_email(connection, user.id, identity, op.now)
    return user


def _checked(op: Operation, body: Body, target: str) -> tuple[str, MailOptions]:
    settings, email, password = op.settings, body.text("email"), body.text("password")
    if settings.disable_signup:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    if not password:
        raise invalid("Signup requires a valid password")
    check_new_password(op, password)
    if email and body.text("phone"):
        raise invalid("Only an email address or phone number should be provided on signup.")
    challenge = read_challenge(body.text("code_challenge_method"), body.text("code_challenge"))
    if not email:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not settings.external_email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email signups are disabled")
    return checked_email(email), MailOptions(target, challenge)


def _register(
    op: Operation, email: str, hashed: str, content: dict[str, Any], client: Client, options: MailOptions
) -> Grant | dict[str, Any]:
    is_automatic = op.settings.mailer_autoconfirm
    with op.transaction() as connection:
        known = users.find_by_email(connection, email, lock=True)
        if known is not None and known.confirmed_at is not None:
            if is_automatic:
                raise AuthError(422, "user_already_exists", "User already registered")
            return _obfuscated(op, email, content)
        user = known or create_user(op, connection, email, hashed, content)
        if is_automatic:
            if user.is_banned(op.now):
                raise AuthError(400, "user_banned", "User is banned")
            user = confirm(op, connection, user)
            return grants.open_session(op, connection, user, "password", client)
        if known is not None:
            token_mails.check_frequency(op, known, SIGNUP)
        token_mails.start_flow(op, connection, user, SIGNUP, options)
        user = token_mails.send(op, connection, user, SIGNUP, options)
        return _waiting(connection, user)


def _waiting(connection: Rows, user: User) -> dict[str, Any]:
    """Return the user who has to confirm the address; of an invited one, without metadata and identities."""
    if user.invited_at is None:
        return user_json(user, identities.of_user(connection, user.id))
    return {**user_json(user, []), "user_metadata": {}}


def _obfuscated(op: Operation, email: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return an invented user: the answer must not reveal that the address has an account."""
    now = rfc3339(op.now)
    return {
        "id": str(uuid.uuid4()),
        "aud": AUDIENCE,
        "role": "",
        "email": email,
        "phone": "",
        "confirmation_sent_at": now,
        "app_metadata": APP_METADATA,
        "user_metadata": content,
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "is_anonymous": False,
    }
