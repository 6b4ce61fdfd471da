"""Change of address: requested, mailed to both addresses, confirmed from both."""

from __future__ import annotations

from psycopg.errors import DeadlockDetected

from signet_stack.auth import identities, notices, one_time_tokens, sign_up, token_mails, users
from signet_stack.auth.service import Operation
from signet_stack.auth.token_mails import EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW, MailOptions
from signet_stack.auth.users import Rows, User

NONE_CONFIRMED, ONE_CONFIRMED = 0, 1


def check_free(connection: Rows, user: User, email: str) -> None:
    """Raise AuthError when another account has the address."""
    holder = users.find_by_email(connection, email)
    if holder is not None and holder.id != user.id:
        raise users.email_taken()


def start(op: Operation, connection: Rows, user: User, email: str, options: MailOptions) -> User:
    """Store the new address and mail a token to it, and to the old one when both must confirm.

    An earlier confirmation is void.
    """
    token_mails.check_frequency(op, user, EMAIL_CHANGE_NEW)
    changes = {"email_change": email, "email_change_confirm_status": NONE_CONFIRMED}
    user = users.update(connection, user.id, op.now, **changes)
    token_mails.start_flow(op, connection, user, EMAIL_CHANGE_NEW, options)
    if needs_both(op, user):
        token_mails.send(op, connection, user, EMAIL_CHANGE_CURRENT, options)
    return token_mails.send(op, connection, user, EMAIL_CHANGE_NEW, options, user.email_change or "")


def needs_both(op: Operation, user: User) -> bool:
    """Whether the old address must confirm as well."""
    return op.settings.mailer_secure_email_change_enabled and bool(user.email)


def confirm(op: Operation, connection: Rows, user: User) -> User | None:
    """Take one confirmation; return the changed user, or None while the other one is missing."""
    if needs_both(op, user) and user.email_change_confirm_status == NONE_CONFIRMED:
        users.update(connection, user.id, op.now, email_change_confirm_status=ONE_CONFIRMED)
        return None
    one_time_tokens.clear(connection, user.id)
    email, former = user.email_change or user.address, user.address
    changed = set_address(op, connection, user, email, is_confirmed=True)
    notices.send(op, connection, former, "email_changed", old=former, new=email)
    return changed if changed.email_confirmed_at else sign_up.confirm(op, connection, changed)


def set_address(op: Operation, connection: Rows, user: User, email: str, *, is_confirmed: bool) -> User:
    """Give the account its new address, and leave its metadata alone; raise AuthError when it is taken."""
    try:
        with connection.transaction():
            changed = users.update(
                connection,
                user.id,
                op.now,
                email=email,
                email_change="",
                email_change_confirm_status=NONE_CONFIRMED,
            )
    except (users.Taken, DeadlockDetected):  # two accounts that take each other's address wait in a circle
        raise users.email_taken() from None
    content = identities.email_content(changed.id, email, is_verified=is_confirmed)
    identities.save_email(connection, user.id, content, op.now)
    return changed
