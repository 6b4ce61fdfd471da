"""Notices by mail: the password, the address or a sign-in method of an account was changed.

Each has a switch, all off by default, as on hosted projects. A notice carries no link and no code, goes to an
address that exists, and never fails the operation that it reports.
"""

from __future__ import annotations

import logging

from signet_stack.auth import mail_templates, token_mails
from signet_stack.auth.errors import AuthError
from signet_stack.auth.service import Operation
from signet_stack.auth.users import Rows

logger = logging.getLogger(__name__)


def send(op: Operation, connection: Rows, address: str, kind: str, **values: str) -> None:
    """Mail a notice of a kind if its switch is on; ``values`` are named in its words."""
    if not address or not getattr(op.settings, f"mailer_notifications_{kind}_enabled"):
        return
    mail = mail_templates.notice(kind, address, values)
    try:
        token_mails.check_total(op)
        op.mailer.send(connection, mail, op.now)
    except AuthError as error:
        logger.warning("the notice %s was not sent: %s", kind, error.message)
